/** What decides the ranks: one number for all, an error that none may exceed, or a size for the whole file. */
import type { Params } from '../../core/params.ts'
import { goalSketch } from '../../core/plan/analysis-rank.ts'
import type { Storable } from '../../core/plan/verdict.ts'

export const goals = ['rank', 'error', 'size'] as const
export type Goal = (typeof goals)[number]

type GoalParams = Pick<Params, 'goalSize' | 'goalError' | 'goalEnergy'>

export function goalOf({ goalSize, goalError, goalEnergy }: GoalParams): Goal {
  if (goalSize > 0) return 'size'
  return goalError > 0 || goalEnergy > 0 ? 'error' : 'rank'
}

/** What each kind of goal was last set to: choosing another kind and coming back loses nothing. */
export type LastGoals = Readonly<Partial<Record<Exclude<Goal, 'rank'>, GoalParams>>>

export function rememberGoal(last: LastGoals, { goalSize, goalError, goalEnergy }: GoalParams): LastGoals {
  const goal = goalOf({ goalSize, goalError, goalEnergy })
  return goal === 'rank' ? last : { ...last, [goal]: { goalSize, goalError, goalEnergy } }
}

/** Without a goal the rank is what counts. */
export const noGoal = { goalSize: 0, goalError: 0, goalEnergy: 0 } as const satisfies GoalParams

/**
 * Rank up to which a tensor has to be looked at: an error goal is read off the curve, which has to reach as far as the goal's own sketch.
 * Where the model has been analyzed, up to rank `analyzed`, that very sketch serves whatever a goal gives.
 */
export function rankToAnalyze(params: Params, { info, view }: Storable, analyzed: number | null): number {
  const goal = goalOf(params)
  if (goal !== 'rank' && analyzed !== null) return analyzed
  const rank = Math.min(params.rank, view.rows, view.cols)
  return goal === 'error' ? Math.max(rank, goalSketch(info, view, params).rank) : rank
}
