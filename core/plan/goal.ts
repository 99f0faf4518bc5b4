/** What decides the ranks: one number for all, an error that none may exceed, or a size for the whole file. */
import type { Params } from '../params.ts'

export const goals = ['rank', 'error', 'size'] as const
export type Goal = (typeof goals)[number]

export type GoalParams = Pick<Params, 'goalSize' | 'goalError' | 'goalEnergy'>

/** Without a goal the rank is what counts. */
export const noGoal = { goalSize: 0, goalError: 0, goalEnergy: 0 } as const satisfies GoalParams

/** Of goals that contradict each other the size; a run refuses them (refusal.ts). */
export function goalOf({ goalSize, goalError, goalEnergy }: GoalParams): Goal {
  if (goalSize > 0) return 'size'
  return goalError > 0 || goalEnergy > 0 ? 'error' : 'rank'
}

export function hasGoal(params: GoalParams): boolean {
  return goalOf(params) !== 'rank'
}
