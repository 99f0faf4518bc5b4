/**
 * Block Krylov: the range finder that keeps every block of the iteration instead of the last one.
 * Musco and Musco, NeurIPS 2015, Algorithm 2; one-sided, with full reorthogonalization, as in RandLAPACK's RBKI (Tomas, Quintana-Orti,
 * Anzt 2023). Q = orth[A Omega, (A At) A Omega, ...] in s blocks of b columns: 2 s b columns of products with A, of which the best
 * polynomial filter in A At is taken instead of a plain power. How we differ: coefficients and Gram matrices in f64, two projection passes.
 *
 * A block of b columns sees at most b copies of a repeated singular value. Where the space is exhausted (the projected block is rounding
 * noise or zero) the iteration restarts from fresh columns, which find the copies that were missed.
 *
 * Legend: A m x n, Omega n x b, Q_i m x b, Z_i = AtQ_i n x b, G = ZtZ (s b) x (s b) in f64.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { ConvergenceWatch } from './convergence.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { orthonormalize } from './orthonormalize.ts'
import { freshKey } from './random.ts'
import type { SketchPlan } from './range-finder.ts'
import { allocateMatrix, type Range } from './small-svd.ts'

/** `columns` is the width of a block, `nIter` + 1 their number; columns * (nIter + 1) <= min(m, n). @throws AppError `out-of-memory`, `cancelled`, `engine-died` */
export async function findKrylovRange(
  kernels: Kernels,
  operand: Operand,
  { columns, nIter, key }: SketchPlan,
  convergence: ConvergenceWatch,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const Q: Matrix[] = []
  const Z: Matrix[] = []
  const X = allocateMatrix(kernels, operand.cols, columns)
  kernels.gaussian(key, X)
  let G = new Float64Array(0)
  for (let block = 0; ; block++) {
    observer.checkCancelled()
    const Y = allocateMatrix(kernels, operand.rows, columns)
    await operand.multiply(X, Y) // Y = A Omega, later A orth(Z)
    watch.lap(block === 0 ? 'sketch' : 'iterate')
    if (!orthonormalizeAgainst(kernels, Y, Q, freshKey(key, block)) && block > 0) {
      // The space is exhausted: restart from columns that A has not seen.
      kernels.gaussian(freshKey(key, -1 - block), X)
      await operand.multiply(X, Y)
      orthonormalizeAgainst(kernels, Y, Q, freshKey(key, block))
    }
    Q.push(Y)
    watch.lap('orthonormalize')
    const AtQ = allocateMatrix(kernels, operand.cols, columns)
    await operand.multiplyTransposed(Y, AtQ) // Z = AtQ
    Z.push(AtQ)
    watch.lap('iterate')
    G = bordered(kernels, G, Z)
    const last = block === nIter
    const known = G
    const enough = await convergence.see(block, () => known)
    watch.lap('estimate')
    if (last || enough) {
      const whole = kernels.allocateFloat64(G.length)
      whole.set(G)
      return { Q, Z, G: whole }
    }
    X.data.set(AtQ.data)
    orthonormalizeWith(kernels, X, lastBlock(G, columns), key)
    watch.lap('orthonormalize')
  }
}

/** Coefficients below this turn unit columns too little to spoil their orthonormality. */
const settled = 2 ** -10
/** A block whose weakest direction keeps no more than this of its length is rounding noise of the projection there. */
const exhausted = 2 ** -18

/**
 * Y <- an orthonormal basis of what Y adds to the span of the blocks: block Gram-Schmidt with f64 coefficients, repeated until a
 * projection takes next to nothing away. Two passes as a rule; more where Y lay in the span and its rounding noise, or fresh directions,
 * had to stand in: then the answer is false.
 */
function orthonormalizeAgainst(kernels: Kernels, Y: Matrix, blocks: readonly Matrix[], key: GaussianKey): boolean {
  if (blocks.length === 0) return orthonormalize(kernels, Y, { key, passes: 2 }) > 0
  const removed = projectOut(kernels, Y, blocks)
  const left = sumOfSquares(Y)
  const independence = orthonormalize(kernels, Y, { key, passes: 1 })
  const added = independence * Math.sqrt(left / (left + removed.sumOfSquares || 1)) > exhausted
  for (let pass = 0; ; pass++) {
    // Two passes are what fresh directions take; each further one has a chance of 2^-10 at most to be needed.
    if (pass === 8) throw new Error(`orthonormalizeAgainst: no room for ${Y.cols} more columns beside the blocks`)
    const { largest } = projectOut(kernels, Y, blocks)
    orthonormalize(kernels, Y, { key: freshKey(key, 16 * pass), passes: 1 })
    if (largest < settled) return added
  }
}

/** Y <- Y - Q QtY, block after block. Answers with the size of the coefficients QtY. */
function projectOut(
  kernels: Kernels,
  Y: Matrix,
  blocks: readonly Matrix[],
): { readonly largest: number; readonly sumOfSquares: number } {
  const mark = kernels.mark()
  const C = kernels.allocateFloat64(Y.cols * Y.cols)
  let largest = 0
  let total = 0
  for (const Q of blocks) {
    kernels.crossGram(Q, Y, C)
    for (let i = 0; i < C.length; i++) {
      const coefficient = C[i]!
      largest = Math.max(largest, Math.abs(coefficient))
      total += coefficient * coefficient
      C[i] = -coefficient
    }
    kernels.multiplySmall(Q, C, Y, true)
  }
  kernels.release(mark)
  return { largest, sumOfSquares: total }
}

function sumOfSquares({ data }: Matrix): number {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!
  return sum
}

/** One pass, with the Gram matrix at hand. */
function orthonormalizeWith(kernels: Kernels, X: Matrix, known: Float64Array, key: GaussianKey): void {
  const mark = kernels.mark()
  const gram = kernels.allocateFloat64(known.length)
  gram.set(known)
  orthonormalize(kernels, X, { key, passes: 1, gram })
  kernels.release(mark)
}

/** The last b x b block on the diagonal. */
function lastBlock(G: Float64Array, b: number): Float64Array {
  const order = Math.round(Math.sqrt(G.length))
  const block = new Float64Array(b * b)
  for (let i = 0; i < b; i++)
    block.set(G.subarray((order - b + i) * order + order - b, (order - b + i + 1) * order), i * b)
  return block
}

/** ZtZ with the row and column of the newest block added to what is known. */
function bordered(kernels: Kernels, known: Float64Array, Z: readonly Matrix[]): Float64Array<ArrayBuffer> {
  const newest = Z[Z.length - 1]!
  const b = newest.cols
  const before = b * (Z.length - 1)
  const order = before + b
  const G = new Float64Array(order * order)
  for (let i = 0; i < before; i++) G.set(known.subarray(i * before, (i + 1) * before), i * order)
  const mark = kernels.mark()
  const C = kernels.allocateFloat64(b * b)
  Z.forEach((block, p) => {
    if (block === newest) kernels.gram(newest, C)
    else kernels.crossGram(block, newest, C)
    for (let i = 0; i < b; i++)
      for (let j = 0; j < b; j++) {
        G[(p * b + i) * order + before + j] = C[i * b + j]!
        G[(before + j) * order + p * b + i] = C[i * b + j]!
      }
  })
  kernels.release(mark)
  return G
}
