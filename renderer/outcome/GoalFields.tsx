/** Goal: the best use of a size, the least ranks for an error, or one rank for all. Choosing one starts the analysis it needs. */
import { SegmentedControl, Select } from '@mantine/core'
import { useCallbackRef } from '@mantine/hooks'
import { memo } from 'react'
import { paramEntries } from '../../core/param-entries.ts'
import { isRunnable, useFile } from '../choices/file.ts'
import { type Goal, goalOf, goals, noGoal } from '../choices/goal.ts'
import { finestShare, ParamField, ShareInput, SizeInput } from '../choices/ParamField.tsx'
import { useParams } from '../choices/params.ts'
import { leaveAnswerGoal, setAnswerGoal, useAnswerGoal } from '../model/answering/answers.ts'
import type { Outcome } from '../model/figures/outcome.ts'
import { changeParams, commitRank, setGoal } from '../model/looking/analysis.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'
import { AnswerGoalFields, firstAnswerGoals } from './AnswerGoal.tsx'

/** Where a goal starts when nothing better is known. */
const firstError = 0.1
const firstSize = 0.5

/** A goal of 0 would be none: the least is what the field can show. */
const goalRange = { min: finestShare, max: paramEntries.goalError.max, step: 0.01 } as const

/** All of the source, or more, is no goal for its size. */
const sizeRange = { ...goalRange, max: 1 - finestShare } as const

interface GoalFieldsProps {
  readonly view: TensorView | null
  /** Of the tensor on show. */
  readonly rank: number
  readonly outcome: Outcome
}

export function GoalFields({ view, rank, outcome: { bytesBefore, bytesAfter } }: GoalFieldsProps) {
  const { t } = useWords()
  const params = useParams((state) => state.params)
  const lastGoals = useParams((state) => state.lastGoals)
  const answers = useAnswerGoal()
  const goal = answers ? 'answers' : goalOf(params)
  const share = bytesAfter === null || bytesBefore === 0 ? null : bytesAfter / bytesBefore
  // Up to the next tenth of a percent: the first goal is met by what was chosen before it.
  const roundUp = (part: number) => Math.min(1, Math.ceil(part * 1000) / 1000)
  const choose = useCallbackRef((chosen: Goal | 'answers') => {
    if (chosen === 'answers') return setAnswerGoal(firstAnswerGoals.error)
    if (answers) leaveAnswerGoal()
    const error = view ? errorAt(view, rank) : null
    if (chosen === 'rank') setGoal(noGoal)
    else if (chosen === 'error') setGoal(lastGoals.error ?? { goalError: error ? roundUp(error) : firstError })
    else setGoal(lastGoals.size ?? { goalSize: share && share < 1 ? roundUp(share) : firstSize })
  })
  return (
    <div className="goal">
      <GoalChoice goal={goal} onChoose={choose} />
      <div className="goal-value">
        {answers ? (
          <AnswerGoalFields goal={answers.goal} />
        ) : goal === 'rank' ? (
          <>
            <ParamField bare name="rank" onChange={changeParams} onCommit={commitRank} value={params.rank} />
            <span className="outcome-hint">{t('outcome.goals.rank')}</span>
          </>
        ) : goal === 'error' ? (
          <ErrorGoal />
        ) : (
          <SizeGoal />
        )}
      </div>
    </div>
  )
}

interface GoalChoiceProps {
  readonly goal: Goal | 'answers'
  readonly onChoose: (goal: Goal | 'answers') => void
}

const GoalChoice = memo(function GoalChoice({ goal, onChoose }: GoalChoiceProps) {
  const { t } = useWords()
  const runs = useFile(isRunnable)
  const offered = [...[...goals].reverse(), ...(runs ? (['answers'] as const) : [])]
  return (
    <SegmentedControl
      aria-label={t('settings.goal')}
      data={offered.map((value) => ({ value, label: t(`settings.goals.${value}`) }))}
      fullWidth
      onChange={(value) => onChoose(value as Goal | 'answers')}
      size="xs"
      value={goal}
    />
  )
})

function ErrorGoal() {
  const { t } = useWords()
  const { goalEnergy, goalError, goalScope } = useParams((state) => state.params)
  return (
    <>
      {goalEnergy > 0 ? (
        <ShareInput
          aria-label={t('params.goalEnergy.label')}
          entry={goalRange}
          onChange={(share) => setGoal({ goalEnergy: share })}
          size="xs"
          value={goalEnergy}
        />
      ) : (
        <ShareInput
          aria-label={t('settings.goalError')}
          entry={goalRange}
          onChange={(share) => setGoal({ goalError: share })}
          size="xs"
          value={goalError}
        />
      )}
      <Select
        allowDeselect={false}
        aria-label={t('params.goalScope.label')}
        className="goal-scope"
        comboboxProps={{ width: 180, position: 'bottom-start' }}
        data={(['tensor', 'model'] as const).map((value) => ({ value, label: t(`outcome.scopes.${value}`) }))}
        onChange={(value) => value !== null && changeParams({ goalScope: value as 'tensor' | 'model' })}
        size="xs"
        value={goalScope}
      />
    </>
  )
}

const sizeUnits = ['%', 'MB'] as const

/** A share of the source, or bytes: the parameter is a share below 1 and bytes beyond. */
function SizeGoal() {
  const { t, numbers } = useWords()
  const goalSize = useParams((state) => state.params.goalSize)
  const total = useFile((state) => state.report?.totalBytes ?? 0)
  const set = (chosen: number) => setGoal({ goalSize: chosen })
  const inBytes = goalSize > 1
  const changeUnit = (unit: string) => {
    if (unit === 'MB') set(Math.max(1e5, Math.round((goalSize * total) / 1e5) * 1e5))
    else
      set(Math.min(sizeRange.max, Math.max(sizeRange.min, Math.round((1000 * goalSize) / Math.max(1, total)) / 1000)))
  }
  const common = { 'aria-label': t('settings.goalSize'), size: 'xs', unitless: true } as const
  return (
    <>
      {inBytes ? (
        <SizeInput {...common} onChange={(bytes) => bytes > 1 && set(bytes)} value={goalSize} />
      ) : (
        <ShareInput {...common} entry={sizeRange} onChange={set} value={goalSize} />
      )}
      <Select
        allowDeselect={false}
        aria-label={t('rules.sizeUnit')}
        className="goal-unit"
        data={[...sizeUnits]}
        onChange={(unit) => {
          if (unit !== null && (unit === 'MB') !== inBytes) changeUnit(unit)
        }}
        size="xs"
        value={sizeUnits[inBytes ? 1 : 0]}
      />
      <span className="outcome-hint">{t('outcome.goals.size', { bytes: numbers.bytes(total) })}</span>
    </>
  )
}
