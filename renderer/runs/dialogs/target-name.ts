/** What an output is called until the user says otherwise: after its source and its style, and where that name is taken after its goal too. */
import type { Params } from '../../../core/params.ts'
import { allStyles, type OutputId } from '../../../core/styles.ts'
import { goalOf } from '../../choices/goal.ts'
import { stemOf } from '../../model/running/recipes.ts'

/** model.lowrank.safetensors, model-40pct.lowrank.safetensors, model-40pct-2.lowrank.safetensors, ...: the first that is not `taken`. */
export function targetName(source: string, style: OutputId, params: Params, taken: ReadonlySet<string>): string {
  const stem = stemOf(source)
  const goal = goalWord(params)
  const named = (which: string) => `${stem}${which}${allStyles[style].ending}`
  if (!taken.has(named(''))) return named('')
  if (!taken.has(named(`-${goal}`))) return named(`-${goal}`)
  let n = 2
  while (taken.has(named(`-${goal}-${n}`))) n++
  return named(`-${goal}-${n}`)
}

/** A goal in letters that every file system takes. */
function goalWord(params: Params): string {
  const { rank, goalSize, goalError, goalEnergy } = params
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))}pct`
  if (goalOf(params) === 'rank') return `rank${rank}`
  if (goalSize > 1) return `${Number((goalSize / 1e6).toPrecision(3))}MB`
  if (goalSize > 0) return percent(goalSize)
  return goalError > 0 ? `error${percent(goalError)}` : `energy${percent(goalEnergy)}`
}
