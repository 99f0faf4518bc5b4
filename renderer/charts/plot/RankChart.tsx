/** The one chart over ranks: lines by role, a zoom and scales that keep, marks, and the handle where a rank is chosen on it. Fed with series, it knows no report. */
import { SegmentedControl, Select } from '@mantine/core'
import { useMemo } from 'react'
import { say } from '../../../core/messages/english.ts'
import { shareAt } from '../../../core/report/axis.ts'
import { type ChartPicture, chartPicture } from '../../../core/report/chart-picture.ts'
import type { Role } from '../../../core/report/series.ts'
import { useSentences, useWords } from '../../words/words.ts'
import { chartChoiceReducers, type ScaleChoice, scaleChoices, useChartChoices, zooms } from '../choices.ts'
import { type Quantity, quantities } from '../quantities.ts'
import { rankGrid, rowsOf, type Series, withExtremes } from '../series.ts'
import { axisOf, margin, type RankAxis } from './axis.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { DataTable } from './DataTable.tsx'
import { copyPicture, saveCsv, savePng, saveSvg } from './export.ts'
import { Legend } from './Legend.tsx'
import { type Dot, LinePlot, type Mark } from './LinePlot.tsx'
import { RankHandle, type RankHandleProps } from './RankHandle.tsx'

export interface RankChartProps {
  readonly title: string
  /** Of an export, without its ending. */
  readonly fileName: string
  /** What a picture of it says below its title: model, tensor, shape, method, seed. */
  readonly facts: readonly string[]
  readonly quantity: Quantity
  readonly series: readonly Series[]
  readonly first: 0 | 1
  /** Of the axis as it is shown, and of the data, for the CSV file. */
  readonly last: number
  readonly end: number
  /** Ranks that are drawn whatever the grid is. */
  readonly marks?: readonly Mark[]
  readonly points?: readonly number[]
  /** Measured, beside the lines. */
  readonly dots?: readonly Dot[]
  /** Shown at this rank in the legend; null: none is marked. */
  readonly rank: number | null
  readonly handle?: Pick<RankHandleProps, 'min' | 'max' | 'label' | 'valueText' | 'grip' | 'onChange' | 'onCommit'> & {
    /** What the dot lies on. */
    readonly at: number | null
  }
  /** Of errors: smaller ones are rounding. */
  readonly resolution?: number
  /** Stacked below another chart, whose zoom and scale it follows. */
  readonly below?: boolean
  /** Its axis has one reach: there is no zoom. */
  readonly fixed?: boolean
}

const noMarks: readonly Mark[] = []
const noPoints: readonly number[] = []
const noDots: readonly Dot[] = []
/** Space above a plot without a grip, in px. */
const bare = 16

export function RankChart(props: RankChartProps) {
  const { quantity, series, first, last, end, rank, handle, resolution } = props
  const { marks = noMarks, points = noPoints, dots = noDots } = props
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const q = quantities[quantity]
  const choices = useChartChoices()
  const chosen: ScaleChoice = q.scales ? choices[q.scales] : 'linear'
  const scale = chosen === 'linear' ? 'linear' : 'log'
  const across = (q.scales ? chosen : choices.value) === 'log-log' && first === 1 ? 'log' : 'linear'
  const axis = useMemo<RankAxis>(() => ({ first, last, scale: across }), [first, last, across])
  const rows = useMemo(
    () => rowsOf(series, withExtremes(series, rankGrid(first, last, points))),
    [series, first, last, points],
  )
  const [low, high] = useMemo(() => {
    const [least, most] = q.range(rows, series, scale)
    if (dots.length === 0) return [least, most] as const
    const highest = Math.max(...dots.map(({ y }) => Math.ceil(10 * y) / 10))
    return [least, series.length === 0 ? highest : Math.max(most, highest)] as const
  }, [q, rows, series, scale, dots])
  const range = useMemo(() => [low, high] as const, [low, high])
  // No digit of an error that is rounding.
  const format = useMemo(
    () => (resolution === undefined ? numbers[q.format] : (share: number) => numbers.error(share, resolution)),
    [numbers, q, resolution],
  )
  const formatX = q.thousandths ? (x: number) => numbers.tickPercent(x / 1000) : numbers.count
  const xTitle = sentences(say(q.x))
  const yTitle = sentences(say(q.title))

  const { below, fixed } = props
  const tools = useMemo(
    () =>
      below ? (
        <span className="chart-name">{yTitle}</span>
      ) : (
        <>
          {fixed ? null : (
            <Select
              allowDeselect={false}
              aria-label={t('chart.zoom')}
              className="chart-zoom"
              data={zooms.map((zoom) => ({ value: zoom, label: t(`chart.zooms.${zoom}`) }))}
              onChange={(zoom) => chartChoiceReducers.zoom(zoom as (typeof zooms)[number])}
              size="xs"
              value={choices.zoom}
            />
          )}
          {q.scales ? <ScaleControl of={q.scales} value={chosen} /> : null}
        </>
      ),
    [below, fixed, yTitle, t, choices.zoom, q, chosen],
  )

  const picture = (): string => {
    const chart: ChartPicture = {
      title: props.title,
      facts: props.facts,
      x: { ...axisOf(axis), title: xTitle, tick: formatX },
      y: { low, high, scale, title: yTitle, tick: numbers[q.tick] },
      lines: series.map(({ id, role, label }) => ({
        role,
        name: label,
        points: rows.map((row) => [row.rank, row[id] ?? null]),
      })),
      marks: [
        ...marks.map(({ rank: x, label, role }) => ({ role, x, name: label })),
        ...(handle && rank !== null
          ? [
              {
                role: 'plan' as Role,
                x: rank,
                name: q.thousandths ? handle.valueText : sentences(say('series.rank', { rank })),
                y: handle.at,
              },
            ]
          : []),
      ],
      dots,
    }
    return chartPicture(chart)
  }
  const everyRow = () =>
    rowsOf(
      series,
      Array.from({ length: end - first + 1 }, (_, i) => first + i),
    )
  const plot = (frame: { width: number; height: number }) => (
    <LinePlot
      axis={axis}
      dots={dots}
      formatTick={numbers[q.tick]}
      formatX={formatX}
      formatY={format}
      frame={frame}
      logarithmic={scale === 'log'}
      marks={marks}
      range={range}
      rows={rows}
      series={series}
      top={handle ? margin.top : bare}
      xTitle={xTitle}
      yTitle={yTitle}
    />
  )
  return (
    <ChartFrame
      legend={
        <Legend
          at={rank === null ? null : q.thousandths ? formatX(rank) : t('chart.at', { rank: numbers.count(rank) })}
          format={format}
          rank={rank}
          series={series}
        />
      }
      save={{
        svg: () => saveSvg(picture(), props.fileName),
        png: () => void savePng(picture(), props.fileName),
        copy: () => copyPicture(picture()),
        csv: () =>
          saveCsv(
            [xTitle, ...series.map(({ label }) => `${yTitle}, ${label} [${sentences(say(q.unit))}]`)],
            everyRow().map((row) => [row.rank, ...series.map(({ id }) => row[id] ?? '')]),
            props.fileName,
          ),
      }}
      table={() => (
        <DataTable
          caption={props.title}
          formatX={formatX}
          formatY={format}
          rows={rows}
          series={series}
          xTitle={xTitle}
        />
      )}
      title={props.title}
      tools={tools}
    >
      {(frame) =>
        handle && rank !== null ? (
          <RankHandle
            axis={axis}
            frame={frame}
            height={
              handle.at === null || (scale === 'log' && handle.at < low)
                ? null
                : 1 - shareAt(handle.at, { low, high, scale })
            }
            label={handle.label}
            {...(handle.grip === undefined ? {} : { grip: handle.grip })}
            {...(handle.min === undefined ? {} : { min: handle.min })}
            max={handle.max}
            onChange={handle.onChange}
            onCommit={handle.onCommit}
            rank={rank}
            valueText={handle.valueText}
          >
            {plot(frame)}
          </RankHandle>
        ) : (
          plot(frame)
        )
      }
    </ChartFrame>
  )
}

function ScaleControl({ of, value }: { readonly of: 'error' | 'value'; readonly value: ScaleChoice }) {
  const { t } = useWords()
  return (
    <SegmentedControl
      aria-label={t('chart.scale')}
      data={scaleChoices[of].map((scale) => ({ value: scale, label: t(`chart.scales.${scale}`) }))}
      onChange={(scale) => chartChoiceReducers.scale(of, scale as ScaleChoice)}
      size="xs"
      value={value}
    />
  )
}
