/** Under a goal another rank is only looked at: what it would come to here, and the two ways to make it count, each with its consequence. */
import { ActionIcon, Button } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useMemo } from 'react'
import { allStyles } from '../../core/styles.ts'
import { useFile } from '../choices/file.ts'
import { useParams } from '../choices/params.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { CloseIcon, PinIcon } from '../frame/icons.tsx'
import { estimateFile } from '../model/figures/estimate.ts'
import { expectedBytes } from '../model/figures/outcome.ts'
import { errorAtOneRank } from '../model/figures/outlook.ts'
import { useVerdicts } from '../model/figures/verdicts.ts'
import { commitRank, setRank } from '../model/looking/analysis.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { usePlan } from '../model/planning/plan.ts'
import { useGoalWords } from '../words/goal-words.ts'
import { useWords } from '../words/words.ts'

interface WhatIfProps {
  readonly view: TensorView
  /** Looked at. */
  readonly rank: number
  /** What the plan does with the tensor: the rank it gives it, or that it keeps it, or that there is no plan of this goal yet. */
  readonly fate: number | 'kept' | 'unknown'
}

export function WhatIf({ view, rank, fate }: WhatIfProps) {
  const { t, numbers } = useWords()
  const goalWords = useGoalWords()
  const params = useParams((state) => state.params)
  const drop = () => selectionReducers.whatIf(null)
  useHotkeys([['Escape', drop]])
  const forAll = useForAll(rank)
  const known = (error: number | null) =>
    error === null ? t('result.notKnown') : numbers.error(error, view.report?.resolution ?? 0)
  const plan = () => {
    if (fate === 'kept') return t('whatIf.kept')
    if (fate === 'unknown') return t('plan.rankUnknown')
    return t('whatIf.planned', { rank: numbers.count(fate), error: known(errorAt(view, fate)) })
  }
  return (
    <section aria-label={t('whatIf.title')} className="what-if" data-testid="what-if">
      <div>
        <p>
          <strong>{t('whatIf.rank', { rank: numbers.count(rank) })}</strong>{' '}
          <span className="nowrap">{t('whatIf.error', { error: known(errorAt(view, rank)) })}</span>
        </p>
        <p className="what-if-note">{plan()}</p>
      </div>
      <div>
        <Button
          leftSection={<PinIcon size={16} />}
          onClick={() => selectionReducers.pin(view.tensor.name, rank)}
          size="compact-sm"
          variant="default"
        >
          {t('whatIf.pin')}
        </Button>
        <p className="what-if-note">{t('whatIf.goalStays', { goal: goalWords(params) })}</p>
      </div>
      <div>
        <Button
          onClick={() => {
            drop()
            selectionReducers.pin(view.tensor.name, null)
            setRank(rank)
            commitRank()
          }}
          size="compact-sm"
          variant="default"
        >
          {t('whatIf.useForAll')}
        </Button>
        <p className="what-if-note" data-warn="true">
          {t(forAll.error === null ? 'whatIf.goalBecomes' : 'whatIf.goalBecomesWith', {
            rank: numbers.count(rank),
            bytes: numbers.bytes(forAll.bytes),
            error: forAll.error === null ? '' : t('result.least', { value: numbers.percent(forAll.error) }),
          })}
        </p>
      </div>
      <ActionIcon aria-label={t('whatIf.drop')} color="gray" onClick={drop} variant="subtle">
        <CloseIcon size={16} />
      </ActionIcon>
    </section>
  )
}

/** What one rank for all would come to: the size as the card would have it, and the model's error where every curve is known. */
function useForAll(rank: number): { readonly bytes: number; readonly error: number | null } {
  const report = useFile((state) => state.report)
  const verdicts = useVerdicts()
  const params = useParams((state) => state.params)
  const style = useParams(({ output }) => allStyles[output])
  const pins = useSelection((state) => state.pins)
  const plan = usePlan()
  return useMemo(() => {
    const tensors = report?.tensors ?? []
    const at = { ...params, rank }
    return {
      bytes: expectedBytes(estimateFile(tensors, verdicts, at, pins), style),
      error: errorAtOneRank(tensors, verdicts, at, pins, plan),
    }
  }, [report, verdicts, params, style, pins, rank, plan])
}
