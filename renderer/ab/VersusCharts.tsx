/** Both sides on shared axes: error against rank, and singular values. */
import { useMemo, useState } from 'react'
import type { AnalysisReport, VersusReport } from '../../core/contract.ts'
import { floorCurve } from '../../core/curves/error-curve.ts'
import { noiseError } from '../../core/curves/noise-line.ts'
import { ChartCard } from '../charts/ChartCard.tsx'
import { ScaleControl } from '../charts/ErrorVsRank.tsx'
import { LinePlot } from '../charts/LinePlot.tsx'
import { lowestError, type Scale, valueRange } from '../charts/range.ts'
import { listed, rankGrid, rowsOf, type Series } from '../charts/series.ts'
import { type SideName, sideNames } from '../model/versus.ts'
import { useWords } from '../words/words.ts'

/** A where they differ in color and in dash: two curves of nearly the same height are told apart where they cross. */
const looks = {
  a: { color: 'var(--series-randomized)', width: 2.5 },
  b: { color: 'var(--series-randomized-2)', dash: '6 4', width: 2.5 },
} as const

/** There is no grip above these plots, in px. */
const topSpace = 10

export function VersusErrors({ report }: { readonly report: VersusReport }) {
  const { t, numbers } = useWords()
  const [scale, setScale] = useState<Scale>('linear')
  const [rows, cols] = sizeOf(report)
  const last = lastRank(report)
  const lines = useLines(report, errorsOf, 0)
  const series = useMemo<Series[]>(
    () => [
      {
        id: 'noise',
        label: t('chart.noise'),
        color: 'var(--series-noise)',
        dash: '2 4',
        width: 1.5,
        at: (rank) => noiseError(rows, cols, rank),
      },
      ...lines,
    ],
    [lines, rows, cols, t],
  )
  const points = useMemo(() => rowsOf(series, rankGrid(0, last, ranksOf(report))), [series, last, report])
  const range = useMemo(() => [lowestError(points, scale), 1] as const, [points, scale])
  const axis = useMemo(() => ({ first: 0, last }), [last])
  return (
    <ChartCard
      fileName={`${report.tensor}.ab-error`}
      first={0}
      formatY={numbers.percent}
      last={last}
      rows={points}
      series={series}
      title={t('ab.errorTitle', { name: report.tensor })}
      tools={<ScaleControl onChange={setScale} value={scale} />}
      xTitle={t('chart.rank')}
    >
      {(frame) => (
        <LinePlot
          axis={axis}
          formatTick={numbers.tickPercent}
          formatX={numbers.count}
          formatY={numbers.percent}
          frame={frame}
          logarithmic={scale === 'log'}
          range={range}
          rows={points}
          series={series}
          top={topSpace}
          xTitle={t('chart.rank')}
          yTitle={t('chart.error')}
        />
      )}
    </ChartCard>
  )
}

export function VersusValues({ report }: { readonly report: VersusReport }) {
  const { t, numbers } = useWords()
  const [scale, setScale] = useState<Scale>('log')
  const last = lastRank(report)
  const series = useLines(report, valuesOf, 1)
  const points = useMemo(() => rowsOf(series, rankGrid(1, last, ranksOf(report))), [series, last, report])
  const range = useMemo(() => valueRange(points, scale), [points, scale])
  const axis = useMemo(() => ({ first: 1, last }), [last])
  return (
    <ChartCard
      fileName={`${report.tensor}.ab-singular-values`}
      first={1}
      formatY={numbers.value}
      last={last}
      rows={points}
      series={series}
      title={t('ab.valuesTitle', { name: report.tensor })}
      tools={<ScaleControl onChange={setScale} value={scale} />}
      xTitle={t('chart.index')}
    >
      {(frame) => (
        <LinePlot
          axis={axis}
          formatTick={numbers.value}
          formatX={numbers.count}
          formatY={numbers.value}
          frame={frame}
          logarithmic={scale === 'log'}
          range={range}
          rows={points}
          series={series}
          top={topSpace}
          xTitle={t('chart.index')}
          yTitle={t('chart.value')}
        />
      )}
    </ChartCard>
  )
}

/** A line for each side over what `listOf` finds in its report. */
function useLines(
  report: VersusReport,
  listOf: (side: AnalysisReport) => readonly number[],
  first: 0 | 1,
): readonly Series[] {
  const { t } = useWords()
  return useMemo(() => {
    const line = (name: SideName): Series => {
      const side = report[name].report
      const way = side.method === 'exact' ? t('chart.exact') : t('chart.randomized', { count: side.nIter })
      return {
        id: name,
        label: t('ab.line', { side: t(`ab.${name}`), way }),
        ...looks[name],
        at: listed(listOf(side), first),
      }
    }
    return sideNames.map(line)
  }, [report, listOf, first, t])
}

/** An exact side knows its error at every rank. */
function errorsOf({ method, singularValues, errorCurve }: AnalysisReport): readonly number[] {
  return method === 'exact' ? floorCurve(singularValues) : errorCurve
}
const valuesOf = ({ singularValues }: AnalysisReport) => singularValues

function sizeOf({ a }: VersusReport): readonly [number, number] {
  const [rows = 0, cols = 0] = a.report.matrix
  return [rows, cols]
}
const ranksOf = (report: VersusReport) => sideNames.map((name) => report[name].report.rank)

/** A little beyond the larger rank: what is said of the sides is said up to there. */
function lastRank(report: VersusReport): number {
  return Math.max(2, Math.min(...sizeOf(report), Math.ceil(1.25 * Math.max(...ranksOf(report)))))
}
