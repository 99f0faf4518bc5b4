/** The tensor on show: its name, its bytes before and after, and its error at the rank in large. Only the model's own figure is larger. */
import type { PlannedTensor } from '../../core/contract.ts'
import { energyKept } from '../../core/curves/error-curve.ts'
import { dtypeWords } from '../../core/plan/describe.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { isCompressed } from '../choices/rules.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { useStatistics } from '../choices/statistics.ts'
import { DottedName } from '../frame/DottedName.tsx'
import { useWholeBytes } from '../model/figures/verdicts.ts'
import { usePair } from '../model/looking/pair.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { useRefusal } from '../model/planning/refusal.ts'
import { useSentences, useWords } from '../words/words.ts'
import { BytesFact } from './BytesFact.tsx'
import { ErrorFigure } from './ErrorFigure.tsx'
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
  const { tensor, size } = view
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const kept = planned?.rank === null ? planned : null
  // Before a plan: what is left out by name, shape or tick is not made smaller, whatever is looked at here.
  const leftOut = planned === null && !isCompressed(tensor, { included, excluded })
  const error = kept ? null : errorAt(view, rank)
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
          <BytesFact kept={kept !== null} leftOut={leftOut} planned={planned} rank={rank} view={view} />
          {error === null ? null : (
            <span title={t('result.energyHelp')}>
              {t('result.energy', { energy: numbers.percent(energyKept(error)) })}
            </span>
          )}
          <PinFact name={tensor.name} />
          <PairFact name={tensor.name} />
          <WeightErrorFact planned={planned} view={view} />
          {view.noiselike ? <span className="noise-note">{t('result.noise')}</span> : null}
          {planned ? <PlannedNote planned={planned} /> : <UnplannedNote leftOut={leftOut} view={view} />}
        </div>
      </div>
      <dl>
        <ErrorFigure kept={kept} rank={rank} view={view} />
      </dl>
    </section>
  )
}

function PinFact({ name }: { readonly name: string }) {
  const { t, numbers } = useWords()
  const pinned = useSelection(({ pins }) => pins.get(name))
  if (pinned === undefined) return null
  return (
    <span>
      {t('whatIf.pinned', { rank: numbers.count(pinned) })}{' '}
      <button className="link" onClick={() => selectionReducers.pin(name, null)} type="button">
        {t('whatIf.unpin')}
      </button>
    </span>
  )
}

/** Of two models: how much of all that lies between them lies here. */
function PairFact({ name }: { readonly name: string }) {
  const { t, numbers } = useWords()
  const difference = usePair(({ byName }) => byName.get(name))
  if (!difference) return null
  const share = numbers.percent(difference.share)
  return <span title={t('pair.shareHelp', { share })}>{t('pair.fact', { share })}</span>
}

interface WeightErrorFactProps {
  readonly view: TensorView
  readonly planned: PlannedTensor | null
}

/** With statistics of inputs, where every other error is one of outputs: the error of the weights, or that these statistics do not cover the tensor. */
function WeightErrorFact({ view: { report }, planned }: WeightErrorFactProps) {
  const { t, numbers } = useWords()
  const weighted = useStatistics(({ chosen }) => chosen !== null)
  if (!report?.outputs) return weighted ? <span className="noise-note">{t('result.unweighted')}</span> : null
  const { error, rank } =
    planned?.weightError === undefined
      ? { error: report.outputs.weightError, rank: report.rank }
      : { error: planned.weightError, rank: planned.rank ?? report.rank }
  return (
    <span data-testid="weight-error" title={t('outcome.outputHelp')}>
      {t('result.weightError', { error: numbers.percent(error), rank: numbers.count(rank) })}
    </span>
  )
}

interface UnplannedNoteProps {
  readonly view: TensorView
  readonly leftOut: boolean
}

function UnplannedNote({ view: { tensor }, leftOut }: UnplannedNoteProps) {
  const { t } = useWords()
  const sentences = useSentences()
  const bySize = useParams(({ params }) => goalOf(params) === 'size')
  const inInt8 = useWholeBytes().has(tensor.name)
  const refused = useRefusal() !== null
  if (leftOut)
    return (
      <span data-testid="left-out">
        {t(inInt8 ? 'plan.keptInt8' : 'plan.kept', {
          reason: tensor.plan === 'keep' ? sentences(tensor.reason) : t('reasons.excluded'),
        })}
      </span>
    )
  // No rank will ever be known of a goal that cannot be reached.
  return bySize && !refused ? <span>{t('plan.rankUnknown')}</span> : null
}
