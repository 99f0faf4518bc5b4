/** What the page knows of goals beside what they are: what each was last set to, and how far a look at a tensor goes for one. */
import type { Params } from '../../core/params.ts'
import { goalSketch } from '../../core/plan/analysis-rank.ts'
import { type Goal, type GoalParams, goalOf, goals, noGoal } from '../../core/plan/goal.ts'
import type { Storable } from '../../core/plan/verdict.ts'

export { type Goal, goalOf, goals, noGoal }

/** What each kind of goal was last set to: choosing another kind and coming back loses nothing. */
export type LastGoals = Readonly<Partial<Record<Exclude<Goal, 'rank'>, GoalParams>>>

export function rememberGoal(last: LastGoals, { goalSize, goalError, goalEnergy }: GoalParams): LastGoals {
  const goal = goalOf({ goalSize, goalError, goalEnergy })
  return goal === 'rank' ? last : { ...last, [goal]: { goalSize, goalError, goalEnergy } }
}

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
