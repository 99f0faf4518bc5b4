/** Randomized SVD of one matrix at one rank, beside the peers' with the same parameters: time, error over the floor, orthogonality. */
import { productsOf } from '../../core/cost.ts'
import { mean } from '../../core/curves/mean.ts'
import type { Kernels } from '../../core/kernels/kernels.ts'
import { distanceFromOrthonormal } from '../../core/measure/orthonormality.ts'
import { residualNorm } from '../../core/measure/residual.ts'
import { defaultParams, type FittedParams, fitParams } from '../../core/params.ts'
import type { PhaseTimes } from '../../core/phases.ts'
import { factorize } from '../../core/svd/factorize.ts'
import type { Operand } from '../../core/svd/operand.ts'
import type { Spectrum } from './matrices.ts'
import type { BenchOptions, SavedMatrix } from './options.ts'
import type { PeerName, PeerReply } from './peers.ts'
import { booking, medianOfEach, type Timing, timing, watchless } from './turns.ts'

export interface RandomizedTiming extends Timing {
  readonly spectrum: Spectrum
  readonly rank: number
  readonly gigaflops: number
  readonly phasesMs: PhaseTimes
  /** Means over the seeds: error / Eckart-Young floor - 1, ours and theirs; null where the floor is not known. */
  readonly excess: number | null
  readonly peerExcess?: Readonly<Record<string, number>>
  /** Largest |UtU - I|. */
  readonly orthogonality: number
  /** The GPU that made its products; null where the processor did. */
  readonly device: string | null
  /** The first one in a process that has just loaded the matrix; absent where that was not asked for. */
  readonly fresh?: Timing
}

export interface Cell {
  readonly spectrum: Spectrum
  readonly rank: number
  /** Least relative error at this rank; null: not known. */
  readonly floor: number | null
  readonly names: readonly PeerName[]
  readonly saved: SavedMatrix | null
}

export async function timeRandomized(
  kernels: Kernels,
  operand: Operand,
  { spectrum, rank, floor, names, saved }: Cell,
  options: BenchOptions,
): Promise<RandomizedTiming> {
  const { repeat, peers } = options
  const { rows, cols } = operand
  const { algorithm, device } = options.params
  const params = fitParams({ ...defaultParams, method: 'randomized', algorithm, device, rank }, rows, cols)
  const { oversample, nIter } = params
  const norm = Math.sqrt((await operand.statistics()).sumOfSquares)
  const ours: number[] = []
  const errors: number[] = []
  const theirs = new Map(names.map((name) => [name, { ms: [] as number[], errors: [] as number[] }]))
  const phases: PhaseTimes[] = []
  let orthogonality = 0
  let by: string | null = null
  for (let run = 0; run <= repeat; run++) {
    const { observer, phasesMs } = booking()
    // As for the products: warm at once before the clock starts, on both sides.
    await factorize(kernels, operand, params, [rank, run], watchless)
    const started = performance.now()
    const factorization = await factorize(kernels, operand, params, [rank, run], observer)
    const ms = performance.now() - started
    const error = (await residualNorm(kernels, operand, factorization, norm)) / norm
    const replies: [PeerName, PeerReply][] = []
    for (const peer of names)
      replies.push([peer, await peers!.ask({ op: 'randomized', peer, rank, oversample, nIter, seed: run, warm: true })])
    if (run === 0) continue
    ours.push(ms)
    errors.push(error)
    phases.push(phasesMs)
    by = factorization.device ?? null
    orthogonality = Math.max(orthogonality, distanceFromOrthonormal(kernels, factorization))
    for (const [peer, reply] of replies) {
      theirs.get(peer)!.ms.push(reply.ms)
      theirs.get(peer)!.errors.push(reply.error)
    }
  }
  const timed = timing(ours, new Map([...theirs].map(([name, { ms }]) => [name, ms])))
  const excessOf = (found: readonly number[]) => (floor === null ? null : mean(found) / floor - 1)
  return {
    ...timed,
    spectrum,
    rank,
    orthogonality,
    device: by,
    gigaflops: (productsOf(params) * 2 * rows * cols * params.columns) / timed.ms / 1e6,
    phasesMs: medianOfEach(phases),
    excess: excessOf(errors),
    ...(theirs.size > 0 &&
      floor !== null && {
        peerExcess: Object.fromEntries([...theirs].map(([name, side]) => [name, excessOf(side.errors)!])),
      }),
    ...(options.fresh && saved && { fresh: await timeFresh(params, names, saved, options) }),
  }
}

/** Turns of fresh processes, ours first. */
async function timeFresh(
  params: FittedParams,
  names: readonly PeerName[],
  saved: SavedMatrix,
  { repeat, fresh, say }: BenchOptions,
): Promise<Timing> {
  const ours: number[] = []
  const theirs = new Map(names.map((name) => [name, [] as number[]]))
  for (let seed = 1; seed <= repeat; seed++) {
    say(`rank ${params.rank}, fresh processes: turn ${seed} of ${repeat}`)
    ours.push(await fresh!.ours(saved.safetensors, params, seed))
    for (const name of names) theirs.get(name)!.push(await fresh!.peer(name, saved.npy, params, seed))
  }
  return timing(ours, theirs)
}
