/** Factors as bytes of their dtype, with the numbers those bytes stand for. */
import { AppError } from '../../errors.ts'
import { decodeFloat64, encode } from '../../formats/dtype.ts'
import type { Factorization } from '../../svd/factorization.ts'
import type { ComputableDType } from '../../tensor.ts'
import { scaleLayout, singularValueDType } from '../factor-dtype.ts'
import type { FactorizedTensor } from '../plan.ts'
import { quantizeAs } from '../quantize.ts'

export interface StoredFactors {
  /** In the order of the output's entries. */
  readonly pieces: readonly Uint8Array[]
  /** What the pieces say: W ~ left right, left m x r, right r x n. */
  readonly left: Float64Array
  readonly right: Float64Array
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

function storeBalanced(plan: FactorizedTensor, dtype: ComputableDType, factorization: Factorization): StoredFactors {
  const { A, B } = balancedFactors(factorization)
  const pieces = [encodeFinite(plan, dtype, A), encodeFinite(plan, dtype, B)]
  return { pieces, left: decodeFloat64(dtype, pieces[1]!), right: decodeFloat64(dtype, pieces[0]!), balanced: true }
}

function storeApart(plan: FactorizedTensor, dtype: ComputableDType, { U, s, Vt, rank }: Factorization): StoredFactors {
  const wide = singularValueDType(plan.factorDType)
  const S = encodeFinite(plan, wide, s)
  const left = encodeFinite(plan, dtype, U)
  const right = encodeFinite(plan, dtype, Vt)
  const values = decodeFloat64(wide, S)
  return {
    pieces: [S, left, right],
    left: decodeFloat64(dtype, left).map((value, i) => value * values[i % rank]!),
    right: decodeFloat64(dtype, right),
    balanced: false,
  }
}

function storeInt8(plan: FactorizedTensor, factorization: Factorization): StoredFactors {
  const { rows, cols, rank } = factorization
  const { A, B } = balancedFactors(factorization)
  const [a, b] = [Float32Array.from(A), Float32Array.from(B)]
  if (!a.every(Number.isFinite) || !b.every(Number.isFinite)) throw tooLarge(plan, 'F32 scales')
  const byRow = scaleLayout(rank) === 'row'
  const found = quantizeAs(byRow ? 'row' : 'direction', a, b, rows, cols, rank)
  return {
    pieces: [bytesOf(found.aScale), bytesOf(found.bScale), bytesOf(found.A), bytesOf(found.B)],
    left: Float64Array.from(found.B, (value, i) => value * found.bScale[byRow ? Math.floor(i / rank) : i % rank]!),
    right: Float64Array.from(found.A, (value, i) => value * found.aScale[byRow ? i % cols : Math.floor(i / cols)]!),
    balanced: true,
  }
}

/** A = diag(sqrt s) Vt, B = U diag(sqrt s). */
function balancedFactors({ cols, rank, U, s, Vt }: Factorization): { A: Float64Array; B: Float64Array } {
  const roots = s.map(Math.sqrt)
  return {
    A: Float64Array.from(Vt, (value, i) => value * roots[Math.floor(i / cols)]!),
    B: Float64Array.from(U, (value, i) => value * roots[i % rank]!),
  }
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
