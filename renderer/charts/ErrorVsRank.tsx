/** Relative error against rank: the last report, what stands between it and the best possible, and the handle that chooses. */
import { SegmentedControl } from '@mantine/core'
import { useMemo, useState } from 'react'
import { noiseError } from '../../core/curves/noise-line.ts'
import { errorAt, lastRank, type RankRange, rankRanges, type TensorView } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { margin } from './axis.ts'
import { ChartCard } from './ChartCard.tsx'
import { LinePlot, type Mark } from './LinePlot.tsx'
import { RankHandle } from './RankHandle.tsx'
import { lowestError, type Scale } from './range.ts'
import { listed, rankGrid, rowsOf, type Series } from './series.ts'

export interface RankChartProps {
  readonly view: TensorView
  readonly rank: number
  readonly onRank: (rank: number) => void
  readonly onCommit: () => void
}

export function ErrorVsRank({ view, rank, onRank, onCommit }: RankChartProps) {
  const { t, numbers } = useWords()
  const [range, setRange] = useState<RankRange | null>(null)
  const [scale, setScale] = useState<Scale>('linear')
  const chosen = range ?? (view.breakEven * 1.1 <= 8 * view.curve.length ? 'breakEven' : 'near')
  const last = lastRank(view, chosen, rank)
  const series = useErrorSeries(view)
  const rows = useMemo(
    () => rowsOf(series, rankGrid(0, last, [view.curve.length - 1, (view.estimate?.errorCurve.length ?? 1) - 1])),
    [series, last, view.curve.length, view.estimate],
  )
  const low = useMemo(() => lowestError(rows, scale), [rows, scale])
  const axis = useMemo(() => ({ first: 0, last }), [last])
  const valueRange = useMemo(() => [low, 1] as const, [low])
  const marks = useMemo<Mark[]>(
    () =>
      view.breakEven > 0 && view.breakEven <= last
        ? [
            {
              rank: view.breakEven,
              label: t('chart.breakEven', { rank: numbers.count(view.breakEven) }),
              color: 'var(--series-limit)',
            },
          ]
        : [],
    [view.breakEven, last, t, numbers],
  )
  const resolution = view.report?.resolution ?? 0
  const format = useMemo(() => (share: number) => numbers.error(share, resolution), [numbers, resolution])
  const error = errorAt(view, rank)
  const height =
    error === null || error < low
      ? null
      : scale === 'log'
        ? Math.log(1 / error) / Math.log(1 / low)
        : (1 - error) / (1 - low)

  return (
    <ChartCard
      fileName={`${view.tensor.name}.error`}
      first={0}
      formatY={format}
      last={last}
      rows={rows}
      series={series}
      title={t('chart.errorTitle', { name: view.tensor.name })}
      tools={
        <>
          <SegmentedControl
            aria-label={t('chart.range')}
            data={rankRanges.map((value) => ({ value, label: t(`chart.ranges.${value}`) }))}
            onChange={(value) => setRange(value as RankRange)}
            size="xs"
            value={chosen}
          />
          <ScaleControl onChange={setScale} value={scale} />
        </>
      }
      xTitle={t('chart.rank')}
    >
      {(frame) => (
        <RankHandle
          axis={axis}
          frame={frame}
          height={height}
          label={t('chart.rankHandle')}
          max={view.smallest}
          onChange={onRank}
          onCommit={onCommit}
          rank={rank}
          valueText={
            error === null ? t('chart.rankUnknown', { rank }) : t('chart.rankValue', { rank, error: format(error) })
          }
        >
          <LinePlot
            axis={axis}
            formatTick={numbers.tickPercent}
            formatX={numbers.count}
            formatY={format}
            frame={frame}
            logarithmic={scale === 'log'}
            marks={marks}
            range={valueRange}
            rows={rows}
            series={series}
            top={margin.top}
            xTitle={t('chart.rank')}
            yTitle={t('chart.error')}
          />
        </RankHandle>
      )}
    </ChartCard>
  )
}

export function ScaleControl(props: { readonly value: Scale; readonly onChange: (value: Scale) => void }) {
  const { t } = useWords()
  return (
    <SegmentedControl
      aria-label={t('chart.scale')}
      data={[
        { value: 'linear', label: t('chart.linear') },
        { value: 'log', label: t('chart.log') },
      ]}
      onChange={(value) => props.onChange(value as Scale)}
      size="xs"
      value={props.value}
    />
  )
}

function useErrorSeries(view: TensorView): Series[] {
  const { t } = useWords()
  return useMemo(() => {
    const { rows, cols } = view.size
    const series: Series[] = [
      {
        id: 'noise',
        label: t('chart.noise'),
        color: 'var(--series-noise)',
        dash: '2 4',
        width: 1.5,
        at: (rank) => (rank <= view.smallest ? noiseError(rows, cols, rank) : null),
      },
    ]
    if (view.floor && view.report?.method !== 'exact') {
      series.push({
        id: 'floor',
        label: t('chart.floor'),
        color: 'var(--series-exact)',
        dash: '7 3',
        width: 1.5,
        at: listed(view.floor, 0),
      })
    }
    if (view.report) {
      const fading = view.estimate !== null || view.stale
      series.push({
        id: 'error',
        label: fading
          ? t('chart.before')
          : view.report.method === 'exact'
            ? t('chart.exact')
            : t('chart.randomized', { count: view.report.nIter }),
        color: fading ? 'var(--series-before)' : 'var(--series-randomized)',
        at: listed(view.curve, 0),
      })
    }
    if (view.estimate) {
      const { iteration, iterations, errorCurve } = view.estimate
      series.push({
        id: 'estimate',
        label: t('chart.estimate', { iteration, iterations }),
        color: 'var(--series-randomized)',
        dash: '1 4',
        width: 2.5,
        at: listed(errorCurve, 0),
      })
    }
    return series
  }, [view, t])
}
