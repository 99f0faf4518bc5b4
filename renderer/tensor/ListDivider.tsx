/** The border of the list, dragged or moved by arrow keys; a double click takes it back to where it was first. */
import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import { useWords } from '../words/words.ts'
import { listWidthReducers, listWidths, useListWidth } from './list-width.ts'

/** px of an arrow key. */
const step = 16

export function ListDivider() {
  const { t } = useWords()
  const width = useListWidth((state) => state.width)
  const [grabbed, setGrabbed] = useState<{ readonly x: number; readonly width: number } | null>(null)
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.preventDefault()
    event.currentTarget.focus()
    event.currentTarget.setPointerCapture(event.pointerId)
    setGrabbed({ x: event.clientX, width })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: width - step,
      ArrowRight: width + step,
      Home: listWidths.least,
      End: listWidths.most,
    }
    const next = moves[event.key]
    if (next === undefined) return
    event.preventDefault()
    listWidthReducers.set(next)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no rule between paragraphs
    <div
      aria-label={t('list.width')}
      aria-orientation="vertical"
      aria-valuemax={listWidths.most}
      aria-valuemin={listWidths.least}
      aria-valuenow={width}
      className="list-divider"
      data-dragged={grabbed !== null}
      onDoubleClick={() => listWidthReducers.set(listWidths.usual)}
      onKeyDown={onKeyDown}
      onLostPointerCapture={() => setGrabbed(null)}
      onPointerDown={onPointerDown}
      onPointerMove={(event) => {
        if (grabbed) listWidthReducers.set(grabbed.width + event.clientX - grabbed.x)
      }}
      role="separator"
      tabIndex={0}
    />
  )
}
