/** Lines over ranks, drawn once for the same data: data in, picture out. Handles and read-outs lie above it and move on their own. */
import { memo } from 'react'
import { CartesianGrid, Line, LineChart, ReferenceLine, Tooltip, XAxis, YAxis } from 'recharts'
import { type Frame, logTicks, margin, niceTicks, type RankAxis } from './axis.ts'
import { PlotTooltip } from './PlotTooltip.tsx'
import type { Row, Series } from './series.ts'

export interface Mark {
  readonly rank: number
  readonly label: string
  readonly color: string
}

export interface LinePlotProps {
  readonly frame: Frame
  readonly axis: RankAxis
  readonly series: readonly Series[]
  readonly rows: readonly Row[]
  readonly marks?: readonly Mark[]
  readonly range: readonly [number, number]
  readonly logarithmic?: boolean
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
/** Room one tick label needs, in px. */
const tickWidth = 80
const tickHeight = 46

export const LinePlot = memo(function LinePlot(props: LinePlotProps) {
  const { frame, axis, series, rows, marks = [], range, logarithmic = false } = props
  const yTickCount = Math.max(2, Math.floor(frame.height / tickHeight))
  return (
    <LineChart
      accessibilityLayer={false}
      data={rows as Row[]}
      height={frame.height}
      margin={{ left: 0, right: margin.right, top: props.top, bottom: 0 }}
      width={frame.width}
    >
      <CartesianGrid stroke="var(--chart-grid)" vertical={false} />
      <XAxis
        allowDataOverflow
        dataKey="rank"
        domain={[axis.first, axis.last]}
        height={margin.bottom}
        label={{ value: props.xTitle, position: 'insideBottom', offset: 4, className: 'chart-title' }}
        stroke="var(--line-control)"
        tick={{ fontSize: 12, fill: 'var(--text-2)' }}
        tickFormatter={props.formatX}
        ticks={ticksOfRanks(axis, Math.max(2, Math.floor(frame.width / tickWidth)))}
        type="number"
      />
      <YAxis
        allowDataOverflow
        domain={[range[0], range[1]]}
        label={
          frame.height < titleHeight
            ? false
            : { value: props.yTitle, angle: -90, position: 'insideLeft', offset: 8, className: 'chart-title' }
        }
        scale={logarithmic ? 'log' : 'linear'}
        stroke="var(--line-control)"
        tick={{ fontSize: 12, fill: 'var(--text-2)' }}
        tickFormatter={props.formatTick}
        ticks={logarithmic ? logTicks(range[0], range[1], yTickCount) : niceTicks(range[0], range[1], yTickCount)}
        width={margin.left}
      />
      <Tooltip
        content={<PlotTooltip formatX={props.formatX} formatY={props.formatY} series={series} xTitle={props.xTitle} />}
        cursor={{ stroke: 'var(--line-control)', strokeDasharray: '2 3' }}
        isAnimationActive={false}
      />
      {marks.map((mark) => (
        <ReferenceLine
          key={mark.label}
          label={{
            value: mark.label,
            position: mark.rank > axis.first + (axis.last - axis.first) * 0.6 ? 'insideTopRight' : 'insideTopLeft',
            className: 'chart-mark',
            fill: mark.color,
          }}
          stroke={mark.color}
          strokeDasharray="2 4"
          strokeWidth={1.5}
          x={mark.rank}
        />
      ))}
      {series.map((one) => (
        <Line
          activeDot={{ r: 3, strokeWidth: 0 }}
          connectNulls={false}
          dataKey={one.id}
          dot={false}
          isAnimationActive={false}
          key={one.id}
          name={one.label}
          stroke={one.color}
          strokeWidth={one.width ?? 2}
          type="linear"
          {...(one.dash ? { strokeDasharray: one.dash } : {})}
        />
      ))}
    </LineChart>
  )
})

/** The ends of the axis are always named; a round tick too near to the last one makes room for it. */
function ticksOfRanks({ first, last }: RankAxis, count: number): number[] {
  const inner = niceTicks(first, last, count).filter((tick) => Number.isInteger(tick) && tick > first)
  const gap = (last - first) / count / 2
  return [first, ...inner.filter((tick) => last - tick > gap || tick === last), last].filter(
    (tick, i, all) => all.indexOf(tick) === i,
  )
}
