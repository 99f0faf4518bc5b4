/** Which parameters a panel has fields for: those of the table whose change makes these results stale. */
import type { Affects } from '../../core/param-entries.ts'
import { type ParamKey, paramsThatAffect } from '../../core/params.ts'

/** Chosen in the outcome card, each in a way of its own (outcome/GoalFields.tsx). */
const ofGoals: ReadonlySet<ParamKey> = new Set(['rank', 'goalSize', 'goalError', 'goalEnergy', 'goalScope'])

/** In the order of these results, then of the table. */
export function fieldsOf(...affects: readonly Affects[]): ParamKey[] {
  return affects.flatMap((results) => paramsThatAffect(results).filter((key) => !ofGoals.has(key)))
}
