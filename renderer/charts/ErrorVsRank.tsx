/** Relative error against rank: the last report, what stands between it and the best possible, and the handle that chooses. */
import { useMemo } from 'react'
import { noiseError } from '../../core/curves/noise-line.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'
import { RankChart } from './plot/RankChart.tsx'
import { useLastRank } from './plot/zoom.ts'
import { useRankMarks, useTensorFacts, useTensorSeries } from './tensor-series.ts'

export interface RankChartsProps {
  readonly view: TensorView
  readonly rank: number
  /** Where the plan has it, while another rank is only looked at. */
  readonly planned?: number | null
  /** This rank is only looked at: the plan has another, or none. */
  readonly whatIf?: boolean
  readonly onRank: (rank: number) => void
  readonly onCommit: () => void
}

export function ErrorVsRank({ view, rank, planned = null, whatIf = false, onRank, onCommit }: RankChartsProps) {
  const { t, numbers } = useWords()
  const { tensor, size, smallest, curve, estimate } = view
  const last = useLastRank(rank, { of: tensor.name, breakEven: view.breakEven, smallest })
  const series = useTensorSeries(view, {
    noise: (at) => (at <= smallest ? noiseError(size.rows, size.cols, at) : null),
    of: (error) => error,
  })
  const points = useMemo(() => [curve.length - 1, (estimate?.errorCurve.length ?? 1) - 1], [curve.length, estimate])
  const marks = useRankMarks(view, planned, last)
  const error = errorAt(view, rank)
  const resolution = view.report?.resolution ?? 0
  return (
    <RankChart
      end={smallest}
      facts={useTensorFacts(view)}
      fileName={`${tensor.name}.error`}
      first={0}
      handle={{
        at: error,
        label: t('chart.rankHandle'),
        ...(whatIf ? { grip: t('chart.whatIf', { rank: numbers.count(rank) }) } : {}),
        max: smallest,
        onChange: onRank,
        onCommit,
        valueText:
          error === null
            ? t('chart.rankUnknown', { rank })
            : t('chart.rankValue', { rank, error: numbers.error(error, resolution) }),
      }}
      last={last}
      marks={marks}
      points={points}
      quantity="error"
      rank={rank}
      resolution={resolution}
      series={series}
      title={t('chart.errorTitle', { name: tensor.name })}
    />
  )
}
