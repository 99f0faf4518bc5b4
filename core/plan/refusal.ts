/** What no run can do, as parameters and output alone tell. */

import { AppError } from '../errors.ts'
import { layouts } from '../layouts.ts'
import { say } from '../messages/english.ts'
import type { Params } from '../params.ts'
import { type AdapterForm, type Style, wholeForms } from '../styles.ts'
import { type GoalParams, hasGoal, noGoal } from './goal.ts'

/**
 * As the error a run would end with; null where nothing stands against it.
 * @param hasGraph whether the source is a model with its graph
 */
export function refusalOfChoices(params: Params, style: Style, hasGraph: boolean): AppError | null {
  if (style.isGraph && !hasGraph) return new AppError('bad-request', say('request.no-graph'))
  if (style.asModules && params.factorLayout === 'usv')
    return new AppError('bad-request', say('request.modules-layout'))
  if (style.isGraph && params.factorLayout === 'usv') return new AppError('bad-request', say('request.graph-layout'))
  if (params.denseDType === 'INT8' && !style.holds.denseInt8 && !style.isDifference)
    return new AppError('bad-request', say('request.dense-int8'))
  const goals = (Object.keys(noGoal) as (keyof GoalParams)[]).filter((key) => params[key] > 0)
  if (goals.length > 1) return new AppError('bad-request', say('request.one-goal'))
  const { prescribed } = style
  if (prescribed && !['keep', 'INT8', prescribed.dtype].includes(params.factorDType))
    return new AppError('bad-request', say('request.prescribed-dtype', { dtype: prescribed.dtype }))
  const rank = hasGoal(params) ? params.maxRank : params.rank
  if (prescribed && rank > prescribed.largestRank)
    return new AppError('bad-request', say('request.largest-rank', { rank, most: prescribed.largestRank }))
  if (!prescribed && params.factorDType === 'INT8' && layouts[params.factorLayout].scales === null)
    return new AppError('bad-request', say('request.int8-layout'))
  if (params.goalSize > 0 && !style.copiesKept && !style.isDifference)
    return new AppError('bad-request', say('request.size-goal-of-factors'))
  return null
}

/** What else decides an adapter. */
interface AdapterChoices {
  readonly form: AdapterForm | null
  readonly oneRank: boolean
  readonly rule: object | null
  /** Differences of what is no matrix. */
  readonly whole?: string
  /** Of two models; otherwise of an adapter. */
  readonly ofPair: boolean
}

/** The same of what is written as an adapter. */
export function refusalOfAdapter(
  params: Params,
  { form, oneRank, rule, whole, ofPair }: AdapterChoices,
): AppError | null {
  if (params.factorDType === 'INT8') return new AppError('bad-request', say('adapter.int8'))
  if (ofPair && oneRank && (hasGoal(params) || rule)) return new AppError('bad-request', say('extract.one-rank'))
  if (rule && hasGoal(params)) return new AppError('bad-request', say('extract.rules'))
  if (whole === 'save' && form !== null && !wholeForms.some((takes) => takes === form))
    return new AppError('bad-request', say('extract.no-whole', { form }))
  return null
}
