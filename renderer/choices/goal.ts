/** What decides the ranks: one number for all, an error that none may exceed, or a size for the whole file. */
import type { Params } from '../../core/params.ts'
import type { MatrixSize } from './matrix.ts'

export const goals = ['rank', 'error', 'size'] as const
export type Goal = (typeof goals)[number]

type GoalParams = Pick<Params, 'goalSize' | 'goalError' | 'goalEnergy'>

export function goalOf({ goalSize, goalError, goalEnergy }: GoalParams): Goal {
  if (goalSize > 0) return 'size'
  return goalError > 0 || goalEnergy > 0 ? 'error' : 'rank'
}

/** What each kind of goal was last set to: choosing another kind and coming back loses nothing. */
export type LastGoals = Readonly<Partial<Record<Exclude<Goal, 'rank'>, GoalParams>>>

export function remembered(last: LastGoals, { goalSize, goalError, goalEnergy }: GoalParams): LastGoals {
  const goal = goalOf({ goalSize, goalError, goalEnergy })
  return goal === 'rank' ? last : { ...last, [goal]: { goalSize, goalError, goalEnergy } }
}

/** Without a goal the rank is what counts. */
export const noGoal = { goalSize: 0, goalError: 0, goalEnergy: 0 } as const satisfies GoalParams

/** The error a goal of error or energy allows; null without one. */
export function allowedError({ goalError, goalEnergy }: GoalParams): number | null {
  if (goalError > 0) return goalError
  return goalEnergy > 0 ? Math.sqrt(1 - goalEnergy) : null
}

/**
 * Rank up to which a tensor has to be looked at: an error goal is read off the curve, which has to reach far enough. Where the model has been
 * analyzed, up to rank `analyzed`, that very sketch serves whatever a goal gives.
 */
export function rankToAnalyze(params: Params, { rows, cols }: MatrixSize, analyzed: number | null): number {
  const goal = goalOf(params)
  if (goal !== 'rank' && analyzed !== null) return analyzed
  const largest = goal === 'error' ? Math.max(params.rank, params.maxRank) : params.rank
  return Math.min(largest, rows, cols)
}

/** Least rank from `minRank` on whose error is allowed, as the run chooses it; null where the curve does not get there. */
export function leastRank(curve: readonly number[], allowed: number, minRank: number): number | null {
  // The curve falls: halve.
  let low = Math.min(minRank, curve.length - 1)
  let high = curve.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (curve[middle]! <= allowed) high = middle
    else low = middle + 1
  }
  return low < curve.length ? low : null
}
