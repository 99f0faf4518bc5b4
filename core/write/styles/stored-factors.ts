/** Factors as bytes of their dtype, with the numbers those bytes stand for. */

import { scaleLayout } from '../../curves/size.ts'
import { AppError } from '../../errors.ts'
import { decodeFloat32, decodeFloat64, encode, withoutSubnormal } from '../../formats/dtype.ts'
import { discard } from '../../io.ts'
import type { Kernels, Matrix, RoundingSums } from '../../kernels/kernels.ts'
import { isWeightDType } from '../../matrix/load.ts'
import type { FillFactors } from '../../measure/residual.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign } from '../../messages/text.ts'
import { type FactorDType, singularValueDType } from '../../plan/factor-dtype.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Factorization } from '../../svd/factorization.ts'
import type { Operand } from '../../svd/operand.ts'
import { type ComputableDType, dtypeBits, mostLost } from '../../tensor.ts'
import { quantizeFactors } from './quantize.ts'

export interface StoredFactors {
  /** In the order of the output's entries. */
  readonly pieces: readonly Uint8Array[]
  /** What the pieces say: W ~ left right, left m x r, right r x n. */
  readonly left: Float32Array | Float64Array
  readonly right: Float32Array | Float64Array
  /** Whether sqrt(s) is in each; otherwise all of s is in `left`. */
  readonly balanced: boolean
  /** What rounding took of each direction: ||exact - stored||^2 / ||exact||^2 of its column, both factors together. */
  readonly lost: Float64Array
}

/**
 * What is rounded by the kernels lies in their memory, until the caller's mark.
 * @throws AppError `overflow` for values outside the dtype: Inf is never written, nor factors that vanish in its smallest steps
 */
export function storeFactors(plan: FactorizedTensor, factorization: Factorization, kernels: Kernels): StoredFactors {
  if (plan.factorDType === 'INT8') return storeInt8(plan, factorization)
  return plan.params.factorLayout === 'ab'
    ? storeBalanced(plan, plan.factorDType, factorization, kernels)
    : storeApart(plan, plan.factorDType, factorization, kernels)
}

/** Relative error that rounding the factors adds: each direction's share of it weighs s_j^2 (measure/rounding.ts). */
export function roundingError({ lost }: StoredFactors, { s }: Factorization, frobeniusNorm: number): number {
  if (frobeniusNorm === 0) return 0
  return Math.sqrt(lost.reduce((sum, share, j) => sum + (s[j]! / frobeniusNorm) ** 2 * share, 0))
}

/** Writes what the pieces say into L and R, in the units of the operand: its power of two half in each where each holds sqrt(s), so that neither leaves f32. */
export function fillWith({ left, right, balanced }: StoredFactors, scale: number): FillFactors {
  const half = balanced ? 2 ** Math.floor(Math.log2(scale) / 2) : 1
  const rest = scale / half
  return (L, R) => {
    fillScaled(L, left, rest)
    fillScaled(R, right, half)
  }
}

function fillScaled(target: Float32Array | Float64Array, values: Float32Array | Float64Array, scale: number): void {
  if (scale === 1) target.set(values)
  else for (let i = 0; i < values.length; i++) target[i] = values[i]! * scale
}

/**
 * What the pieces say, in the kernels' memory (released by its owner), as `fillWith` has it.
 */
export function factorMatrices(
  stored: StoredFactors,
  { rows, cols, scale }: Operand,
  kernels: Kernels,
): { L: Matrix; R: Matrix } {
  const rank = stored.left.length / rows
  const L: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
  const R: Matrix = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
  fillWith(stored, scale)(L.data, R.data)
  return { L, R }
}

function storeBalanced(
  plan: FactorizedTensor,
  dtype: ComputableDType,
  factorization: Factorization,
  kernels: Kernels,
): StoredFactors {
  const { rows, cols, rank, U, s, Vt } = factorization
  const roots = s.map(Math.sqrt)
  const A = roundFactor(plan, dtype, { rows: rank, cols, data: Vt }, 'rows', roots, kernels)
  const B = roundFactor(plan, dtype, { rows, cols: rank, data: U }, 'cols', roots, kernels)
  const lost = lostIn(B, A)
  refuseVanished(plan, dtype, factorization, lost)
  return { pieces: [A.bytes, B.bytes], left: B.values, right: A.values, balanced: true, lost }
}

function storeApart(
  plan: FactorizedTensor,
  dtype: ComputableDType,
  factorization: Factorization,
  kernels: Kernels,
): StoredFactors {
  const { rows, cols, rank, U, s, Vt } = factorization
  const wide = singularValueDType(plan.factorDType)
  const S = encodeFinite(plan, wide, s)
  const values = decodeFloat64(wide, S)
  const ones = new Float64Array(rank).fill(1)
  const left = roundFactor(plan, dtype, { rows, cols: rank, data: U }, 'cols', ones, kernels)
  const right = roundFactor(plan, dtype, { rows: rank, cols, data: Vt }, 'rows', ones, kernels)
  const lost = lostIn(left, right)
  for (let j = 0; j < rank; j++) if (s[j]! > 0) lost[j]! += (values[j]! / s[j]! - 1) ** 2
  refuseVanished(plan, dtype, factorization, lost)
  return {
    pieces: [S, left.bytes, right.bytes],
    left: scaleCols(left.values, rows, rank, values),
    right: right.values,
    balanced: false,
    lost,
  }
}

function storeInt8(plan: FactorizedTensor, factorization: Factorization): StoredFactors {
  const { rows, cols, rank } = factorization
  const { A, B } = balancedFactors(factorization)
  const [a, b] = [new Float32Array(A), new Float32Array(B)]
  if (!a.every(Number.isFinite) || !b.every(Number.isFinite))
    throw outside(plan, 'INT8', say('overflow.scales', { name: foreign(plan.info.name) }))
  const layout = scaleLayout(rank)
  const byRow = layout === 'row'
  const found = quantizeFactors(layout, a, b, rows, cols, rank)
  const left = (byRow ? scaleRows : scaleCols)(found.B, rows, rank, found.bScale)
  const right = (byRow ? scaleCols : scaleRows)(found.A, rank, cols, found.aScale)
  return {
    pieces: [bytesOf(found.aScale), bytesOf(found.bScale), bytesOf(found.A), bytesOf(found.B)],
    left,
    right,
    balanced: true,
    lost: lostIn(lossOf(B, left, rank, 'cols'), lossOf(A, right, rank, 'rows')),
  }
}

/** U, V = (Vt)t and S as an .aguf file has them: U and V in F32, or in INT8 with one scale each. Pieces: U, its scale, S, V, its scale. */
export function storeSingleScales(plan: FactorizedTensor, factorization: Factorization): StoredFactors {
  const { rows, cols, rank, U, s, Vt } = factorization
  const S = encodeFinite(plan, 'F32', s)
  const values = decodeFloat64('F32', S)
  const V = transposed(Vt, rank, cols)
  const [u, v] = [U, V].map((factor) => {
    if (plan.factorDType === 'INT8') return singleScale(factor)
    const bytes = encodeFinite(plan, 'F32', normal('F32', new Float64Array(factor)))
    return { bytes, scale: Float32Array.of(1), values: decodeFloat32('F32', bytes) }
  }) as [SingleScale, SingleScale]
  const right = transposed(v.values, cols, rank)
  const lost = lostIn(lossOf(U, u.values, rank, 'cols'), lossOf(Vt, right, rank, 'rows'))
  for (let j = 0; j < rank; j++) if (s[j]! > 0) lost[j]! += (values[j]! / s[j]! - 1) ** 2
  if (plan.factorDType !== 'INT8') refuseVanished(plan, 'F32', factorization, lost)
  const pieces = [u.bytes, bytesOf(u.scale), S, v.bytes, bytesOf(v.scale)]
  return { pieces, left: scaleCols(u.values, rows, rank, values), right, balanced: false, lost }
}

interface SingleScale {
  readonly bytes: Uint8Array
  readonly scale: Float32Array
  /** What both say. */
  readonly values: Float32Array
}

/** INT8 with one scale: the largest magnitude / 127, as for `quantizeFactors`. */
function singleScale(M: Values): SingleScale {
  let largest = 0
  for (let i = 0; i < M.length; i++) largest = Math.max(largest, Math.abs(M[i]!))
  const scale = Float32Array.of(largest / 127)
  const step = scale[0]!
  const codes = new Int8Array(M.length)
  if (step > 0) for (let i = 0; i < M.length; i++) codes[i] = Math.max(-127, Math.min(127, Math.round(M[i]! / step)))
  return { bytes: bytesOf(codes), scale, values: Float32Array.from(codes, (code) => code * step) }
}

function transposed(M: Values, rows: number, cols: number): Float64Array {
  const out = new Float64Array(M.length)
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) out[j * rows + i] = M[at]!
  return out
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
  if (overflows > 0) throw overflowing(plan, dtype, overflows, values.length)
  return bytes
}

/** What would be subnormal is zero, as `Kernels.roundScaled` has it. */
function normal(dtype: ComputableDType, values: Float64Array): Float64Array {
  return values.map((value) => withoutSubnormal(dtype, value))
}

function overflowing(plan: FactorizedTensor, dtype: ComputableDType, count: number, of: number): AppError {
  return outside(plan, dtype, say('overflow.factors', { name: foreign(plan.info.name), dtype, count, of }))
}

/** A factor as it is stored. */
interface RoundedFactor extends Loss {
  readonly bytes: Uint8Array
  /** What they say. */
  readonly values: Float32Array | Float64Array
}

interface Vectors {
  readonly rows: number
  readonly cols: number
  readonly data: Float32Array | Float64Array
}

/** Each column of M, or row, times its scale: by the kernels, but for what has the digits of f64. @throws AppError `overflow` */
function roundFactor(
  plan: FactorizedTensor,
  dtype: ComputableDType,
  { rows, cols, data }: Vectors,
  side: 'rows' | 'cols',
  scales: Float64Array,
  kernels: Kernels,
): RoundedFactor {
  if (data instanceof Float64Array || !isWeightDType(dtype)) {
    const exact = side === 'rows' ? scaleRows(data, rows, cols, scales) : scaleCols(data, rows, cols, scales)
    const bytes = encodeFinite(plan, dtype, normal(dtype, exact))
    const values = decode(dtype, bytes)
    const loss = lossOf(exact, values, scales.length, side)
    discard(exact)
    return { bytes, values, ...loss }
  }
  const values = kernels.allocateFloat32(data.length)
  const mark = kernels.mark()
  try {
    const M = { rows, cols, data: kernels.allocateFloat32(data.length) }
    M.data.set(data)
    const codes = kernels.allocateBytes((data.length * dtypeBits[dtype]) / 8)
    const { overflows, ...loss } = kernels.roundScaled(M, side, scales, dtype, codes, { rows, cols, data: values })
    if (overflows > 0) throw overflowing(plan, dtype, overflows, data.length)
    return { bytes: codes.slice(), values, ...loss }
  } finally {
    kernels.release(mark)
  }
}

/** Sums of the squares of each direction's exact entries, and of what rounding took from them. */
type Loss = Omit<RoundingSums, 'overflows'>

/** Of `rank` directions, which are the columns or the rows of both. */
function lossOf(exact: Values, stored: Values, rank: number, side: 'rows' | 'cols'): Loss {
  const [whole, off] = [new Float64Array(rank), new Float64Array(rank)]
  const length = exact.length / rank
  // In the order of memory, whichever way that is.
  const [outer, inner] = side === 'cols' ? [length, rank] : [rank, length]
  for (let o = 0, at = 0; o < outer; o++)
    for (let i = 0; i < inner; i++, at++) {
      const j = side === 'cols' ? i : o
      const gap = exact[at]! - stored[at]!
      whole[j]! += exact[at]! * exact[at]!
      off[j]! += gap * gap
    }
  return { whole, off }
}

/** Per direction: ||B_j - stored||^2 / ||B_j||^2 and the same of row j of A. */
function lostIn(B: Loss, A: Loss): Float64Array {
  const lost = new Float64Array(B.whole.length)
  for (const { whole, off } of [B, A])
    for (let j = 0; j < lost.length; j++) if (whole[j]! > 0) lost[j]! += off[j]! / whole[j]!
  return lost
}

/** @throws AppError `overflow` for factors that lost more than rounding takes */
function refuseVanished(
  plan: FactorizedTensor,
  dtype: ComputableDType,
  { s }: Factorization,
  lost: Float64Array,
): void {
  const largest = s[0] ?? 0
  if (largest === 0) return
  let [sum, most] = [0, 0]
  for (const [j, share] of lost.entries()) {
    const weight = (s[j]! / largest) ** 2
    sum += weight * share
    most += weight * mostLost(dtype)
  }
  if (sum > most) throw outside(plan, dtype, say('overflow.vanished', { name: foreign(plan.info.name), dtype }))
}

/** What holds more, of what was not just refused. */
function outside(plan: FactorizedTensor, dtype: FactorDType | ComputableDType, what: Message): AppError {
  const wider =
    dtype === 'F16'
      ? say('overflow.choose-wider')
      : dtype === 'INT8'
        ? say('overflow.choose-floating')
        : plan.info.dtype === 'F64' && dtype !== 'F64'
          ? say('overflow.choose-own-dtype')
          : plan.params.factorLayout === 'usv'
            ? say('overflow.choose-ab')
            : say('overflow.leave-out')
  return new AppError('overflow', [what, wider])
}

function bytesOf(values: Float32Array | Int8Array): Uint8Array {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
}
