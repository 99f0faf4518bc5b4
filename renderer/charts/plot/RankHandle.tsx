/** The draggable rank: a line over a plot with a grip, and a dot where it meets the curve. A slider for the keyboard as well. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from 'react'
import { type Frame, margin, plotHeight, type RankAxis, rankOfX, xOfRank } from './axis.ts'

export interface RankHandleProps {
  readonly frame: Frame
  readonly axis: RankAxis
  readonly rank: number
  readonly min?: number
  readonly max: number
  /** Where the curve is at this rank, as a share of the plot from the top; null where it is not known. */
  readonly height: number | null
  readonly label: string
  readonly valueText: string
  /** On the grip; the rank alone where it is the goal itself. */
  readonly grip?: string
  readonly onChange: (rank: number) => void
  /** The rank was let go. */
  readonly onCommit: () => void
  /** The plot below. */
  readonly children: ReactNode
}

/** Ranks that Shift and the page keys move. */
const largeStep = 10
/** Of a grip, in px: a character at most, one of Chinese, and beside them. */
const gripDigit = 7.5
const gripWide = 12.5
const wideFrom = '\u2e80'
const gripPadding = 8

export function RankHandle(props: RankHandleProps) {
  const { frame, axis, rank, min = 1, max } = props
  const surface = useRef<HTMLDivElement>(null)
  const handle = useRef<HTMLDivElement>(null)
  const set = (wanted: number) => {
    const next = Math.min(max, Math.max(min, wanted))
    if (next !== rank) props.onChange(next)
  }
  const follow = (event: PointerEvent) => {
    const left = surface.current?.getBoundingClientRect().left ?? 0
    set(rankOfX(event.clientX - left, axis, frame))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const target = targetOf(event, rank, min, max)
    if (target === null) return
    event.preventDefault()
    set(target)
  }

  const grip = props.grip ?? String(rank)
  const x = xOfRank(Math.min(rank, axis.last), axis, frame)
  // A long one at either end is moved inside, so that it is read whole.
  const half = [...grip].reduce((sum, one) => sum + (one < wideFrom ? gripDigit : gripWide), 0) / 2 + gripPadding
  const inside = Math.min(0, frame.width - x - half) + Math.max(0, half - x)

  return (
    // A press anywhere in the plot is a shortcut for the slider inside it.
    <div
      className="rank-surface"
      onPointerDown={(event) => {
        if (event.button !== 0) return
        // No text is selected, which the next press would drag; the focus that this takes away is given by hand.
        event.preventDefault()
        handle.current?.focus({ preventScroll: true })
        event.currentTarget.setPointerCapture(event.pointerId)
        follow(event)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) follow(event)
      }}
      onPointerUp={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) props.onCommit()
      }}
      ref={surface}
    >
      {props.children}
      <div
        aria-label={props.label}
        aria-orientation="horizontal"
        aria-valuemax={max}
        aria-valuemin={min}
        aria-valuenow={rank}
        aria-valuetext={props.valueText}
        className="rank-handle"
        onKeyDown={onKeyDown}
        onKeyUp={(event) => {
          if (targetOf(event, rank, min, max) !== null) props.onCommit()
        }}
        ref={handle}
        role="slider"
        style={{
          transform: `translateX(${x}px)`,
          top: margin.top,
          height: plotHeight(frame),
        }}
        tabIndex={0}
      >
        {props.height === null ? null : <span className="rank-dot" style={{ top: `${props.height * 100}%` }} />}
        <span className="rank-grip" style={{ transform: `translateX(calc(-50% + ${inside}px))` }}>
          {grip}
        </span>
      </div>
    </div>
  )
}

/** The rank a key asks for, or null for a key that asks for none. */
function targetOf({ key, shiftKey }: KeyboardEvent, rank: number, min: number, max: number): number | null {
  const step = shiftKey ? largeStep : 1
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return rank - step
    case 'ArrowRight':
    case 'ArrowUp':
      return rank + step
    case 'PageDown':
      return rank - largeStep
    case 'PageUp':
      return rank + largeStep
    case 'Home':
      return min
    case 'End':
      return max
    default:
      return null
  }
}
