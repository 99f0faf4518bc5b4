/** Energy kept (1 - error squared) against rank: the same report, seen from the other side. */
import { useMemo } from 'react'
import { energyKept } from '../../core/curves/error-curve.ts'
import { noiseError } from '../../core/curves/noise-line.ts'
import { errorAt } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'
import type { RankChartsProps } from './ErrorVsRank.tsx'
import { RankChart } from './plot/RankChart.tsx'
import { useLastRank } from './plot/zoom.ts'
import { useRankMarks, useTensorFacts, useTensorSeries } from './tensor-series.ts'

/** What is kept at rank 0 is nothing, and a sketch knows its norm in single precision; one direction of the largest matrix keeps a hundred times this. */
const roundOff = 1e-7
const kept = (error: number) => (error > 1 - roundOff ? 0 : energyKept(error))

export function Energy({ view, rank, planned = null, whatIf = false, onRank, onCommit }: RankChartsProps) {
  const { t, numbers } = useWords()
  const { tensor, size, smallest, curve } = view
  const last = useLastRank(rank, { of: tensor.name, breakEven: view.breakEven, smallest })
  const series = useTensorSeries(view, {
    noise: (at) => (at <= smallest ? kept(noiseError(size.rows, size.cols, at)) : null),
    of: kept,
  })
  const points = useMemo(() => [curve.length - 1], [curve.length])
  const marks = useRankMarks(view, planned, last)
  const error = errorAt(view, rank)
  return (
    <RankChart
      end={smallest}
      facts={useTensorFacts(view)}
      fileName={`${tensor.name}.energy`}
      first={0}
      handle={{
        at: error === null ? null : kept(error),
        label: t('chart.rankHandle'),
        ...(whatIf ? { grip: t('chart.whatIf', { rank: numbers.count(rank) }) } : {}),
        max: smallest,
        onChange: onRank,
        onCommit,
        valueText:
          error === null
            ? t('chart.rankUnknown', { rank })
            : t('chart.rankEnergy', { rank, energy: numbers.percent(kept(error)) }),
      }}
      last={last}
      marks={marks}
      points={points}
      quantity="energy"
      rank={rank}
      series={series}
      title={t('chart.energyTitle', { name: tensor.name })}
    />
  )
}
