/** The error of the tensor on show at the rank that is looked at, in large. */
import type { PlannedTensor } from '../../core/contract.ts'
import { knownRank } from '../../core/curves/resolution.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'
import { Figure } from './Figure.tsx'

interface ErrorFigureProps {
  readonly view: TensorView
  readonly rank: number
  /** Where the plan keeps it whole: the error that this has, whatever it would be at the rank. */
  readonly kept: PlannedTensor | null
}

export function ErrorFigure({ view, rank, kept }: ErrorFigureProps) {
  const { t, numbers } = useWords()
  const byRank = useParams(({ params }) => goalOf(params) === 'rank')
  const { report, stale } = view
  const error = errorAt(view, rank)
  const resolution = report?.resolution ?? 0
  if (kept)
    return (
      <Figure
        data={{ 'data-relative-error': kept.relativeError, 'data-rank': '', 'data-stale': String(stale) }}
        help={t(kept.factorDType === 'INT8' ? 'result.inInt8Help' : 'result.keptHelp', {
          rank: numbers.count(rank),
          error: error === null ? t('result.notKnown') : numbers.percent(error),
        })}
        label={t(kept.factorDType === 'INT8' ? 'result.inInt8' : 'result.kept')}
        testid="relative-error"
        value={numbers.error(kept.relativeError, kept.resolution ?? resolution)}
      />
    )
  const errorHelp = () =>
    t(report?.errorSource === 'measured' && rank === report.rank ? 'result.errorMeasured' : 'result.errorHelp', {
      resolution: report ? numbers.percent(resolution) : t('result.notKnown'),
    })
  const rankHelp = () => {
    if (!report) return []
    const known = knownRank(report)
    return [t(known.orMore ? 'result.rankOrMore' : 'result.numericalRank', { rank: numbers.count(known.rank) })]
  }
  // A goal is cut from the sketch of its analysis; a run at a rank makes a sketch of that rank.
  const least = report?.method === 'randomized' && byRank && rank < report.rank
  const value = error === null ? t('result.notKnown') : numbers.error(error, resolution)
  return (
    <Figure
      data={{ 'data-relative-error': error ?? '', 'data-rank': rank, 'data-stale': String(stale) }}
      help={
        least
          ? t('result.leastHelp', { rank: numbers.count(report.rank) })
          : [errorHelp(), ...rankHelp()].join(t('app.gap'))
      }
      label={t(report?.outputs ? 'result.outputError' : 'result.error', { rank: numbers.count(rank) })}
      testid="relative-error"
      value={least && error !== null ? t('result.least', { value }) : value}
    />
  )
}
