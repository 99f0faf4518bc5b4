/** Which rank each module of an adapter gets: given, by a rule or for a goal, from spectra and sizes alone. */
import { type ModuleLayout, moduleEntries } from '../../adapters/forms.ts'
import { rankBy } from '../../adapters/rank-rules.ts'
import type { TargetModule } from '../../adapters/translate.ts'
import type { JobOf } from '../../contract.ts'
import { allowedError } from '../../params.ts'
import { hasGoal } from '../../plan/goal.ts'
import { sizeGoalBytes } from '../../plan/goals.ts'
import {
  type AllocationCandidate,
  allocateRanks,
  fitToSize,
  leastRanks,
  ranksForSizes,
} from '../../plan/rank-allocation.ts'
import { pinsBy } from '../../rules.ts'
import type { AdapterForm } from '../../styles.ts'
import { elementCount, tensorBytes } from '../../tensor.ts'

/** What decides ranks and bytes, whoever asks. */
export type ResizeChoices = Pick<
  JobOf<'resize'>,
  'params' | 'rule' | 'keepRanks' | 'oneRank' | 'include' | 'exclude' | 'pins'
>

export interface Choosing {
  readonly modules: readonly TargetModule[]
  /** Bytes of the adapter as it is. */
  readonly totalBytes: number
  /** ||W||_F by the name of the module in the form that is written. */
  readonly norms: ReadonlyMap<string, number>
  readonly job: ResizeChoices
  readonly form: AdapterForm
  layout(module: TargetModule, rank: number): ModuleLayout
  /** Bytes of the file at these ranks. */
  predict(ranks: readonly number[]): number
}

/** What is known of a module before its rank. */
export interface Analyzed {
  readonly rankBefore: number
  readonly s: Float64Array
  /** ||D||_F^2 */
  readonly squares: number
}

/**
 * One rank a module, at least 1: a module that is left out would be missed by loaders that expect it.
 * @throws AppError `bad-request` for a size that even the smallest ranks exceed
 */
export function chooseRanks(resizing: Choosing, found: readonly Analyzed[]): number[] {
  const { job, totalBytes } = resizing
  const { params, rule, keepRanks } = job
  const most = found.map(({ s }) => Math.max(1, valuesAbove0(s)))
  const pinOf = pinsBy(job)
  const pinned = (ranks: number[]) =>
    ranks.map((rank, i) => Math.min(most[i]!, pinOf(resizing.modules[i]!.name) ?? rank))
  if (keepRanks) return found.map(({ rankBefore }, i) => (isLora(resizing.modules[i]!) ? rankBefore : most[i]!))
  if (rule) return pinned(found.map(({ s }, i) => Math.max(1, Math.min(most[i]!, rankBy(rule, s)))))
  if (!hasGoal(params)) return pinned(most.map(() => params.rank))
  const candidates = found.map((each, i) => {
    const candidate = candidateOf(resizing, i, each, most[i]!)
    const pin = pinOf(candidate.name)
    const own = pin === null ? null : Math.min(pin, most[i]!)
    return own === null ? candidate : { ...candidate, minRank: own, maxRank: own }
  })
  const size = sizeGoalBytes(params, totalBytes)
  const chosen = (ranks: readonly (number | null)[]) => ranks.map((rank, i) => rank ?? candidates[i]!.maxRank)
  if (size === null) {
    const error = allowedError(params)!
    if (params.goalScope === 'tensor') return chosen(leastRanks(candidates, error))
    const totalWeight = candidates.reduce((sum, { weight }) => sum + weight, 0)
    return chosen(allocateRanks(candidates, { kind: 'model-error', error, totalWeight }, params.allocation))
  }
  const ranksFor = ranksForSizes(candidates, params.allocation)
  return fitToSize(
    size,
    size,
    (budget) => chosen(ranksFor(budget)),
    (ranks) => resizing.predict(ranks),
  )
}

/** How many values there are to keep. */
export function valuesAbove0(s: Float64Array): number {
  const zero = s.indexOf(0)
  return zero < 0 ? s.length : zero
}

export function isLora({ sources }: TargetModule): boolean {
  return sources.every(({ kind }) => kind !== 'loha' && kind !== 'lokr')
}

function candidateOf(resizing: Choosing, i: number, { s, squares }: Analyzed, most: number): AllocationCandidate {
  const module = resizing.modules[i]!
  const { params } = resizing.job
  const norm = resizing.norms.get(module.name)
  // Beside the base, what the module adds is a small part of the weight: its error is too.
  const share = norm === undefined || norm === 0 || squares === 0 ? 1 : squares / norm ** 2
  const squaredErrors = [share]
  let left = squares
  for (let k = 0; k < most; k++) {
    left -= s[k]! ** 2
    squaredErrors.push(squares === 0 ? 0 : (share * Math.max(0, left)) / squares)
  }
  const maxRank = Math.min(most, params.maxRank)
  return {
    name: module.name,
    weight: params.goalWeight === 'entries' ? elementCount(module.shape) : norm === undefined ? squares : norm ** 2,
    squaredErrors,
    minRank: Math.min(params.minRank, maxRank),
    maxRank,
    keptBytes: null,
    bytesAt: (rank) =>
      moduleEntries(resizing.form, resizing.layout(module, rank)).reduce(
        (sum, { dtype, shape }) => sum + tensorBytes(dtype, shape),
        0,
      ),
  }
}
