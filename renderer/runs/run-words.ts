/** A run in a few words: what it was asked for, and what waits of one that was cut short. */
import type { Run } from '../../core/contract.ts'
import type { Params } from '../../core/params.ts'
import { useWords } from '../words/words.ts'

export function useGoalWords(): (params: Params) => string {
  const { t, numbers } = useWords()
  return ({ goalSize, goalError, goalEnergy, goalScope, rank }) => {
    const scope = t(`history.scopes.${goalScope}`)
    if (goalSize > 1) return t('history.goals.bytes', { bytes: numbers.bytes(goalSize) })
    if (goalSize > 0) return t('history.goals.share', { share: numbers.tickPercent(goalSize) })
    if (goalError > 0) return t('history.goals.error', { error: numbers.tickPercent(goalError), scope })
    if (goalEnergy > 0) return t('history.goals.energy', { energy: numbers.tickPercent(goalEnergy), scope })
    return t('history.goals.rank', { rank: numbers.count(rank) })
  }
}

/** Empty where nothing waits, or where the run's own sentence has said so: only an engine that died said nothing. */
export function useKeptWords(): (run: Run) => string {
  const { t, numbers } = useWords()
  return ({ resumable, error, finishedTensors: count }) =>
    resumable && (error === null || error.code === 'engine-died')
      ? t('runs.kept', { count, number: numbers.count(count) })
      : ''
}
