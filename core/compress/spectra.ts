/**
 * How the error of a tensor falls with its rank: what a goal is allocated on. One factorization a matrix, at the largest rank that could
 * be chosen; every rank below is then known, and stays known (known.ts).
 */
import type { WeightFile } from '../formats/format.ts'
import { floorCurve } from '../measure/curves/error-curve.ts'
import { residualNorm } from '../measure/residual.ts'
import { storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { type Found, factorizedMatrix } from './factorize-matrix.ts'
import { known, recall } from './known.ts'
import { type LoadedMatrix, loadMatrix } from './load.ts'
import type { FactorizedTensor } from './plan.ts'
import { sketchKey } from './sketch-key.ts'

export interface TensorSpectrum {
  /** ||W||_F over all matrices. */
  readonly frobeniusNorm: number
  /** Squared relative error at rank 0, 1, ... up to the sketch's, before anything is rounded. */
  readonly truncation: readonly number[]
  /** Squared relative error that INT8 factors with a scale for each direction add, at the same ranks. */
  readonly int8: readonly number[]
}

/** Below this squared error the spectrum of an f32 sketch has lost digits: what the sketch leaves over is measured. */
const MEASURE_BELOW = 1e-2

/** Up to the rank of the plan's sketch. The first time it factorizes, and reports the curve either way. */
export async function tensorSpectrum(
  file: WeightFile,
  plan: FactorizedTensor,
  context: JobContext,
): Promise<TensorSpectrum> {
  const spectrum = await known(context, spectrumOf(plan, context), () => analyzed(file, plan, context))
  reportSpectrum(plan, spectrum, context)
  return spectrum
}

/** What is known already. */
export function knownSpectrum(plan: FactorizedTensor, context: JobContext): Promise<TensorSpectrum | undefined> {
  return recall<TensorSpectrum>(context, spectrumOf(plan, context))
}

export function reportSpectrum({ info }: FactorizedTensor, { truncation }: TensorSpectrum, context: JobContext): void {
  context.report({ type: 'spectrum', tensor: info.name, errorCurve: truncation.map(Math.sqrt) })
}

function spectrumOf({ info, sketch }: FactorizedTensor, { kernels }: JobContext): readonly unknown[] {
  return ['spectrum', sketchKey('', storageName(info), sketch, kernels.info)]
}

async function analyzed(file: WeightFile, plan: FactorizedTensor, context: JobContext): Promise<TensorSpectrum> {
  const { info, view, sketch } = plan
  const parts: { readonly norm: number; readonly truncation: Float64Array; readonly int8: Float64Array }[] = []
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context, sketch)
      const found = await factorizedMatrix(plan, index, loaded, context, true)
      parts.push({
        norm: loaded.frobeniusNorm,
        truncation: await truncationCurve(found, loaded, sketch.rank, context),
        int8: int8Curve(found, loaded.frobeniusNorm, sketch.rank),
      })
    } finally {
      context.kernels.release(mark)
    }
  }
  const largest = Math.max(...parts.map(({ norm }) => norm))
  const shares = parts.map(({ norm }) => (largest === 0 ? 0 : (norm / largest) ** 2))
  const whole = shares.reduce((sum, share) => sum + share, 0)
  const joined = (of: 'truncation' | 'int8') =>
    Array.from({ length: sketch.rank + 1 }, (_, rank) =>
      whole === 0 ? 0 : parts.reduce((sum, part, i) => sum + shares[i]! * part[of][rank]!, 0) / whole,
    )
  return { frobeniusNorm: largest * Math.sqrt(whole), truncation: joined('truncation'), int8: joined('int8') }
}

/** Tail sums, smallest first, on top of what lies beyond the sketch. */
async function truncationCurve(
  found: Found,
  { operand, frobeniusNorm }: LoadedMatrix,
  rank: number,
  context: JobContext,
): Promise<Float64Array> {
  if (found.spectrum) return Float64Array.from(floorCurve(found.spectrum).slice(0, rank + 1), (error) => error ** 2)
  const curve = new Float64Array(rank + 1)
  if (frobeniusNorm === 0) return curve
  const shares = Float64Array.from(found.s, (value) => (value / frobeniusNorm) ** 2)
  let beyond = Math.max(0, 1 - shares.reduceRight((sum, share) => sum + share, 0))
  if (beyond < MEASURE_BELOW) beyond = ((await residualNorm(context.kernels, operand, found)) / frobeniusNorm) ** 2
  curve[rank] = beyond
  for (let k = rank - 1; k >= 0; k--) curve[k] = curve[k + 1]! + shares[k]!
  return curve
}

/** sum_{j <= k} (c_u^2 + c_v^2) s_j^2 / (12 * 127^2 ||W||^2), c = the largest entry of a direction times the square root of its length. */
function int8Curve({ rows, cols, s, U, Vt, rank: found }: Found, frobeniusNorm: number, rank: number): Float64Array {
  const curve = new Float64Array(rank + 1)
  if (frobeniusNorm === 0) return curve
  const largestU = new Float64Array(found)
  for (let i = 0; i < U.length; i++) largestU[i % found] = Math.max(largestU[i % found]!, Math.abs(U[i]!))
  for (let j = 0; j < rank; j++) {
    let largestV = 0
    for (let i = j * cols; i < (j + 1) * cols; i++) largestV = Math.max(largestV, Math.abs(Vt[i]!))
    const spread = largestU[j]! ** 2 * rows + largestV ** 2 * cols
    curve[j + 1] = curve[j]! + (spread * (s[j]! / frobeniusNorm) ** 2) / (12 * 127 ** 2)
  }
  return curve
}
