/** A goal in a few words. */
import type { Params } from '../../core/params.ts'
import { useWords } from './words.ts'

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
