/**
 * The benchmark behind `ghostsvd bench`: products, randomized SVD by rank on six spectra, exact values, exact full SVD, each with its
 * time split by phase; with peers, theirs in the same run, taking turns, both sides warm; and with `fresh`, once more in processes of their own.
 *
 * Times are medians over `repeat` runs after one that is discarded. Machines differ and are shared: only ratios of one run mean anything.
 */
import { floorCurve } from '../../core/curves/error-curve.ts'
import { deviceName } from '../../core/kernels/gpu/adapter.ts'
import type { KernelInfo, Kernels, Weights } from '../../core/kernels/kernels.ts'
import { exactSingularValues } from '../../core/svd/factorize.ts'
import { residentOperand } from '../../core/svd/operand.ts'
import { type ExactReport, timeExact } from './exact.ts'
import { type BenchDType, type BenchShape, benchMatrix, benchWeights, spectra } from './matrices.ts'
import type { BenchOptions } from './options.ts'
import type { PeerName, PeerReply } from './peers.ts'
import { type ProductTiming, timeProducts } from './products.ts'
import { type RandomizedTiming, timeRandomized } from './randomized.ts'
import { watchless } from './turns.ts'

export interface SizeReport extends BenchShape {
  readonly products: readonly ProductTiming[]
  readonly randomized: readonly RandomizedTiming[]
  readonly exact: ExactReport | null
}

export interface BenchReport extends KernelInfo {
  readonly dtype: BenchDType
  /** Best rate of a product whose operands stay in cache: what the machine can do. */
  readonly peakGigaflops: number
  /** The GPU beside the processor; null where there is none or none was asked for. */
  readonly device: string | null
  readonly peers: Readonly<Partial<Record<PeerName, string>>>
  /** What OpenBLAS chose for this processor. */
  readonly peerKernels: readonly string[]
  readonly sizes: readonly SizeReport[]
}

/** Largest side up to which errors are held against the floor: beyond it the exact values take minutes. */
const largestFloor = 4096

export async function runBench(kernels: Kernels, options: BenchOptions): Promise<BenchReport> {
  const peakGigaflops = peak(kernels)
  let loaded: Pick<PeerReply, 'peers' | 'kernels'> = {}
  const sizes: SizeReport[] = []
  const { parts, ranks } = options
  for (const shape of options.shapes) {
    const { rows, cols } = shape
    const randomized: RandomizedTiming[] = []
    let products: ProductTiming[] = []
    let exact: ExactReport | null = null
    // Only the sketch cares what the spectrum looks like.
    for (const spectrum of parts.includes('randomized') ? options.spectra : spectra.slice(0, 1)) {
      options.say(`${rows} x ${cols} ${spectrum}: making it`)
      const mark = kernels.mark()
      const A = benchMatrix(kernels, spectrum, shape)
      const weights = benchWeights(kernels, A, options.dtype)
      const saved = options.peers || options.fresh ? await options.save(weights, A) : null
      if (options.peers) loaded = await options.peers.ask({ op: 'load', path: saved!.npy })
      const operand = residentOperand(kernels, weights)
      if (spectrum === 'gaussian') {
        if (parts.includes('products')) products = await timeProducts(kernels, weights, peakGigaflops, options)
        if (parts.includes('exact')) exact = await timeExact(kernels, operand, options)
      }
      if (parts.includes('randomized')) {
        const known = Math.min(rows, cols) <= largestFloor
        const floor = known ? floorCurve(await exactSingularValues(kernels, operand, watchless)) : null
        const names = Object.keys(loaded.peers ?? {}) as PeerName[]
        for (const rank of ranks.filter((wanted) => wanted <= Math.min(rows, cols))) {
          options.say(`${rows} x ${cols} ${spectrum}: rank ${rank}`)
          const cell = { spectrum, rank, floor: floor?.[rank] ?? null, names, saved }
          randomized.push(await timeRandomized(kernels, operand, cell, options))
        }
      }
      kernels.release(mark)
    }
    sizes.push({ rows, cols, products, randomized, exact })
  }
  const device = kernels.device ? deviceName(kernels.device.info) : null
  const { peers = {}, kernels: peerKernels = [] } = loaded
  const chosen = [...new Set(peerKernels)]
  return { ...kernels.info, dtype: options.dtype, peakGigaflops, device, peers, peerKernels: chosen, sizes }
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
  for (let run = 0; run < 40; run++) {
    const started = performance.now()
    kernels.gemm(A, X, Y)
    best = Math.min(best, performance.now() - started)
  }
  kernels.release(mark)
  return (2 * n * n * k) / best / 1e6
}
