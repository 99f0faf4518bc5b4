/** What no run can do, as parameters and output alone tell. */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import type { Params } from '../params.ts'
import type { Style } from '../styles.ts'
import { hasGoal } from './plan.ts'

/** As the error a run would end with; null where nothing stands against it. */
export function refusalOfChoices(params: Params, style: Style): AppError | null {
  const goals = [params.goalSize, params.goalError, params.goalEnergy].filter((goal) => goal > 0)
  if (goals.length > 1) return new AppError('bad-request', say('request.one-goal'))
  const { prescribed } = style
  if (prescribed && !['keep', 'INT8', prescribed.dtype].includes(params.factorDType))
    return new AppError('bad-request', say('request.prescribed-dtype', { dtype: prescribed.dtype }))
  const rank = hasGoal(params) ? params.maxRank : params.rank
  if (prescribed && rank > prescribed.largestRank)
    return new AppError('bad-request', say('request.largest-rank', { rank, most: prescribed.largestRank }))
  if (!prescribed && params.factorDType === 'INT8' && params.factorLayout === 'usv')
    return new AppError('bad-request', say('request.int8-layout'))
  if (params.goalSize > 0 && !style.copiesKept) return new AppError('bad-request', say('request.size-goal-of-factors'))
  return null
}
