/** One matrix factorized as its plan says, or found among the finished sketches: the same bits either way. */
import type { AnalysisReport } from '../contract.ts'
import { deviceName } from '../kernels/gpu/adapter.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { type FactorizedTensor, isFactorized, type TensorPlan } from '../plan/plan.ts'
import { type Factorized, factorize } from '../svd/factorize.ts'
import { plannedArithmetic } from '../svd/on-device.ts'
import { gaussianKey } from '../svd/random.ts'
import { storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { kernelDType, type LoadedMatrix } from './load.ts'
import { observer } from './observer.ts'
import { sketchKey } from './sketch-key.ts'

export type Found = Factorized

/** The class that one of these matrices is to be computed in. */
export function arithmeticOf({ info, view, sketch }: FactorizedTensor, kernels: Kernels): string {
  return plannedArithmetic(kernels, { ...view, dtype: kernelDType(info.dtype) }, sketch)
}

/** The device that some of these tensors are to have, with its driver; null: none of them. */
export function deviceOfRun(plans: readonly TensorPlan[], kernels: Kernels): string | null {
  const { device } = kernels
  const taken = plans.filter(isFactorized).some((plan) => arithmeticOf(plan, kernels) === device?.arithmetic)
  return device && taken ? deviceName(device.info) : null
}

/** The device whose class that is. */
export function deviceNamed(arithmetic: string, { device }: Kernels): { readonly device?: string } {
  return device && arithmetic === device.arithmetic ? { device: deviceName(device.info) } : {}
}

/** What is kept beside a sketch. */
export interface SketchFacts {
  readonly spectrum: readonly number[] | null
  /** Of an analysis for a screen, so that going back to it needs no weights at all. */
  readonly report?: AnalysisReport
}

/** `keep`: whether a new sketch joins the finished ones. */
export async function factorizedMatrix(
  plan: FactorizedTensor,
  index: number,
  { operand, frobeniusNorm }: LoadedMatrix,
  context: JobContext,
  keep: boolean,
): Promise<Found> {
  const { info, view, sketch } = plan
  const { kernels } = context
  const storage = storageName(info)
  const name = view.count === 1 ? storage : `${storage}\0${index}`
  const keyOf = (arithmetic: string) =>
    context.sketches && sketchKey(context.sketches.sourceHash, name, sketch, arithmetic)
  const planned = arithmeticOf(plan, kernels)
  const known = keyOf(planned)
  const finished = known && (await finishedSketch(known, context))
  if (finished) return { ...finished, ...deviceNamed(planned, kernels) }
  const gaussian = gaussianKey(context.sha256, sketch.seed, name)
  const watch = observer(context, {}, frobeniusNorm, false)
  const found = await factorize(kernels, operand, sketch, gaussian, watch)
  // A device that has failed meanwhile did not make it.
  const key = keyOf(found.device ? planned : kernels.info.arithmetic)
  if (key && keep) {
    const { spectrum, device: _, ...factorization } = found
    const facts: SketchFacts = { spectrum: spectrum ? Array.from(spectrum) : null }
    await context.sketches?.cache.put(key, { factorization, facts })
  }
  return found
}

/** The sketch of this key as it was when it was finished; null where it is not kept. */
export async function finishedSketch(key: string, { sketches }: JobContext): Promise<Found | null> {
  const known = await sketches?.cache.get(key, { exact: true })
  if (!known) return null
  const { spectrum } = known.sketch.facts as SketchFacts
  return { ...known.sketch.factorization, ...(spectrum && { spectrum: Float64Array.from(spectrum) }) }
}
