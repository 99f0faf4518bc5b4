/**
 * How the error of a tensor falls with its rank: what a goal is allocated on. One factorization a matrix, at the largest rank that could
 * be chosen; every rank below is then known, and stays findOnce (known.ts).
 */

import { floorCurve } from '../curves/error-curve.ts'
import { scaleLayout } from '../curves/size.ts'
import type { WeightFile } from '../formats/format.ts'
import { residualNorm } from '../measure/residual.ts'
import type { TensorSpectrum } from '../plan/goals.ts'
import type { FactorizedTensor } from '../plan/plan.ts'
import { storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { type Found, factorizedMatrix } from './factorize-matrix.ts'
import { findOnce, recall } from './known.ts'
import { type LoadedMatrix, loadMatrix } from './load.ts'
import { sketchKey } from './sketch-key.ts'

/** Below this squared error the spectrum of an f32 sketch has lost digits: what the sketch leaves over is measured. */
const MEASURE_BELOW = 1e-2

/** Up to the rank of the plan's sketch. The first time it factorizes, and reports the curve either way. */
export async function tensorSpectrum(
  file: WeightFile,
  plan: FactorizedTensor,
  context: JobContext,
): Promise<TensorSpectrum> {
  const spectrum = await findOnce(context, spectrumOf(plan, context), () => computeSpectrum(file, plan, context))
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

async function computeSpectrum(file: WeightFile, plan: FactorizedTensor, context: JobContext): Promise<TensorSpectrum> {
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

/**
 * Every entry of a factor is off by up to half a step of its scale, evenly: step^2 / 12 in the mean square, step = largest entry / 127. In
 * B A with sqrt(s) in each, an error in column j of B weighs ||a_j||^2 = s_j, and one in row j of A ||b_j||^2 = s_j.
 *
 *   a scale for each direction   sum_j s_j^2 (m max|u_j|^2 + n max|v_j|^2)
 *   for each row and column      sum_j s_j x (sum of the squares of the largest entry of each row of B and each column of A)
 *
 * both over 12 * 127^2 ||W||^2. Entries below half a step lose less, so where a row mixes steep directions this is a bound from above.
 */
function int8Curve({ rows, cols, s, U, Vt, rank: found }: Found, frobeniusNorm: number, rank: number): Float64Array {
  const curve = new Float64Array(rank + 1)
  if (frobeniusNorm === 0) return curve
  const inRow = new Float64Array(rows)
  const inCol = new Float64Array(cols)
  let byDirection = 0
  let largestSquares = 0
  let weight = 0
  for (let j = 0; j < rank; j++) {
    const share = s[j]! / frobeniusNorm
    let largestU = 0
    for (let i = 0; i < rows; i++) {
      const square = U[i * found + j]! ** 2
      largestU = Math.max(largestU, square)
      largestSquares += Math.max(0, square * share - inRow[i]!)
      inRow[i] = Math.max(inRow[i]!, square * share)
    }
    let largestV = 0
    for (let i = 0; i < cols; i++) {
      const square = Vt[j * cols + i]! ** 2
      largestV = Math.max(largestV, square)
      largestSquares += Math.max(0, square * share - inCol[i]!)
      inCol[i] = Math.max(inCol[i]!, square * share)
    }
    byDirection += (largestU * rows + largestV * cols) * share ** 2
    weight += share
    curve[j + 1] = (scaleLayout(j + 1) === 'row' ? largestSquares * weight : byDirection) / (12 * 127 ** 2)
  }
  return curve
}
