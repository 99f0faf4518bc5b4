/** One matrix factorized as its plan says, or found among the finished sketches: the same bits either way. */
import type { AnalysisReport } from '../contract.ts'
import type { FactorizedTensor } from '../plan/plan.ts'
import type { Factorization } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import { gaussianKey } from '../svd/random.ts'
import { storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import type { LoadedMatrix } from './load.ts'
import { observer } from './observer.ts'
import { sketchKey } from './sketch-key.ts'

/** `spectrum`: all singular values, where the method gives them. */
export type Found = Factorization & { readonly spectrum?: Float64Array }

/** What is kept beside a sketch. */
export interface SketchFacts {
  readonly spectrum: readonly number[] | null
  /** Of an analysis for a screen, so that going back to it needs no weights at all. */
  readonly report?: AnalysisReport
}

/** `keep`: whether a new sketch joins the finished ones. */
export async function factorizedMatrix(
  { info, view, sketch }: FactorizedTensor,
  index: number,
  { operand, frobeniusNorm }: LoadedMatrix,
  context: JobContext,
  keep: boolean,
): Promise<Found> {
  const storage = storageName(info)
  const name = view.count === 1 ? storage : `${storage}\0${index}`
  const key = context.sketches && sketchKey(context.sketches.sourceHash, name, sketch, context.kernels.info)
  const finished = key && (await finishedSketch(key, context))
  if (finished) return finished
  const gaussian = gaussianKey(context.sha256, sketch.seed, name)
  const watch = observer(context, {}, frobeniusNorm, false)
  const found = await factorize(context.kernels, operand, sketch, gaussian, watch)
  if (key && keep) {
    const { spectrum, ...factorization } = found
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
