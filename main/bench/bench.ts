/**
 * The benchmark behind `ghostsvd bench`: products, randomized SVD by rank on three spectra, exact values, exact full SVD, each with its
 * time split by phase; with peers, theirs in the same run, taking turns, both sides warm.
 *
 * Times are medians over `repeat` runs after one that is discarded. Machines differ and are shared: only ratios of one run mean anything.
 */

import { productsOf } from '../../core/cost.ts'
import { floorCurve } from '../../core/curves/error-curve.ts'
import { mean } from '../../core/curves/mean.ts'
import { deviceName } from '../../core/kernels/gpu/adapter.ts'
import type { KernelInfo, Kernels, Matrix, Weights } from '../../core/kernels/kernels.ts'
import { distanceFromOrthonormal } from '../../core/measure/orthonormality.ts'
import { residualNorm } from '../../core/measure/residual.ts'
import { defaultParams, fitParams, type Params } from '../../core/params.ts'
import type { PhaseTimes, TimedPhase } from '../../core/phases.ts'
import { exactSingularValues, factorize, type Observer } from '../../core/svd/factorize.ts'
import { type Operand, residentOperand } from '../../core/svd/operand.ts'
import { benchMatrix, type Spectrum, spectra } from './matrices.ts'
import { median } from './median.ts'
import type { PeerName, PeerReply, PeerRequest } from './peers.ts'

export const benchParts = ['products', 'randomized', 'exact'] as const
type BenchPart = (typeof benchParts)[number]

export interface BenchOptions {
  readonly parts: readonly BenchPart[]
  readonly sizes: readonly number[]
  readonly ranks: readonly number[]
  readonly repeat: number
  /** Of these the algorithm counts, and the device. */
  readonly params: Params
  /** Asks the peers, with the matrix on disk where they can read it; null without them. */
  readonly peers: { ask(request: PeerRequest): Promise<PeerReply>; save(A: Matrix): Promise<string> } | null
  /** Called before each line of work. */
  say(text: string): void
}

/** Median milliseconds of one side, and how many times longer each peer took. */
interface Timing {
  readonly ms: number
  /** Peer time / ours; above 1 we are faster. */
  readonly peerTimeOverOurs?: Readonly<Record<string, number>>
}

interface ProductTiming extends Timing {
  readonly columns: number
  readonly product: 'A X' | 'At X'
  readonly gigaflops: number
  readonly shareOfPeak: number
}

interface RandomizedTiming extends Timing {
  readonly spectrum: Spectrum
  readonly rank: number
  readonly gigaflops: number
  readonly phasesMs: PhaseTimes
  /** Means over the seeds: error / Eckart-Young floor - 1, ours and theirs. */
  readonly excess: number
  readonly peerExcess?: Readonly<Record<string, number>>
  /** Largest |UtU - I|. */
  readonly orthogonality: number
  /** The GPU that made its products; null where the processor did. */
  readonly device: string | null
}

interface SizeReport {
  readonly size: number
  readonly products: readonly ProductTiming[]
  readonly randomized: readonly RandomizedTiming[]
  readonly exactValues: (Timing & { readonly phasesMs: PhaseTimes }) | null
  /** Up to 2048, where either side takes seconds. */
  readonly exactFull: (Timing & { readonly phasesMs: PhaseTimes }) | null
}

export interface BenchReport extends KernelInfo {
  /** Best rate of a product whose operands stay in cache: what the machine can do. */
  readonly peakGigaflops: number
  /** The GPU beside the processor; null where there is none or none was asked for. */
  readonly device: string | null
  readonly peers: Readonly<Record<string, string>>
  readonly sizes: readonly SizeReport[]
}

/** Largest size at which the full thin SVD is timed: at 4096 either side takes most of a minute a run. */
const largestFull = 2048

export async function runBench(kernels: Kernels, options: BenchOptions): Promise<BenchReport> {
  const peakGigaflops = peak(kernels)
  let peers: Readonly<Record<string, string>> = {}
  const sizes: SizeReport[] = []
  for (const size of options.sizes) {
    const randomized: RandomizedTiming[] = []
    let products: ProductTiming[] = []
    let exact: Pick<SizeReport, 'exactValues' | 'exactFull'> = { exactValues: null, exactFull: null }
    const { parts, ranks } = options
    // Only the sketch cares what the spectrum looks like.
    for (const spectrum of parts.includes('randomized') ? spectra : spectra.slice(0, 1)) {
      options.say(`${size} x ${size} ${spectrum}: making it`)
      const mark = kernels.mark()
      const A = benchMatrix(kernels, spectrum, size)
      if (options.peers)
        peers = (await options.peers.ask({ op: 'load', path: await options.peers.save(A) })).peers ?? {}
      const names = Object.keys(peers) as PeerName[]
      const bytes = new Uint8Array(A.data.buffer, A.data.byteOffset, A.data.byteLength)
      const weights: Weights = { rows: size, cols: size, dtype: 'F32', data: bytes, scale: 1 }
      const operand = residentOperand(kernels, weights)
      if (spectrum === 'gaussian') {
        if (parts.includes('products')) products = await timeProducts(kernels, weights, peakGigaflops, options)
        if (parts.includes('exact')) exact = await timeExact(kernels, operand, options)
      }
      if (parts.includes('randomized')) {
        const floor = floorCurve(await exactSingularValues(kernels, operand, watchless))
        for (const rank of ranks.filter((wanted) => wanted <= size)) {
          options.say(`${size} x ${size} ${spectrum}: rank ${rank}`)
          randomized.push(await timeRandomized(kernels, operand, spectrum, rank, floor[rank]!, names, options))
        }
      }
      kernels.release(mark)
    }
    sizes.push({ size, products, randomized, ...exact })
  }
  const device = kernels.device ? deviceName(kernels.device.info) : null
  return { ...kernels.info, peakGigaflops, device, peers, sizes }
}

const watchless: Observer = { phase: () => {}, checkCancelled: () => {} }

/** Adds each phase up in `phasesMs`. */
function booking(phasesMs: Partial<Record<TimedPhase, number>>): Observer {
  return {
    ...watchless,
    phase: (name, ms) => {
      phasesMs[name] = (phasesMs[name] ?? 0) + ms
    },
  }
}

function peak(kernels: Kernels): number {
  const mark = kernels.mark()
  // 96 columns against 1024 x 1024: 4 MB of weights, packed panels in the second-level cache, 0.2 GFLOP a call.
  const [n, k] = [1024, 96]
  const A: Weights = { rows: n, cols: n, dtype: 'F32', data: kernels.allocateBytes(4 * n * n), scale: 1 }
  const X = { rows: n, cols: k, data: kernels.allocateFloat32(n * k) }
  const Y = { rows: n, cols: k, data: kernels.allocateFloat32(n * k) }
  A.data.fill(0)
  X.data.fill(0)
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 40; run++)
    best = Math.min(
      best,
      clocked(() => kernels.gemm(A, X, Y)),
    )
  kernels.release(mark)
  return (2 * n * n * k) / best / 1e6
}

function clocked(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}

async function timeProducts(
  kernels: Kernels,
  A: Weights,
  peakGigaflops: number,
  { ranks, repeat, peers, say }: BenchOptions,
): Promise<ProductTiming[]> {
  const found: ProductTiming[] = []
  for (const columns of ranks.map((rank) => Math.ceil((rank + 10) / 16) * 16))
    for (const product of ['A X', 'At X'] as const) {
      say(`${A.rows} x ${A.cols}: ${product}, ${columns} columns`)
      const mark = kernels.mark()
      const X = { rows: A.cols, cols: columns, data: kernels.allocateFloat32(A.cols * columns) }
      const Y = { rows: A.rows, cols: columns, data: kernels.allocateFloat32(A.rows * columns) }
      kernels.gaussian([1, 1], X)
      kernels.gaussian([1, 2], Y)
      const ours: number[] = []
      const numpy: number[] = []
      for (let run = 0; run <= repeat; run++) {
        const multiply = () => (product === 'A X' ? kernels.gemm(A, X, Y) : kernels.gemmTransposed(A, Y, X, false))
        // The turns of the others have filled the caches with theirs and let cores fall asleep: once untimed, then at once by the clock.
        multiply()
        const ms = clocked(multiply)
        const reply = await peers?.ask({ op: 'product', columns, transposed: product === 'At X' })
        if (run === 0) continue
        ours.push(ms)
        if (reply) numpy.push(reply.ms)
      }
      kernels.release(mark)
      const ms = median(ours)
      const gigaflops = (2 * A.rows * A.cols * columns) / ms / 1e6
      const ratio = numpy.length > 0 ? { peerTimeOverOurs: { numpy: median(numpy) / ms } } : {}
      found.push({ columns, product, ms, gigaflops, shareOfPeak: gigaflops / peakGigaflops, ...ratio })
    }
  return found
}

async function timeRandomized(
  kernels: Kernels,
  operand: Operand,
  spectrum: Spectrum,
  rank: number,
  floor: number,
  names: readonly PeerName[],
  { repeat, peers, params: { algorithm, device } }: BenchOptions,
): Promise<RandomizedTiming> {
  const { rows, cols } = operand
  const params = fitParams({ ...defaultParams, method: 'randomized', algorithm, device, rank }, rows, cols)
  const { oversample, nIter } = params
  const norm = Math.sqrt((await operand.statistics()).sumOfSquares)
  const ours = { ms: [] as number[], excess: [] as number[] }
  const theirs = new Map(names.map((name) => [name, { ms: [] as number[], excess: [] as number[] }]))
  const phases: PhaseTimes[] = []
  let orthogonality = 0
  let by: string | null = null
  for (let run = 0; run <= repeat; run++) {
    const phasesMs: Partial<Record<TimedPhase, number>> = {}
    // As for the products: warm at once before the clock starts, on both sides.
    await factorize(kernels, operand, params, [rank, run], watchless)
    const observer = booking(phasesMs)
    const started = performance.now()
    const factorization = await factorize(kernels, operand, params, [rank, run], observer)
    const ms = performance.now() - started
    const error = (await residualNorm(kernels, operand, factorization, norm)) / norm
    const replies: [PeerName, PeerReply][] = []
    for (const peer of names)
      replies.push([peer, await peers!.ask({ op: 'randomized', peer, rank, oversample, nIter, seed: run })])
    if (run === 0) continue
    ours.ms.push(ms)
    ours.excess.push(error / floor - 1)
    phases.push(phasesMs)
    by = factorization.device ?? null
    orthogonality = Math.max(orthogonality, distanceFromOrthonormal(kernels, factorization))
    for (const [peer, reply] of replies) {
      theirs.get(peer)!.ms.push(reply.ms)
      theirs.get(peer)!.excess.push(reply.error / floor - 1)
    }
  }
  const ms = median(ours.ms)
  return {
    spectrum,
    rank,
    ms,
    gigaflops: (productsOf(params) * 2 * rows * cols * params.columns) / ms / 1e6,
    phasesMs: medianOfEach(phases),
    excess: mean(ours.excess),
    orthogonality,
    device: by,
    ...(theirs.size > 0 && {
      peerTimeOverOurs: Object.fromEntries([...theirs].map(([name, side]) => [name, median(side.ms) / ms])),
      peerExcess: Object.fromEntries([...theirs].map(([name, side]) => [name, mean(side.excess)])),
    }),
  }
}

async function timeExact(
  kernels: Kernels,
  operand: Operand,
  { repeat, peers, say }: BenchOptions,
): Promise<Pick<SizeReport, 'exactValues' | 'exactFull'>> {
  const size = operand.rows
  say(`${size} x ${size}: exact`)
  const time = async (work: (observer: Observer) => Promise<unknown>, op: 'values' | 'full', peer: string) => {
    const ours: number[] = []
    const theirs: number[] = []
    const phases: PhaseTimes[] = []
    for (let run = 0; run <= repeat; run++) {
      const phasesMs: Partial<Record<TimedPhase, number>> = {}
      const observer = booking(phasesMs)
      const started = performance.now()
      await work(observer)
      const ms = performance.now() - started
      const reply = await peers?.ask({ op })
      if (run === 0) continue
      ours.push(ms)
      phases.push(phasesMs)
      if (reply) theirs.push(reply.ms)
    }
    const ms = median(ours)
    return {
      ms,
      phasesMs: medianOfEach(phases),
      ...(theirs.length > 0 && { peerTimeOverOurs: { [peer]: median(theirs) / ms } }),
    }
  }
  const full = fitParams({ ...defaultParams, method: 'exact', rank: size }, size, size)
  return {
    exactValues: await time((observer) => exactSingularValues(kernels, operand, observer), 'values', 'scipy'),
    exactFull:
      size > largestFull
        ? null
        : await time((observer) => factorize(kernels, operand, full, [1, 1], observer), 'full', 'numpy'),
  }
}

function medianOfEach(runs: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(runs.flatMap((run) => Object.keys(run)))
  return Object.fromEntries([...names].map((name) => [name, median(runs.map((run) => run[name] ?? 0))]))
}
