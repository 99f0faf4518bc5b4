/** Goal: one rank for all, the least ranks for an error, or the best use of a size. Setting one lets the others follow. */
import { SegmentedControl } from '@mantine/core'
import { useMemo } from 'react'
import { useFile } from '../choices/file.ts'
import { type Goal, goalOf, goals, noGoal } from '../choices/goal.ts'
import { ParamField, ShareInput, SizeInput } from '../choices/ParamField.tsx'
import { useParams } from '../choices/params.ts'
import { changeParams, commitRank, setGoal } from '../model/analysis.ts'
import { expectedBytes, useEstimate } from '../model/estimate.ts'
import { usePlanShown } from '../model/outlook.ts'
import { useRefusal } from '../model/refusal.ts'
import { errorAt, type TensorView } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { PlanFigures } from './PlanFigures.tsx'

/** Where a goal starts when nothing better is known. */
const firstError = 0.1
const firstSize = 0.5

/** A goal of 0 would be none: 0.1 % is the least. */
const goalRange = { min: 0.001, max: 1, step: 0.01 } as const

/** All of the source, or more, is no goal for its size. */
const sizeRange = { ...goalRange, max: 0.999 } as const

interface GoalFieldsProps {
  readonly view: TensorView | null
  /** Of the tensor on show. */
  readonly rank: number
}

export function GoalFields({ view, rank }: GoalFieldsProps) {
  const { t } = useWords()
  const params = useParams((state) => state.params)
  const lastGoals = useParams((state) => state.lastGoals)
  const goal = goalOf(params)
  const share = useExpectedShare()
  // Up to the next tenth of a percent: the first goal is met by what was chosen before it.
  const roundUp = (part: number) => Math.min(1, Math.ceil(part * 1000) / 1000)
  const choose = (chosen: Goal) => {
    const error = view ? errorAt(view, rank) : null
    if (chosen === 'rank') setGoal(noGoal)
    else if (chosen === 'error') setGoal(lastGoals.error ?? { goalError: error ? roundUp(error) : firstError })
    else setGoal(lastGoals.size ?? { goalSize: share ? roundUp(share) : firstSize })
  }
  const field = { params, onChange: changeParams }
  return (
    <div className="fields">
      <div>
        <div className="field-label" id="goal-label">
          {t('settings.goal')}
        </div>
        <SegmentedControl
          aria-labelledby="goal-label"
          data={goals.map((value) => ({ value, label: t(`settings.goals.${value}`) }))}
          fullWidth
          onChange={(value) => choose(value as Goal)}
          size="xs"
          value={goal}
        />
      </div>
      {goal === 'rank' ? <ParamField {...field} name="rank" onCommit={commitRank} /> : null}
      {goal === 'error' ? (
        <>
          {params.goalEnergy > 0 ? (
            <ShareInput
              description={t('params.goalEnergy.help')}
              entry={goalRange}
              label={t('params.goalEnergy.label')}
              onChange={(goalEnergy) => setGoal({ goalEnergy })}
              size="xs"
              value={params.goalEnergy}
            />
          ) : (
            <ShareInput
              description={t('settings.goalErrorHelp')}
              entry={goalRange}
              label={t('settings.goalError')}
              onChange={(goalError) => setGoal({ goalError })}
              size="xs"
              value={params.goalError}
            />
          )}
          <ParamField {...field} name="goalScope" />
        </>
      ) : null}
      {goal === 'size' ? <SizeGoal /> : null}
      <PlanFigures />
    </div>
  )
}

/** Of the output in the source, as far as it is known; null where a goal has still to find it. */
function useExpectedShare(): number | null {
  const params = useParams((state) => state.params)
  const estimate = useEstimate()
  const { answer } = usePlanShown()
  const refused = useRefusal() !== null
  return useMemo(() => {
    const { bytes } = expectedBytes(estimate, params, answer, refused)
    const before = answer?.report.bytesBefore ?? estimate.bytesBefore
    return bytes === 0 || before === 0 ? null : bytes / before
  }, [params, estimate, answer, refused])
}

const sizeUnits = ['%', 'MB'] as const

/** A share of the source, or bytes: the parameter is a share below 1 and bytes beyond. */
function SizeGoal() {
  const { t } = useWords()
  const goalSize = useParams((state) => state.params.goalSize)
  const total = useFile((state) => state.report?.totalBytes ?? 0)
  const set = (chosen: number) => setGoal({ goalSize: chosen })
  const inBytes = goalSize > 1
  const changeUnit = (unit: string) => {
    if (unit === 'MB') set(Math.max(1e5, Math.round((goalSize * total) / 1e5) * 1e5))
    else
      set(Math.min(sizeRange.max, Math.max(sizeRange.min, Math.round((1000 * goalSize) / Math.max(1, total)) / 1000)))
  }
  const common = { label: t('settings.goalSize'), size: 'xs' } as const
  return (
    <div>
      <div className="size-goal">
        {inBytes ? (
          <SizeInput {...common} onChange={(bytes) => bytes > 1 && set(bytes)} value={goalSize} />
        ) : (
          <ShareInput {...common} entry={sizeRange} onChange={set} value={goalSize} />
        )}
        <SegmentedControl
          aria-label={t('rules.sizeUnit')}
          data={[...sizeUnits]}
          onChange={(unit) => {
            if ((unit === 'MB') !== inBytes) changeUnit(unit)
          }}
          size="xs"
          value={sizeUnits[inBytes ? 1 : 0]}
        />
      </div>
      <p className="field-help">{t('settings.goalSizeHelp')}</p>
    </div>
  )
}
