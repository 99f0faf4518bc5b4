/**
 * How the error of a tensor falls with its rank: what a goal is allocated on. One factorization a matrix, at the largest rank that could
 * be chosen; every rank below is then known, and stays findOnce (known.ts).
 */

import type { WeightFile } from '../formats/format.ts'
import { truncationCurve } from '../measure/residual.ts'
import { int8Curve, roundingCurve } from '../measure/rounding.ts'
import type { TensorSpectrum } from '../plan/goals.ts'
import type { FactorizedTensor } from '../plan/plan.ts'
import { storageName, type TensorInfo } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { arithmeticOf, factorizedMatrix } from './factorize-matrix.ts'
import { findOnce, recall } from './known.ts'
import { loadMatrix } from './load.ts'
import { sketchKey } from './sketch-key.ts'

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

/** ||W||_F^2 over all matrices of a tensor, found now where it is not known yet. */
export function squaresOf(info: TensorInfo, context: JobContext, find: () => Promise<number>): Promise<number> {
  return findOnce(context, ['sum-of-squares', storageName(info)], find)
}

/** What is known already. */
export function knownSpectrum(plan: FactorizedTensor, context: JobContext): Promise<TensorSpectrum | undefined> {
  return recall<TensorSpectrum>(context, spectrumOf(plan, context))
}

export function reportSpectrum({ info }: FactorizedTensor, { truncation }: TensorSpectrum, context: JobContext): void {
  context.report({ type: 'spectrum', tensor: info.name, errorCurve: truncation.map(Math.sqrt) })
}

function spectrumOf(plan: FactorizedTensor, { kernels }: JobContext): readonly unknown[] {
  const { info, sketch, factorLayout } = plan
  return ['spectrum', factorLayout, sketchKey('', storageName(info), sketch, arithmeticOf(plan, kernels))]
}

async function computeSpectrum(file: WeightFile, plan: FactorizedTensor, context: JobContext): Promise<TensorSpectrum> {
  const { info, view, sketch, factorLayout } = plan
  const curves = ['truncation', 'BF16', 'F16', 'INT8'] as const
  const parts: ({ readonly norm: number } & Record<(typeof curves)[number], Float64Array>)[] = []
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context, sketch)
      const { operand, frobeniusNorm } = loaded
      const found = await factorizedMatrix(plan, index, loaded, context, true)
      const { rank } = found
      parts.push({
        norm: frobeniusNorm,
        truncation: (await truncationCurve(context.kernels, operand, found, frobeniusNorm)).squared,
        BF16: roundingCurve(found, frobeniusNorm, rank, 'BF16', factorLayout),
        F16: roundingCurve(found, frobeniusNorm, rank, 'F16', factorLayout),
        INT8: int8Curve(found, frobeniusNorm, rank, factorLayout),
      })
    } finally {
      context.kernels.release(mark)
    }
  }
  // An adaptive sketch of a stack ends where its first matrix does.
  const rank = Math.min(...parts.map(({ truncation }) => truncation.length - 1))
  const largest = Math.max(...parts.map(({ norm }) => norm))
  // What a plan that keeps this tensor wants to know, without another pass over it.
  await squaresOf(info, context, async () => parts.reduce((sum, { norm }) => sum + norm ** 2, 0))
  const shares = parts.map(({ norm }) => (largest === 0 ? 0 : (norm / largest) ** 2))
  const whole = shares.reduce((sum, share) => sum + share, 0)
  const joined = (of: (typeof curves)[number]) =>
    Array.from({ length: rank + 1 }, (_, k) =>
      whole === 0 ? 0 : parts.reduce((sum, part, i) => sum + shares[i]! * part[of][k]!, 0) / whole,
    )
  return {
    frobeniusNorm: largest * Math.sqrt(whole),
    truncation: joined('truncation'),
    rounding: { BF16: joined('BF16'), F16: joined('F16'), INT8: joined('INT8') },
  }
}
