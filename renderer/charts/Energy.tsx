/** Energy kept (1 - error squared) against rank: the same report, seen from the other side. */
import { useMemo } from 'react'
import { energyKept } from '../../core/curves/error-curve.ts'
import { noiseError } from '../../core/curves/noise-line.ts'
import { errorAt, lastRank } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { margin } from './axis.ts'
import { ChartCard } from './ChartCard.tsx'
import type { RankChartProps } from './ErrorVsRank.tsx'
import { LinePlot } from './LinePlot.tsx'
import { RankHandle } from './RankHandle.tsx'
import { rankGrid, rowsOf, type Series } from './series.ts'

const wholeRange = [0, 1] as const
/** The noise line is solved to the last bit or two: what it keeps at rank 0 is nothing. */
const roundOff = 1e-12

export function Energy({ view, rank, onRank, onCommit }: RankChartProps) {
  const { t, numbers } = useWords()
  const last = lastRank(view, view.breakEven * 1.1 <= 8 * view.curve.length ? 'breakEven' : 'near', rank)
  const axis = useMemo(() => ({ first: 0, last }), [last])
  const series = useMemo<Series[]>(() => {
    const { rows, cols } = view.size
    const kept = (error: number | null | undefined) =>
      error === null || error === undefined ? null : error > 1 - roundOff ? 0 : energyKept(error)
    const all: Series[] = [
      {
        id: 'noise',
        label: t('chart.noise'),
        color: 'var(--series-noise)',
        dash: '2 4',
        width: 1.5,
        at: (at) => kept(noiseError(rows, cols, at)),
      },
    ]
    if (view.floor && view.report?.method !== 'exact') {
      all.push({
        id: 'best',
        label: t('chart.best'),
        color: 'var(--series-exact)',
        dash: '7 3',
        width: 1.5,
        at: (at) => kept(view.floor?.[at]),
      })
    }
    all.push({
      id: 'kept',
      label: t('chart.kept'),
      color: 'var(--series-randomized)',
      at: (at) => kept(view.curve[at]),
    })
    return all
  }, [view, t])
  const rows = useMemo(
    () => rowsOf(series, rankGrid(0, last, [view.curve.length - 1])),
    [series, last, view.curve.length],
  )
  const error = errorAt(view, rank)

  return (
    <ChartCard
      fileName={`${view.tensor.name}.energy`}
      first={0}
      formatY={numbers.percent}
      last={last}
      rows={rows}
      series={series}
      title={t('chart.energyTitle', { name: view.tensor.name })}
      xTitle={t('chart.rank')}
    >
      {(frame) => (
        <RankHandle
          axis={axis}
          frame={frame}
          height={error === null ? null : error ** 2}
          label={t('chart.rankHandle')}
          max={view.smallest}
          onChange={onRank}
          onCommit={onCommit}
          rank={rank}
          valueText={
            error === null
              ? t('chart.rankUnknown', { rank })
              : t('chart.rankEnergy', { rank, energy: numbers.percent(energyKept(error)) })
          }
        >
          <LinePlot
            axis={axis}
            formatTick={numbers.tickPercent}
            formatX={numbers.count}
            formatY={numbers.percent}
            frame={frame}
            range={wholeRange}
            rows={rows}
            series={series}
            top={margin.top}
            xTitle={t('chart.rank')}
            yTitle={t('chart.energy')}
          />
        </RankHandle>
      )}
    </ChartCard>
  )
}
