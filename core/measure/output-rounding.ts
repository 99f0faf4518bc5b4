/**
 * What storing factors at fewer bits adds to the error of outputs. With R = R0 + E and L = L0 + F, squares add up but for chance:
 *
 *   sum_j ||F_j||^2 ||R0_j C||^2 + ||L0_j||^2 sum_i H_ii E_ji^2
 *
 * where inputs are columns; where they are rows the two sides change places. Unlike the error of weights (rounding.ts) it has no nested form: every rank is
 * another What with factors of its own. So some ranks are lifted and rounded, and what lies between is interpolated.
 */
import { scaleLayout } from '../curves/size.ts'
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { holdsValues, type LayoutId, layoutOf } from '../layouts.ts'
import type { Factorization } from '../svd/factorization.ts'
import { type Lifted, liftAt } from '../svd/lift-weighted.ts'
import type { Operand } from '../svd/operand.ts'
import { inputWeights, type Weighting } from '../svd/weighted-operand.ts'
import { type RoundedDType, toBFloat16, toFloat16 } from './rounding.ts'

type Values = Float32Array | Float64Array

/** Factors as they are stored: What ~ left right, sqrt(s) in each where `balanced`, else all of s in `left`. */
export interface RoundedFactors {
  readonly left: Values
  readonly right: Values
  readonly balanced: boolean
}

/** Squared, relative to `norm` = ||W C||_F. */
export function outputRounding(
  { factorization: { rows, cols, rank, s, U, Vt }, lengths }: Lifted,
  { left, right, balanced }: RoundedFactors,
  weighting: Weighting,
  norm: number,
): number {
  if (norm === 0) return 0
  const weights = inputWeights(weighting)
  const byColumns = weighting.side === 'cols'
  const [inLeft, inRight] = [new Float64Array(rank), new Float64Array(rank)]
  const folded = Float64Array.from(s, (value) => (balanced ? Math.sqrt(value) : value))
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = byColumns ? 1 : weights[i]!
    for (let j = 0; j < rank; j++, at++) inLeft[j]! += ((left[at]! - U[at]! * folded[j]!) * weight) ** 2
  }
  for (let j = 0, at = 0; j < rank; j++) {
    const fold = balanced ? folded[j]! : 1
    for (let i = 0; i < cols; i++, at++)
      inRight[j]! += ((right[at]! - Vt[at]! * fold) * (byColumns ? weights[i]! : 1)) ** 2
  }
  let sum = 0
  for (let j = 0; j < rank; j++) {
    if (s[j] === 0) continue
    const share = lengths[j]! / norm
    // Of the stored right factor: 1 / sqrt(s) of s v, or 1 / s.
    const far = byColumns ? inLeft[j]! / folded[j]! ** 2 : inRight[j]! * (balanced ? 1 / s[j]! : 1)
    const near = byColumns ? inRight[j]! * folded[j]! ** 2 : inLeft[j]! * (balanced ? s[j]! : 1)
    sum += share ** 2 * far + near / norm ** 2
  }
  return sum
}

type Narrow = RoundedDType | 'INT8'

/** The factors of a lifted rank as a run would store them. */
function roundFactors(f: Factorization, dtype: Narrow, layout: LayoutId): RoundedFactors {
  const balanced = holdsValues(layout)
  const { rows, cols, rank, s, U, Vt } = f
  const [left, right] = [new Float64Array(U.length), new Float64Array(Vt.length)]
  const roots = s.map((value) => (balanced ? Math.sqrt(value) : 1))
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < rank; j++, at++) left[at] = U[at]! * roots[j]!
  for (let j = 0, at = 0; j < rank; j++) for (let i = 0; i < cols; i++, at++) right[at] = Vt[at]! * roots[j]!
  if (dtype === 'INT8') {
    const by = layoutOf(layout).scales === 'one' ? 'all' : scaleLayout(rank)
    toInt8(left, rows, rank, by === 'row' ? 'outer' : by === 'all' ? by : 'inner')
    toInt8(right, rank, cols, by === 'row' ? 'inner' : by === 'all' ? by : 'outer')
  } else {
    const round = dtype === 'BF16' ? toBFloat16 : toFloat16
    for (const values of [left, right]) for (let i = 0; i < values.length; i++) values[i] = round(values[i]!)
  }
  // S stays wide beside U and Vt.
  if (!balanced) for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < rank; j++, at++) left[at]! *= s[j]!
  return { left, right, balanced }
}

/** To steps of a 127th of the largest: of each row (`outer`), of each column, or of all. In place. */
function toInt8(values: Float64Array, outer: number, inner: number, by: 'outer' | 'inner' | 'all'): void {
  const of = (i: number, j: number) => (by === 'all' ? 0 : by === 'outer' ? i : j)
  const largest = new Float64Array(by === 'all' ? 1 : by === 'outer' ? outer : inner)
  for (let i = 0, at = 0; i < outer; i++)
    for (let j = 0; j < inner; j++, at++) largest[of(i, j)] = Math.max(largest[of(i, j)]!, Math.abs(values[at]!))
  for (let i = 0, at = 0; i < outer; i++)
    for (let j = 0; j < inner; j++, at++) {
      const step = largest[of(i, j)]! / 127
      if (step > 0) values[at] = Math.round(values[at]! / step) * step
    }
}

/** From one sampled rank to the next. */
const STEP = 1.5

export type OutputRounding = Readonly<Record<Narrow, Float64Array>>

/** Squared relative error that factors of each dtype add to outputs, at rank 0 to that of the factorization of W C. */
export function outputRoundingCurves(
  kernels: Kernels,
  plain: Operand,
  found: Factorization,
  { basis, images }: { readonly basis: Matrix; readonly images: Matrix },
  weighting: Weighting,
  { norm, layout, key }: { readonly norm: number; readonly layout: LayoutId; readonly key: GaussianKey },
): OutputRounding {
  const { rank } = found
  const curves = { BF16: new Float64Array(rank + 1), F16: new Float64Array(rank + 1), INT8: new Float64Array(rank + 1) }
  if (norm === 0) return curves
  for (let before = 0; before < rank; ) {
    const after = Math.min(rank, Math.max(before + 1, Math.ceil(before * STEP)))
    const lifted = liftAt(kernels, plain, found, basis, images, weighting.side, after, key)
    for (const dtype of ['BF16', 'F16', 'INT8'] as const) {
      const curve = curves[dtype]
      curve[after] = outputRounding(lifted, roundFactors(lifted.factorization, dtype, layout), weighting, norm)
      for (let k = before + 1; k < after; k++)
        curve[k] = curve[before]! + ((k - before) / (after - before)) * (curve[after]! - curve[before]!)
    }
    before = after
  }
  return curves
}
