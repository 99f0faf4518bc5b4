/**
 * Output "factors": `<name>.lowrank_A` [r, in] and `<name>.lowrank_B` [out, r] with sqrt(s) in each, or `<name>.U`, `.S`, `.Vt`; stacks of
 * experts carry a leading dimension. W = B A, or U diag(S) Vt.
 *
 * INT8 factors have F32 `.lowrank_A_scale` ([r, 1] or [1, in]) and `.lowrank_B_scale` ([1, r] or [out, 1]), multiplied by broadcasting.
 * A sparse part is `.sparse_index` (I64, flat row-major over the tensor, ascending) and `.sparse_value` (F32), added to the product.
 * Wider elements come first, so that each entry lies at a multiple of its element size.
 */

import { scaleLayout, sparseCount } from '../../curves/size.ts'
import { singularValueDType } from '../../plan/factor-dtype.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import { styles } from '../../styles.ts'
import type { DType, TensorOutline } from '../../tensor.ts'
import { writeMeasured } from './measured.ts'
import { storeFactors } from './stored-factors.ts'
import type { OutputStyle } from './style.ts'

export const factors: OutputStyle = {
  ...styles.factors,
  format: 'ghostsvd-factors',

  entries: (plan) => [...sparseEntries(plan), ...factorEntries(plan)],

  write: (plan, matrix, writeEntry, context) => {
    const stored = storeFactors(plan, matrix.factorization, context.kernels)
    const first = sparseEntries(plan).length
    return writeMeasured(plan, matrix, { stored, first, sparseAt: 0, asWritten: (part) => part }, writeEntry, context)
  },
}

function sparseEntries({ info, view, params }: FactorizedTensor): TensorOutline[] {
  const count = view.count * sparseCount(params.sparseDensity, view.rows, view.cols)
  if (count === 0) return []
  return [
    { name: `${info.name}.sparse_index`, dtype: 'I64', shape: [count] },
    { name: `${info.name}.sparse_value`, dtype: 'F32', shape: [count] },
  ]
}

/** What the names of a tensor's factors add to its own, in every layout and dtype. */
export const factorSuffixes = [
  'lowrank_A',
  'lowrank_B',
  'lowrank_A_scale',
  'lowrank_B_scale',
  'U',
  'S',
  'Vt',
  'sparse_index',
  'sparse_value',
] as const

function factorEntries({ info, view, params, factorDType }: FactorizedTensor): TensorOutline[] {
  const { rows, cols } = view
  const { rank } = params
  const stack = view.kind === 'experts' ? [view.count] : []
  const outline = (suffix: (typeof factorSuffixes)[number], dtype: DType, ...shape: number[]) => ({
    name: `${info.name}.${suffix}`,
    dtype,
    shape: [...stack, ...shape],
  })
  if (factorDType === 'INT8') {
    const byRow = scaleLayout(rank) === 'row'
    return [
      outline('lowrank_A_scale', 'F32', ...(byRow ? [1, cols] : [rank, 1])),
      outline('lowrank_B_scale', 'F32', ...(byRow ? [rows, 1] : [1, rank])),
      outline('lowrank_A', 'I8', rank, cols),
      outline('lowrank_B', 'I8', rows, rank),
    ]
  }
  if (params.factorLayout === 'ab') {
    return [outline('lowrank_A', factorDType, rank, cols), outline('lowrank_B', factorDType, rows, rank)]
  }
  return [
    outline('S', singularValueDType(factorDType), rank),
    outline('U', factorDType, rows, rank),
    outline('Vt', factorDType, rank, cols),
  ]
}
