/**
 * The matrix as its inputs see it: W C where its columns are inputs (y = W x), Ct W where its rows are (y = x W), with C Ct = H = E[x xt]. Its norms are
 * those of outputs: ||W C||_F^2 = E||W x||^2.
 *
 * Products go through C: W (C X) and Ct (Wt Y), 2 n^2 k flop each beside those of W. W C itself is formed in blocks of rows and kept nowhere, for what
 * is summed over its entries: its norm, its Gram matrix, a residual. Of H by rows Ct W is formed whole: each of its rows is a sum over all of W's.
 *
 * Legend: W m x n, X n x k, Y m x k, C as wide as there are inputs, square; P a block of W C, or Ct W.
 */
import type { Kernels, Matrix, Weights } from '../kernels/kernels.ts'
import { widen } from '../kernels/widen.ts'
import { type Operand, residentOperand } from './operand.ts'

/** scale * C, as wide as there are inputs. `scale` is a power of two, so that neither large nor small activations leave f32. */
export type Weighting = {
  readonly side: 'cols' | 'rows'
  readonly width: number
  readonly scale: number
} & (
  | { readonly kind: 'diagonal'; readonly C: Float32Array }
  /** Row-major, in the kernels' memory; `lengths` are the roots of H's diagonal, the lengths of its rows. */
  | { readonly kind: 'full'; readonly C: Matrix; readonly lengths: Float64Array }
)

/** How much each input weighs by itself: the root of H's diagonal. */
export function inputWeights(weighting: Weighting): Float64Array {
  const lengths = weighting.kind === 'diagonal' ? weighting.C : weighting.lengths
  return Float64Array.from(lengths, (length) => length / weighting.scale)
}

/** Out <- C X, with a row of X for each input. Out may be X where C is diagonal. */
function timesC(kernels: Kernels, weighting: Weighting, X: Matrix, Out: Matrix): void {
  if (weighting.kind === 'full') kernels.gemm(asWeights(weighting.C), X, Out)
  else scaleRows(weighting.C, X, Out)
}

/** Out <- Ct Z. */
export function timesCt(kernels: Kernels, weighting: Weighting, Z: Matrix, Out: Matrix): void {
  if (weighting.kind === 'full') kernels.gemmTransposed(asWeights(weighting.C), Z, Out, false)
  else scaleRows(weighting.C, Z, Out)
}

/** Out <- M C, with a column of M for each input. */
export function rightTimesC(kernels: Kernels, weighting: Weighting, M: Weights, Out: Matrix): void {
  if (weighting.kind === 'full') {
    kernels.gemm(M, weighting.C, Out)
    return
  }
  const values = widen(M)
  const { C } = weighting
  for (let i = 0, at = 0; i < M.rows; i++)
    for (let j = 0; j < M.cols; j++, at++) Out.data[at] = values[at]! * M.scale * C[j]!
}

/**
 * W C (`side` cols) or Ct W (rows) as an operand, in the units of W times `scale`. The memory of W and of C stays the caller's.
 * @throws Error where C is not as wide as W has inputs, a fault of the caller
 */
export function weightedOperand(kernels: Kernels, plain: Operand, weighting: Weighting): Operand {
  const { rows, cols } = plain
  const scale = plain.scale * weighting.scale
  const inputs = weighting.side === 'cols' ? cols : rows
  if (inputs !== weighting.width) throw new Error(`C is ${weighting.width} wide, of ${inputs} inputs`)

  const scoped = async <T>(body: () => Promise<T>): Promise<T> => {
    const mark = kernels.mark()
    try {
      return await body()
    } finally {
      kernels.release(mark)
    }
  }
  const like = (M: Matrix): Matrix => ({ ...M, data: kernels.allocateFloat32(M.rows * M.cols) })

  /** P in blocks of rows; they are in the kernels' memory until `use` returns. */
  const formed = (use: (P: Weights, start: number) => void): Promise<void> =>
    scoped(async () => {
      if (weighting.side === 'rows') return (await formedByRows()).blocks(use)
      await plain.blocks((block, start) => {
        const mark = kernels.mark()
        const P = { rows: block.rows, cols, data: kernels.allocateFloat32(block.rows * cols) }
        rightTimesC(kernels, weighting, block, P)
        use(asWeights(P), start)
        kernels.release(mark)
      })
    })

  /** Ct W, whole, until the caller's mark. */
  const formedByRows = async (): Promise<Operand> => {
    const P = { rows, cols, data: kernels.allocateFloat32(rows * cols) }
    await plain.blocks((block, start) => {
      const mark = kernels.mark()
      const W = { rows: block.rows, cols, data: kernels.allocateFloat32(block.rows * cols) }
      const values = widen(block)
      for (let i = 0; i < values.length; i++) W.data[i] = values[i]! * block.scale
      if (weighting.kind === 'diagonal') {
        const part = { ...W, data: P.data.subarray(start * cols, (start + block.rows) * cols) }
        scaleRows(weighting.C.subarray(start, start + block.rows), W, part)
      } else {
        // Ct W = sum over panels of the rows of C and W.
        const data = weighting.C.data.subarray(start * rows, (start + block.rows) * rows)
        kernels.gemmTransposed(asWeights({ rows: block.rows, cols: rows, data }), W, P, start > 0)
      }
      kernels.release(mark)
    })
    return residentOperand(kernels, asWeights(P))
  }

  /** All of P, for what pairs every row with every other. */
  const whole = async (): Promise<Operand> => {
    if (weighting.side === 'rows') return formedByRows()
    const P = { rows, cols, data: kernels.allocateFloat32(rows * cols) }
    await formed((block, start) => P.data.set(widen(block), start * cols))
    return residentOperand(kernels, asWeights(P))
  }

  let squares: Promise<number> | undefined
  const squaredNorm = () => {
    squares ??= sumOf((P) => kernels.statistics(P).sumOfSquares)
    return squares
  }
  const sumOf = async (term: (P: Weights, start: number) => number): Promise<number> => {
    let sum = 0
    await formed((P, start) => {
      sum += term(P, start)
    })
    return sum
  }

  return {
    rows,
    cols,
    dtype: 'F32',
    by: (others) => weightedOperand(others, plain.by(others), weighting),
    scale,
    multiply: (X, Y) =>
      scoped(async () => {
        if (weighting.side === 'cols') {
          const CX = like(X)
          timesC(kernels, weighting, X, CX)
          return plain.multiply(CX, Y)
        }
        const WX = like(Y)
        await plain.multiply(X, WX)
        timesCt(kernels, weighting, WX, Y)
      }),
    multiplyTransposed: (Y, Z) =>
      scoped(async () => {
        if (weighting.side === 'cols') {
          const WtY = like(Z)
          await plain.multiplyTransposed(Y, WtY)
          return timesCt(kernels, weighting, WtY, Z)
        }
        const CY = like(Y)
        timesC(kernels, weighting, Y, CY)
        await plain.multiplyTransposed(CY, Z)
      }),
    gram: (side, G) =>
      scoped(async () => {
        if (side === 'rows' || weighting.side === 'rows') return (await whole()).gram(side, G)
        await formed((P, start) => kernels.gramWeights(P, 'cols', G, start > 0))
      }),
    residual: (L, R) =>
      sumOf((P, start) => {
        const data = L.data.subarray(start * L.cols, (start + P.rows) * L.cols)
        return kernels.residual(P, { rows: P.rows, cols: L.cols, data }, R)
      }),
    residualDouble: (L, R, inner) =>
      sumOf((P, start) => kernels.residualDouble(P, L.subarray(start * inner, (start + P.rows) * inner), R, inner)),
    wide: null,
    blocks: formed,
    statistics: async () => ({
      sumOfSquares: (await squaredNorm()) / scale ** 2,
      maxAbs: Number.NaN,
      nanCount: 0,
      infCount: 0,
    }),
    squaredNorm,
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

function scaleRows(c: Float32Array, { rows, cols, data }: Matrix, Out: Matrix): void {
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = c[i]!
    for (const end = at + cols; at < end; at++) Out.data[at] = data[at]! * weight
  }
}
