/**
 * Errors of outputs: of stored factors L R of W, ||(W - L R) C||_F (or ||Ct (W - L R)||_F where inputs are rows).
 *
 * With M = W C and the factors weighed, ||M - L (R C)||^2 = ||M||^2 - 2 <MtL, (R C)t> + <LtL, (R C)(R C)t>: all thin, and good to 1e-5 while the squared
 * relative error is above 1e-2. Below, M is formed in blocks and the difference taken entry by entry.
 */
import type { Kernels, Matrix, Weights } from '../kernels/kernels.ts'
import type { Operand } from '../svd/operand.ts'
import { rightTimesC, timesCt, type Weighting } from '../svd/weighted-operand.ts'
import { type FillFactors, singleLimit, spectrumLimit } from './residual.ts'

export interface WeightedMatrix {
  /** Of W C. */
  readonly operand: Operand
  readonly frobeniusNorm: number
  readonly weighting: Weighting
}

/** In the units of the weighted operand; `fill` writes factors in those of the weights'. @throws AppError `out-of-memory`, `cancelled` */
export async function squaredOutputResidual(
  kernels: Kernels,
  { operand, frobeniusNorm, weighting }: WeightedMatrix,
  rank: number,
  fill: FillFactors,
): Promise<number> {
  const mark = kernels.mark()
  try {
    const { L, R } = weighedFactors(kernels, operand, weighting, rank, fill)
    const whole = (frobeniusNorm * operand.scale) ** 2
    const squares = await byProducts(kernels, operand, whole, L, R)
    if (squares >= spectrumLimit * whole) return squares
    const formed = await operand.residual(L, R)
    if (formed >= singleLimit ** 2 * whole) return formed
    const double = (M: Matrix) => {
      const wide = kernels.allocateFloat64(M.data.length)
      wide.set(M.data)
      return wide
    }
    return await operand.residualDouble(double(L), double(R), rank)
  } finally {
    kernels.release(mark)
  }
}

/** L and R C, or CtL and R, until the caller's mark. */
function weighedFactors(
  kernels: Kernels,
  { rows, cols }: Operand,
  weighting: Weighting,
  rank: number,
  fill: FillFactors,
) {
  const matrix = (height: number, width: number): Matrix => ({
    rows: height,
    cols: width,
    data: kernels.allocateFloat32(height * width),
  })
  const [L, R] = [matrix(rows, rank), matrix(rank, cols)]
  fill(L.data, R.data)
  if (weighting.side === 'rows') {
    const CtL = matrix(rows, rank)
    timesCt(kernels, weighting, L, CtL)
    return { L: CtL, R }
  }
  const RC = matrix(rank, cols)
  rightTimesC(kernels, weighting, asWeights(R), RC)
  return { L, R: RC }
}

async function byProducts(kernels: Kernels, operand: Operand, whole: number, L: Matrix, R: Matrix): Promise<number> {
  const k = L.cols
  const Z = { rows: R.cols, cols: k, data: kernels.allocateFloat32(R.cols * k) }
  await operand.multiplyTransposed(L, Z) // MtL
  const Rt = { ...Z, data: kernels.allocateFloat32(R.cols * k) }
  kernels.transpose(R, Rt)
  let cross = 0
  for (let i = 0; i < Z.data.length; i++) cross += Z.data[i]! * Rt.data[i]!
  const [GL, GR] = [kernels.allocateFloat64(k * k), kernels.allocateFloat64(k * k)]
  kernels.gram(L, GL)
  kernels.gram(Rt, GR)
  let square = 0
  for (let i = 0; i < GL.length; i++) square += GL[i]! * GR[i]!
  return whole - 2 * cross + square
}

/** Adds up ||D C||_F^2 of a difference D that comes in panels of rows, in order: in the units of D times those of C. */
export interface OutputSquares {
  /** height x cols values in the kernels' memory. */
  add(values: Float32Array, start: number, height: number): void
  total(): number
}

/** Of H by rows it holds CtD, rows x cols in f32, until the caller's mark. */
export function outputSquares(kernels: Kernels, weighting: Weighting, rows: number, cols: number): OutputSquares {
  const held =
    weighting.side === 'rows' && weighting.kind === 'full'
      ? { rows, cols, data: kernels.allocateFloat32(rows * cols) }
      : null
  let sum = 0
  const sumOf = (M: Matrix) => kernels.statistics(asWeights(M)).sumOfSquares
  return {
    add: (values, start, height) => {
      const D = { rows: height, cols, data: values }
      if (weighting.kind === 'diagonal') {
        const { C } = weighting
        for (let i = 0, at = 0; i < height; i++)
          for (let j = 0; j < cols; j++, at++) sum += (values[at]! * C[weighting.side === 'cols' ? j : start + i]!) ** 2
        return
      }
      if (held) {
        const data = weighting.C.data.subarray(start * rows, (start + height) * rows)
        kernels.gemmTransposed(asWeights({ rows: height, cols: rows, data }), D, held, start > 0)
        return
      }
      const mark = kernels.mark()
      const P = { ...D, data: kernels.allocateFloat32(height * cols) }
      rightTimesC(kernels, weighting, asWeights(D), P)
      sum += sumOf(P)
      kernels.release(mark)
    },
    total: () => (held ? sumOf(held) : sum),
  }
}

function asWeights({ rows, cols, data }: Matrix): Weights {
  return {
    rows,
    cols,
    dtype: 'F32',
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    scale: 1,
  }
}
