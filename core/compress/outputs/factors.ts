/**
 * Output "factors": `<name>.lowrank_A` [r, in] and `<name>.lowrank_B` [out, r] with sqrt(s) in each, or `<name>.U`, `.S`, `.Vt`; stacks of
 * experts carry a leading dimension. W = B A, or U diag(S) Vt.
 */
import { AppError } from '../../errors.ts'
import { decodeFloat64, encode } from '../../formats/dtype.ts'
import type { Matrix } from '../../kernels/kernels.ts'
import type { ComputableDType } from '../../tensor.ts'
import { type FactorDType, singularValueDType } from '../factor-dtype.ts'
import type { FactorizedTensor } from '../plan.ts'
import type { OutputStyle } from './output.ts'

export const factors: OutputStyle = {
  format: 'ghostsvd-factors',
  container: 'file',
  encoding: 'safetensors',
  copiesKept: true,

  entries: (plan) => {
    const { view, params } = plan
    const dtype = floatDType(plan)
    const stack = view.kind === 'experts' ? [view.count] : []
    const outline = (suffix: string, as: ComputableDType, ...shape: number[]) => ({
      name: `${plan.info.name}.${suffix}`,
      dtype: as,
      shape: [...stack, ...shape],
    })
    if (params.factorLayout === 'ab') {
      return [outline('lowrank_A', dtype, params.rank, view.cols), outline('lowrank_B', dtype, view.rows, params.rank)]
    }
    return [
      outline('U', dtype, view.rows, params.rank),
      outline('S', singularValueDType(dtype), params.rank),
      outline('Vt', dtype, params.rank, view.cols),
    ]
  },

  write: async (plan, { operand, factorization, frobeniusNorm }, writeEntry, context) => {
    const { rows, cols, rank, U, s, Vt } = factorization
    const dtype = floatDType(plan)
    const split = plan.params.factorLayout === 'ab'
    // sqrt(s) in each factor, or 1 where S is kept apart.
    const weight = split ? s.map(Math.sqrt) : new Float64Array(rank).fill(1)
    const left = Float64Array.from(U, (value, i) => value * weight[i % rank]!)
    const right = Float64Array.from(Vt, (value, i) => value * weight[Math.floor(i / cols)]!)
    const L = encodeFinite(plan, dtype, left)
    const R = encodeFinite(plan, dtype, right)
    const S = split ? null : encodeFinite(plan, singularValueDType(dtype), s)
    if (S) for (const [index, bytes] of [L, S, R].entries()) await writeEntry(index, bytes)
    else for (const [index, bytes] of [R, L].entries()) await writeEntry(index, bytes)
    if (frobeniusNorm === 0) return 0
    const { kernels } = context
    const mark = kernels.mark()
    try {
      const l = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
      const r = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
      // With sqrt(s) in each factor, each takes half of the operand's power of two.
      const half = split ? 2 ** Math.floor(Math.log2(operand.scale) / 2) : 1
      fill(l, decodeFloat64(dtype, L), S && decodeFloat64(singularValueDType(dtype), S), operand.scale / half)
      fill(r, decodeFloat64(dtype, R), null, half)
      return Math.sqrt(await operand.residual(l, r)) / operand.scale / frobeniusNorm
    } finally {
      kernels.release(mark)
    }
  },
}

/** The written values, times the singular values where they are apart, times a power of two. */
function fill(target: Matrix, values: Float64Array, s: Float64Array | null, scale: number): void {
  for (let i = 0; i < values.length; i++) target.data[i] = values[i]! * (s ? s[i % target.cols]! : 1) * scale
}

function floatDType(plan: FactorizedTensor): Exclude<FactorDType, 'INT8'> {
  if (plan.factorDType !== 'INT8') return plan.factorDType
  throw new AppError('unsupported', 'INT8 factors are not written yet. Choose F32, F16 or BF16.')
}

/** @throws AppError `overflow`: Inf is never written */
export function encodeFinite(plan: FactorizedTensor, dtype: ComputableDType, values: Float64Array): Uint8Array {
  const { bytes, overflows } = encode(dtype, values)
  if (overflows > 0) {
    throw new AppError(
      'overflow',
      `${plan.info.name}: ${overflows} of its ${values.length} factor values do not fit ${dtype}. Choose BF16 or F32 factors.`,
    )
  }
  return bytes
}
