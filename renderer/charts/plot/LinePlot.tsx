/** Lines over ranks, drawn once for the same data: data in, picture out. Handles and read-outs lie above it and move on their own. */
import { createContext, memo, useContext, useEffect } from 'react'
import { CartesianGrid, Line, LineChart, ReferenceDot, ReferenceLine, Tooltip, XAxis, YAxis } from 'recharts'
import { type Tick, ticksOf } from '../../../core/report/axis.ts'
import { lookOf, type Role } from '../../../core/report/series.ts'
import { useStages } from '../../frame/stages.ts'
import type { Row, Series } from '../series.ts'
import { axisOf, type Frame, margin, type RankAxis } from './axis.ts'
import { PlotTooltip } from './PlotTooltip.tsx'
import { strokeOf } from './Swatch.tsx'

export interface Mark {
  readonly rank: number
  readonly label: string
  readonly role: Role
}

/** A measured point, beside the lines: one with a name is what the chart is about. */
export interface Dot {
  readonly x: number
  readonly y: number
  readonly name: string | null
}

export interface LinePlotProps {
  readonly frame: Frame
  readonly axis: RankAxis
  readonly series: readonly Series[]
  readonly rows: readonly Row[]
  readonly marks: readonly Mark[]
  readonly dots: readonly Dot[]
  readonly range: readonly [number, number]
  readonly logarithmic: boolean
  /** Space above the plot, in px: what a rank grip needs where there is one. */
  readonly top: number
  readonly xTitle: string
  readonly yTitle: string
  readonly formatX: (value: number) => string
  readonly formatY: (value: number) => string
  /** On the axis, where there is less room than in the tooltip. */
  readonly formatTick: (value: number) => string
}

/** A plot lower than this, in px, has no room for the name of its y axis; the legend says it as well. */
const titleHeight = 190
const noLines = () => []
/** Room one tick label needs, in px. */
const tickWidth = 80
const tickHeight = 46

/**
 * The plots of one screen, by default of all. What is behind the first takes longer than a task may, most of all on a page that has drawn none: it is
 * made in parts. The others come one by one, as tensors are chosen, and whole.
 */
export const Plots = createContext({ drawn: false })
/** Within the frame, in the order in which they are made. */
const parts = { axes: 1, lines: 2, tooltip: 3 } as const

export const LinePlot = memo(function LinePlot(props: LinePlotProps) {
  const plots = useContext(Plots)
  const made = useStages(parts.tooltip, { first: plots.drawn ? parts.tooltip : 0 })
  useEffect(() => {
    plots.drawn ||= made === parts.tooltip
  }, [plots, made])
  const { frame, axis, series, rows, marks, dots, range, logarithmic } = props
  const yTicks = ticksOf(
    { low: range[0], high: range[1], scale: logarithmic ? 'log' : 'linear' },
    Math.max(2, Math.floor(frame.height / tickHeight)),
  )
  const xTicks = ticksOfRanks(axis, Math.max(2, Math.floor(frame.width / tickWidth)))
  return (
    <LineChart
      accessibilityLayer={false}
      data={rows as Row[]}
      height={frame.height}
      // What the pointer was over belongs to the axis it was on.
      key={`${axis.first}-${axis.last}-${axis.scale}-${logarithmic}`}
      margin={{ left: 0, right: margin.right, top: props.top, bottom: 0 }}
      width={frame.width}
    >
      {made < parts.axes ? null : (
        <>
          <CartesianGrid
            horizontalValues={yTicks.filter(({ small }) => !small).map(({ at }) => at)}
            stroke="var(--chart-grid)"
            vertical={false}
            // It would find ticks of the ranks, and measure their texts, for lines that are not drawn.
            verticalCoordinatesGenerator={noLines}
          />
          <XAxis
            allowDataOverflow
            dataKey="rank"
            domain={[axis.first, axis.last]}
            height={margin.bottom}
            interval={0}
            label={{ value: props.xTitle, position: 'insideBottom', offset: 4, className: 'chart-title' }}
            scale={axis.scale ?? 'linear'}
            stroke="var(--line-control)"
            tick={({ x, y, payload }) => (
              <TickMark at={payload.value} down format={props.formatX} ticks={xTicks} x={Number(x)} y={Number(y)} />
            )}
            tickLine={false}
            ticks={xTicks.map(({ at }) => at)}
            type="number"
          />
          <YAxis
            allowDataOverflow
            domain={[range[0], range[1]]}
            interval={0}
            label={
              frame.height < titleHeight
                ? false
                : {
                    value: props.yTitle,
                    angle: -90,
                    position: 'insideLeft',
                    offset: 8,
                    className: 'chart-title',
                    // Around the middle of its axis: it would begin there, and end above the plot.
                    style: { textAnchor: 'middle' },
                  }
            }
            scale={logarithmic ? 'log' : 'linear'}
            stroke="var(--line-control)"
            tick={({ x, y, payload }) => (
              <TickMark at={payload.value} format={props.formatTick} ticks={yTicks} x={Number(x)} y={Number(y)} />
            )}
            tickLine={false}
            ticks={yTicks.map(({ at }) => at)}
            width={margin.left}
          />
        </>
      )}
      {made < parts.lines ? null : (
        <>
          {marks.map(({ rank, label, role }) => {
            const { dash, width } = lookOf(role)
            return (
              <ReferenceLine
                key={label}
                label={{
                  value: label,
                  position: rank > axis.first + (axis.last - axis.first) * 0.6 ? 'insideTopRight' : 'insideTopLeft',
                  className: 'chart-mark',
                  fill: strokeOf(role),
                }}
                stroke={strokeOf(role)}
                strokeWidth={width}
                x={rank}
                {...(dash ? { strokeDasharray: dash } : {})}
              />
            )
          })}
          {series.map(({ id, label, role }) => {
            const { dash, width } = lookOf(role)
            return (
              <Line
                activeDot={{ r: 3, strokeWidth: 0 }}
                connectNulls={false}
                dataKey={id}
                dot={false}
                isAnimationActive={false}
                key={id}
                name={label}
                stroke={strokeOf(role)}
                strokeLinecap={dash ? 'round' : 'butt'}
                strokeWidth={width}
                type="linear"
                {...(dash ? { strokeDasharray: dash } : {})}
              />
            )
          })}
          {dots.map(({ x, y, name }, at) => (
            <ReferenceDot
              className={name === null ? 'chart-dot' : 'chart-dot named'}
              // biome-ignore lint/suspicious/noArrayIndexKey: points have no names of their own, and none moves
              key={at}
              label={name === null ? false : { value: name, position: 'top', className: 'chart-dot-name' }}
              r={name === null ? 4 : 6}
              x={x}
              y={y}
            />
          ))}
        </>
      )}
      {made < parts.tooltip ? null : (
        <Tooltip
          content={
            <PlotTooltip formatX={props.formatX} formatY={props.formatY} series={series} xTitle={props.xTitle} />
          }
          cursor={{ stroke: 'var(--line-control)', strokeDasharray: '2 3' }}
          isAnimationActive={false}
          // Above the handle of the rank.
          wrapperStyle={{ zIndex: 2 }}
        />
      )}
    </LineChart>
  )
})

interface TickMarkProps {
  readonly x: number
  readonly y: number
  readonly at: number
  readonly ticks: readonly Tick[]
  readonly format: (value: number) => string
  /** Below the axis; beside it otherwise. */
  readonly down?: boolean
}

/** recharts hands over where its label would stand, 8 px from the axis. */
function TickMark({ x, y, at, ticks, format, down = false }: TickMarkProps) {
  const small = ticks.find((tick) => tick.at === at)?.small ?? false
  const length = small ? 3 : 6
  const [dx, dy] = down ? [0, -8] : [8, 0]
  return (
    <g>
      <path
        d={`M${x + dx} ${y + dy}${down ? 'v' : 'h-'}${length}`}
        data-tick={small ? 'small' : 'named'}
        stroke="var(--line-control)"
      />
      {small ? null : (
        <text className="chart-tick" dy={down ? '0.8em' : '0.33em'} textAnchor={down ? 'middle' : 'end'} x={x} y={y}>
          {format(at)}
        </text>
      )}
    </g>
  )
}

/** The ends of a linear axis are always named; a round tick too near to the last one makes room for it. */
function ticksOfRanks(axis: RankAxis, count: number): Tick[] {
  const { first, last, scale } = axis
  if (scale === 'log') return ticksOf(axisOf(axis), count)
  const inner = ticksOf(axisOf(axis), count)
    .map(({ at }) => at)
    .filter((tick) => Number.isInteger(tick) && tick > first)
  const gap = (last - first) / count / 2
  return [...new Set([first, ...inner.filter((tick) => last - tick > gap || tick === last), last])].map((at) => ({
    at,
    small: false,
  }))
}
