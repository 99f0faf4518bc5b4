/**
 * What a run's analysis knew of every other size: the least model error at sizes of the whole output, on the rules, dtypes and pins of the run.
 * Its report keeps it, so that runs can be held against it, and each other, when their file is long closed.
 */
import { elementCount, oncePerStorage, storageName } from '../tensor.ts'
import { frontier, squaredErrorAt } from './frontier.ts'
import type { Candidate } from './goals.ts'
import { isFactorized, type TensorPlan } from './plan.ts'

/** Evenly spaced in bytes: between two of them a screen sees no bend. */
const points = 129

/**
 * Pairs of bytes and model error, ascending in bytes; empty where nothing could be chosen, or where a sketch ended with its goal: what larger
 * ranks would do is not known then.
 * @param plans of the run, each candidate's among them
 * @param bytes of the whole output under these plans: what is not a candidate's stays as it is
 */
export function tradeOffOf(
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  bytes: number,
): [number, number][] {
  const endedEarly = ({ spectrum, plan }: Candidate) => spectrum.truncation.length <= plan.sketch.rank
  if (candidates.length === 0 || candidates.some(endedEarly)) return []
  const chosen = new Map(plans.map((plan) => [storageName(plan.info), plan]))
  const bytesOf = ({ plan: { info }, keptBytes, bytesAt }: Candidate) => {
    const plan = chosen.get(storageName(info))
    return plan && isFactorized(plan) ? bytesAt(plan.params.rank) : (keptBytes ?? 0)
  }
  const others = bytes - candidates.reduce((sum, candidate) => sum + bytesOf(candidate), 0)
  const entries = oncePerStorage(plans)
    .filter(({ view }) => view)
    .reduce((sum, { info }) => sum + elementCount(info.shape), 0)
  // A model error counts entries, whatever the goal weighs.
  const curve = frontier(candidates.map((each) => ({ ...each, weight: elementCount(each.plan.info.shape) })))
  const [first, last] = [curve[0]!, curve.at(-1)!]
  const step = (last.bytes - first.bytes) / (points - 1)
  const sizes = new Set(Array.from({ length: points }, (_, i) => Math.round(first.bytes + i * step)))
  return [...sizes].map((size) => [size + others, Math.sqrt(squaredErrorAt(curve, size)! / entries)])
}
