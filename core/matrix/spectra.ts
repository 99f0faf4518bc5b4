/**
 * How the error of a tensor falls with its rank: what a goal is allocated on. One factorization a matrix, at the largest rank that could
 * be chosen; every rank below is then known, and is kept (facts.ts).
 */

import type { WeightFile } from '../formats/format.ts'
import { outputRoundingCurves } from '../measure/output-rounding.ts'
import { truncationCurve } from '../measure/residual.ts'
import { int8Curve, roundingCurve } from '../measure/rounding.ts'
import type { TensorSpectrum } from '../plan/candidate.ts'
import type { FactorizedTensor } from '../plan/plan.ts'
import type { Factorization } from '../svd/factorization.ts'
import { basisOf, imagesOf } from '../svd/lift-weighted.ts'
import { gaussianKey } from '../svd/random.ts'
import { storageName, type TensorInfo } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { arithmeticOf, factorizedMatrix } from './factorize-matrix.ts'
import { findOnce, recall } from './facts.ts'
import { type LoadedMatrix, loadMatrix } from './load.ts'
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
  const parts: Part[] = []
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context, sketch, {
        magnitudes: plan.magnitudes?.[index],
      })
      const { operand, frobeniusNorm } = loaded
      const found = await factorizedMatrix(plan, index, loaded, context, true)
      const truncation = (await truncationCurve(context.kernels, operand, found, frobeniusNorm)).squared
      const rounding = loaded.weighted
        ? await weightedCurves(plan, loaded, loaded.weighted, found, context)
        : plainCurves(found, frobeniusNorm, factorLayout)
      parts.push({ norm: frobeniusNorm, truncation, ...rounding })
    } finally {
      context.kernels.release(mark)
    }
  }
  // An adaptive sketch of a stack ends where its first matrix does.
  const rank = parts.reduce((least, { truncation }) => Math.min(least, truncation.length - 1), Number.POSITIVE_INFINITY)
  const largest = parts.reduce((most, { norm }) => Math.max(most, norm), 0)
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
    ...(parts.every(({ weights }) => weights) && { weights: weightCurve(parts, rank) }),
  }
}

interface Part extends Readonly<Record<'truncation' | 'BF16' | 'F16' | 'INT8', Float64Array>> {
  readonly norm: number
  /** Of the weights themselves, where the others are of outputs. */
  readonly weights?: { readonly norm: number; readonly squared: Float64Array }
}

function plainCurves(found: Factorization, norm: number, layout: FactorizedTensor['factorLayout']) {
  const { rank } = found
  return {
    BF16: roundingCurve(found, norm, rank, 'BF16', layout),
    F16: roundingCurve(found, norm, rank, 'F16', layout),
    INT8: int8Curve(found, norm, rank, layout),
  }
}

/** One product with the weights: what of them is left out, ||W - U Ut W||^2 = ||W||^2 - ||UtW||^2, and what rounding adds to outputs. */
async function weightedCurves(
  { info, sketch, factorLayout: layout }: FactorizedTensor,
  { frobeniusNorm: norm }: LoadedMatrix,
  { weighting, plain }: NonNullable<LoadedMatrix['weighted']>,
  found: Factorization,
  context: JobContext,
): Promise<Omit<Part, 'norm' | 'truncation'>> {
  const { kernels } = context
  const basis = basisOf(kernels, found, weighting.side)
  const images = await imagesOf(kernels, plain.operand, basis, weighting.side)
  const key = gaussianKey(context.sha256, sketch.seed, storageName(info))
  const curves = outputRoundingCurves(kernels, plain.operand, found, { basis, images }, weighting, {
    norm,
    layout,
    key,
  })
  const whole = (plain.frobeniusNorm * plain.operand.scale) ** 2
  const kept = new Float64Array(found.rank)
  for (let i = 0, at = 0; i < images.rows; i++)
    for (let j = 0; j < found.rank; j++, at++) kept[j]! += images.data[at]! ** 2
  const squared = new Float64Array(found.rank + 1)
  let left = whole
  for (let k = 0; k <= found.rank; k++) {
    squared[k] = whole === 0 ? 0 : Math.max(0, left / whole)
    left -= kept[k] ?? 0
  }
  return { ...curves, weights: { norm: plain.frobeniusNorm, squared } }
}

/** Over all matrices, each by its own norm. */
function weightCurve(parts: readonly Part[], rank: number): number[] {
  const largest = parts.reduce((most, { weights }) => Math.max(most, weights!.norm), 0)
  const shares = parts.map(({ weights }) => (largest === 0 ? 0 : (weights!.norm / largest) ** 2))
  const whole = shares.reduce((sum, share) => sum + share, 0)
  return Array.from({ length: rank + 1 }, (_, k) =>
    whole === 0 ? 0 : parts.reduce((sum, { weights }, i) => sum + shares[i]! * weights!.squared[k]!, 0) / whole,
  )
}
