/**
 * What the adapter conventions share: the factors A [r, in] and B [out, r] with sqrt(s) in each, in the shapes a LoRA layer has
 * (a convolution's A keeps its kernel, its B is 1 x 1), under the name of the module that owns the weight.
 */

import type { FactorizedTensor } from '../../plan/plan.ts'
import type { ComputableDType, TensorOutline } from '../../tensor.ts'
import { factors } from './factors.ts'
import type { OutputStyle } from './style.ts'

/** `layers.0.q_proj` of `layers.0.q_proj.weight`. */
export function moduleOf({ info }: FactorizedTensor): string {
  return info.name.replace(/\.weight$/, '')
}

/** Shapes of A and B: [r, in, ...kernel] and [out, r, ...ones]. */
export function loraEntries(plan: FactorizedTensor, nameA: string, nameB: string): TensorOutline[] {
  const { info, view, params } = plan
  const kernel = info.shape.slice(2)
  const dtype = loraDType(plan)
  return [
    { name: nameA, dtype, shape: [params.rank, ...info.shape.slice(1)] },
    { name: nameB, dtype, shape: [view.rows, params.rank, ...kernel.map(() => 1)] },
  ]
}

export function loraDType({ factorDType }: FactorizedTensor): ComputableDType {
  if (factorDType === 'INT8') throw new Error('refused by the plan')
  return factorDType
}

/** A, then B, as the output "factors" writes them. */
export const writeLora: OutputStyle['write'] = (plan, matrix, writeEntry, context) =>
  factors.write(
    { ...plan, params: { ...plan.params, factorLayout: 'ab', sparseDensity: 0 } },
    matrix,
    writeEntry,
    context,
  )
