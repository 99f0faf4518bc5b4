/** Factors as bytes of their dtype, with the numbers those bytes stand for. */

import { scaleLayout } from '../../curves/size.ts'
import { AppError } from '../../errors.ts'
import { decodeFloat32, decodeFloat64, encode } from '../../formats/dtype.ts'
import { discard } from '../../io.ts'
import type { Kernels, Matrix } from '../../kernels/kernels.ts'
import { singularValueDType } from '../../plan/factor-dtype.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Factorization } from '../../svd/factorization.ts'
import type { Operand } from '../../svd/operand.ts'
import type { ComputableDType } from '../../tensor.ts'
import { quantizeFactors } from './quantize.ts'

export interface StoredFactors {
  /** In the order of the output's entries. */
  readonly pieces: readonly Uint8Array[]
  /** What the pieces say: W ~ left right, left m x r, right r x n. */
  readonly left: Float32Array | Float64Array
  readonly right: Float32Array | Float64Array
  /** Whether sqrt(s) is in each; otherwise all of s is in `left`. */
  readonly balanced: boolean
}

/** @throws AppError `overflow` for values outside the dtype: Inf is never written */
export function storeFactors(plan: FactorizedTensor, factorization: Factorization): StoredFactors {
  if (plan.factorDType === 'INT8') return storeInt8(plan, factorization)
  return plan.params.factorLayout === 'ab'
    ? storeBalanced(plan, plan.factorDType, factorization)
    : storeApart(plan, plan.factorDType, factorization)
}

/**
 * What the pieces say, in the kernels' memory (released by its owner), with the operand's power of two in them: half in each where each holds sqrt(s), so that
 * neither leaves f32.
 */
export function factorMatrices(
  { left, right, balanced }: StoredFactors,
  { rows, cols, scale }: Operand,
  kernels: Kernels,
): { L: Matrix; R: Matrix } {
  const rank = left.length / rows
  const half = balanced ? 2 ** Math.floor(Math.log2(scale) / 2) : 1
  const L: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
  const R: Matrix = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
  const rest = scale / half
  for (let i = 0; i < left.length; i++) L.data[i] = left[i]! * rest
  for (let i = 0; i < right.length; i++) R.data[i] = right[i]! * half
  return { L, R }
}

function storeBalanced(plan: FactorizedTensor, dtype: ComputableDType, factorization: Factorization): StoredFactors {
  const { A, B } = balancedFactors(factorization)
  const pieces = [encodeFinite(plan, dtype, A), encodeFinite(plan, dtype, B)]
  discard(A)
  discard(B)
  return { pieces, left: decode(dtype, pieces[1]!), right: decode(dtype, pieces[0]!), balanced: true }
}

function storeApart(
  plan: FactorizedTensor,
  dtype: ComputableDType,
  { rows, rank, U, s, Vt }: Factorization,
): StoredFactors {
  const wide = singularValueDType(plan.factorDType)
  const S = encodeFinite(plan, wide, s)
  const left = encodeFinite(plan, dtype, U)
  const right = encodeFinite(plan, dtype, Vt)
  const values = decodeFloat64(wide, S)
  return {
    pieces: [S, left, right],
    left: scaleCols(decode(dtype, left), rows, rank, values),
    right: decode(dtype, right),
    balanced: false,
  }
}

function storeInt8(plan: FactorizedTensor, factorization: Factorization): StoredFactors {
  const { rows, cols, rank } = factorization
  const { A, B } = balancedFactors(factorization)
  const [a, b] = [new Float32Array(A), new Float32Array(B)]
  if (!a.every(Number.isFinite) || !b.every(Number.isFinite)) throw tooLarge(plan, 'F32 scales')
  const layout = scaleLayout(rank)
  const byRow = layout === 'row'
  const found = quantizeFactors(layout, a, b, rows, cols, rank)
  return {
    pieces: [bytesOf(found.aScale), bytesOf(found.bScale), bytesOf(found.A), bytesOf(found.B)],
    left: (byRow ? scaleRows : scaleCols)(found.B, rows, rank, found.bScale),
    right: (byRow ? scaleCols : scaleRows)(found.A, rank, cols, found.aScale),
    balanced: true,
  }
}

/** A = diag(sqrt s) Vt, B = U diag(sqrt s), in f64. */
function balancedFactors({ rows, cols, rank, U, s, Vt }: Factorization): { A: Float64Array; B: Float64Array } {
  const roots = s.map(Math.sqrt)
  return { A: scaleRows(Vt, rank, cols, roots), B: scaleCols(U, rows, rank, roots) }
}

type Values = Float32Array | Float64Array | Int8Array

/** diag(scales) M, rows x cols. */
function scaleRows(M: Values, rows: number, cols: number, scales: Values): Float64Array {
  const scaled = new Float64Array(rows * cols)
  for (let i = 0, at = 0; i < rows; i++) {
    const scale = scales[i]!
    for (const end = at + cols; at < end; at++) scaled[at] = M[at]! * scale
  }
  return scaled
}

/** M diag(scales), rows x cols. */
function scaleCols(M: Values, rows: number, cols: number, scales: Values): Float64Array {
  const scaled = new Float64Array(rows * cols)
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) scaled[at] = M[at]! * scales[j]!
  return scaled
}

/** Exactly, and no wider than that takes. */
function decode(dtype: ComputableDType, bytes: Uint8Array): Float32Array | Float64Array {
  return dtype === 'F64' ? decodeFloat64(dtype, bytes) : decodeFloat32(dtype, bytes)
}

function encodeFinite(plan: FactorizedTensor, dtype: ComputableDType, values: Float32Array | Float64Array): Uint8Array {
  const { bytes, overflows } = encode(dtype, values)
  if (overflows > 0) throw tooLarge(plan, dtype, `${overflows} of its ${values.length} factor values`)
  return bytes
}

function tooLarge(plan: FactorizedTensor, what: string, which = 'factor values'): AppError {
  return new AppError('overflow', `${plan.info.name}: ${which} do not fit ${what}. Choose BF16 or F32 factors.`)
}

function bytesOf(values: Float32Array | Int8Array): Uint8Array {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
}
