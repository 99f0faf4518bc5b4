/** The tensor on show: its name, what becomes of its bytes, and its error at the rank in large. Only the model's own figure is larger. */
import type { PlannedTensor } from '../../core/contract.ts'
import { energyKept } from '../../core/curves/error-curve.ts'
import { knownRank } from '../../core/curves/resolution.ts'
import { dtypeWords } from '../../core/plan/describe.ts'
import { shrinksAt } from '../../core/plan/verdict.ts'
import { factorBytesIn } from '../../core/plan/written-bytes.ts'
import { allStyles } from '../../core/styles.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { isCompressed } from '../choices/rules.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { useStatistics } from '../choices/statistics.ts'
import { DottedName } from '../frame/DottedName.tsx'
import { useWholeBytes } from '../model/figures/verdicts.ts'
import { usePair } from '../model/looking/pair.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { useSentences, useWords } from '../words/words.ts'
import { Figure } from './Figure.tsx'
import { PlannedNote } from './PlannedNote.tsx'

interface ResultPanelProps {
  readonly view: TensorView
  readonly rank: number
  /** What a run would do with it, where that is known. */
  readonly planned: PlannedTensor | null
}

export function ResultPanel({ view, rank, planned }: ResultPanelProps) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const params = useParams((state) => state.params)
  const style = useParams(({ output }) => allStyles[output])
  const { tensor, size, report } = view
  const difference = usePair(({ byName }) => byName.get(tensor.name))
  const pinned = useSelection(({ pins }) => pins.get(tensor.name))
  const weighted = useStatistics(({ chosen }) => chosen !== null)
  const whole = useWholeBytes()
  const kept = planned !== null && planned.rank === null
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  // Before a plan: what is left out by name, shape or tick is not made smaller, whatever is looked at here.
  const leftOut = planned === null && !isCompressed(tensor, { included, excluded })
  const atRank = errorAt(view, rank)
  const error = kept ? 0 : atRank
  const after =
    planned && (kept || planned.rank === rank)
      ? planned.bytesAfter
      : leftOut
        ? (whole.get(tensor.name) ?? tensor.byteLength)
        : factorBytesIn(style, view.matrix, rank)
  const grows = !kept && !leftOut && !shrinksAt(view.matrix, rank)
  // A goal is cut from the sketch of its analysis; a run at a rank makes a sketch of that rank.
  const least = !kept && report?.method === 'randomized' && goalOf(params) === 'rank' && rank < report.rank
  const known = report && knownRank(report)
  const measured = report?.errorSource === 'measured' && rank === report.rank
  const bytes = `${numbers.bytes(tensor.byteLength)} → ${numbers.bytes(after)}`
  return (
    <section aria-label={t('result.title')} className="result">
      <div className="tensor-about">
        <h1 className="tensor-title">
          <DottedName name={tensor.name} />
        </h1>
        <div className="facts tensor-facts-line">
          <span>
            {size.count > 1 ? `${t('result.stack', { count: size.count })} ` : null}
            {size.rows} × {size.cols}
          </span>
          <span>{sentences(dtypeWords(tensor))}</span>
          <span
            data-testid="tensor-bytes"
            data-warn={grows}
            title={
              kept || leftOut
                ? undefined
                : t(grows ? 'result.growsHelp' : 'result.bytesHelp', { rank: numbers.count(view.breakEven) })
            }
          >
            {grows ? t('result.grows', { rank: numbers.count(rank), bytes: numbers.bytes(tensor.byteLength) }) : bytes}
          </span>
          {error === null || kept ? null : (
            <span title={t('result.energyHelp')}>
              {t('result.energy', { energy: numbers.percent(energyKept(error)) })}
            </span>
          )}
          {pinned === undefined ? null : (
            <span>
              {t('whatIf.pinned', { rank: numbers.count(pinned) })}{' '}
              <button className="link" onClick={() => selectionReducers.pin(tensor.name, null)} type="button">
                {t('whatIf.unpin')}
              </button>
            </span>
          )}
          {difference ? (
            <span title={t('pair.shareHelp', { share: numbers.percent(difference.share) })}>
              {t('pair.fact', { share: numbers.percent(difference.share) })}
            </span>
          ) : null}
          {report?.outputs ? (
            <span data-testid="weight-error" title={t('outcome.outputHelp')}>
              {t('result.weightError', {
                error: numbers.percent(planned?.weightError ?? report.outputs.weightError),
                rank: numbers.count(planned?.weightError === undefined ? report.rank : (planned.rank ?? report.rank)),
              })}
            </span>
          ) : weighted ? (
            <span className="noise-note">{t('result.unweighted')}</span>
          ) : null}
          {view.noiselike ? <span className="noise-note">{t('result.noise')}</span> : null}
          {planned ? (
            <PlannedNote planned={planned} />
          ) : leftOut ? (
            <span data-testid="left-out">
              {t('plan.kept', { reason: tensor.plan === 'keep' ? sentences(tensor.reason) : t('reasons.excluded') })}
            </span>
          ) : goalOf(params) === 'size' ? (
            <span>{t('plan.rankUnknown')}</span>
          ) : null}
        </div>
      </div>
      <dl>
        <Figure
          data={{
            'data-relative-error': error ?? '',
            'data-rank': kept ? '' : rank,
            'data-stale': String(view.stale),
          }}
          help={
            kept
              ? t('result.keptHelp', {
                  rank: numbers.count(rank),
                  error: atRank === null ? t('result.notKnown') : numbers.percent(atRank),
                })
              : least
                ? t('result.leastHelp', { rank: numbers.count(report.rank) })
                : `${t(measured ? 'result.errorMeasured' : 'result.errorHelp', {
                    resolution: report ? numbers.percent(report.resolution) : t('result.notKnown'),
                  })}${known ? ` ${t(known.orMore ? 'result.rankOrMore' : 'result.numericalRank', { rank: numbers.count(known.rank) })}` : ''}`
          }
          label={
            kept
              ? t('result.kept')
              : t(report?.outputs ? 'result.outputError' : 'result.error', { rank: numbers.count(rank) })
          }
          testid="relative-error"
          value={
            error === null
              ? t('result.notKnown')
              : least
                ? t('result.least', { value: numbers.error(error, report?.resolution ?? 0) })
                : numbers.error(error, report?.resolution ?? 0)
          }
        />
      </dl>
    </section>
  )
}
