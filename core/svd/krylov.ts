/**
 * Block Krylov: the range finder that keeps every block of the iteration instead of the last one.
 * Musco and Musco, NeurIPS 2015, Algorithm 2; one-sided, with full reorthogonalization, as in RandLAPACK's RBKI (Tomas, Quintana-Orti,
 * Anzt 2023). Q = orth[A Omega, (A At) A Omega, ...] in s blocks of b columns: 2 s b columns of products with A, of which the best
 * polynomial filter in A At is taken instead of a plain power. How we differ: coefficients and Gram matrices in f64, two projection passes.
 *
 * A block of b columns sees at most b copies of a repeated singular value. Where the space is exhausted (the projected block is rounding
 * noise or zero) the iteration restarts from fresh columns; what even those do not add to the span, because A has no further range, is
 * deflated: fresh directions of the whole space take its place. And where the finished basis shows b equal values or more among those that are asked
 * for, further copies may be missing: it gets blocks from fresh columns until a restart brings no more copies to light.
 *
 * Legend: A m x n, Omega n x b, Q_i m x b, Z_i = AtQ_i n x b, G = ZtZ (s b) x (s b) in f64.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { ConvergenceWatch } from './convergence.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { fillFresh, orthonormalize } from './orthonormalize.ts'
import { freshKey } from './random.ts'
import { allocateMatrix, type Range } from './small-svd.ts'

export interface KrylovPlan {
  /** Width of a block. */
  readonly columns: number
  /** How many there are, at most min(m, n) / columns. */
  readonly blocks: number
  readonly key: GaussianKey
  /** Values that are asked for: only among these do missing copies matter. */
  readonly rank: number
}

/** @throws AppError `out-of-memory`, `cancelled`, `engine-died` */
export async function findKrylovRange(
  kernels: Kernels,
  operand: Operand,
  { columns, blocks, key, rank }: KrylovPlan,
  convergence: ConvergenceWatch,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const Q: Matrix[] = []
  const Z: Matrix[] = []
  const X = allocateMatrix(kernels, operand.cols, columns)
  kernels.gaussian(key, X)
  const mostBlocks = Math.floor(Math.min(operand.rows, operand.cols) / columns)
  let G = new Float64Array(0)
  let last = blocks - 1
  let copies = 0
  for (let block = 0; ; block++) {
    observer.checkCancelled()
    const Y = allocateMatrix(kernels, operand.rows, columns)
    await operand.multiply(X, Y) // Y = A Omega, later A orth(Z)
    watch.lap(block === 0 ? 'sketch' : 'iterate')
    if (!orthonormalizeAgainst(kernels, Y, Q, freshKey(key, block)) && block > 0) {
      // The space is exhausted: what is more than noise stays, and columns that A has not seen take the place of the rest.
      await operand.multiply(X, Y)
      const kept = keepIndependent(kernels, Y, Q, exhausted)
      kernels.gaussian(freshKey(key, -1 - block), X)
      const mark = kernels.mark()
      const Fresh = allocateMatrix(kernels, operand.rows, columns)
      await operand.multiply(X, Fresh)
      for (let i = 0; i < Y.rows; i++)
        for (let j = kept; j < columns; j++) Y.data[i * columns + j] = Fresh.data[i * columns + j]!
      kernels.release(mark)
      orthonormalizeAgainst(kernels, Y, Q, freshKey(key, block))
    }
    Q.push(Y)
    watch.lap('orthonormalize')
    const AtQ = allocateMatrix(kernels, operand.cols, columns)
    await operand.multiplyTransposed(Y, AtQ) // Z = AtQ
    Z.push(AtQ)
    watch.lap('iterate')
    G = extendGram(kernels, G, Z)
    const known = G
    const enough = block < blocks && (await convergence.see(block, () => known))
    watch.lap('estimate')
    if (block < last && !enough) {
      X.data.set(AtQ.data)
      orthonormalizeWith(kernels, X, lastBlock(G, columns), key)
      watch.lap('orthonormalize')
      continue
    }
    const before = copies
    copies = rank > columns ? mostCopies(kernels, G, rank) : 0
    watch.lap('estimate')
    const further = Math.min(blocksOfRestart, mostBlocks - 1 - block)
    if (copies < columns || copies === before || further < 1) {
      const whole = kernels.allocateFloat64(G.length)
      whole.set(G)
      return { Q, Z, G: whole }
    }
    last = block + further
    kernels.gaussian(freshKey(key, -1 - block), X)
  }
}

/** A block and the three powers of it that tell a repeated value from what lies a little below. */
const blocksOfRestart = 4
/** Values closer than this count as copies of one: beyond the rounding of f32, below the gaps of any matrix without repeated values. */
const sameValue = 2 ** -13

/** Length of the longest run of equal values among the first `rank`, from G = ZtZ (left alone). */
function mostCopies(kernels: Kernels, G: Float64Array, rank: number): number {
  const mark = kernels.mark()
  const order = Math.round(Math.sqrt(G.length))
  const copy = kernels.allocateFloat64(G.length)
  copy.set(G)
  const values = kernels.allocateFloat64(order)
  kernels.symmetricEigen(copy, order, values, null)
  let most = 0
  let first = 0
  for (let i = 0; i < Math.min(rank, order); i++) {
    // Squares: twice the relative distance.
    while (values[i]! < values[first]! * (1 - 2 * sameValue)) first++
    if (values[i]! > values[0]! * noValue) most = Math.max(most, i - first + 1)
  }
  kernels.release(mark)
  return most
}

/** Share of the largest square at which a value is rounding noise, whose copies nobody misses. */
const noValue = 2 ** -44

/** Coefficients below this turn unit columns too little to spoil their orthonormality. */
const settled = 2 ** -10
/** A block whose weakest direction keeps no more than this of its length is rounding noise of the projection there. */
const exhausted = 2 ** -18

/**
 * Y <- an orthonormal basis of what Y adds to the span of the blocks: block Gram-Schmidt with f64 coefficients, repeated until a
 * projection takes next to nothing away. Two passes as a rule; more where Y lay in the span and its rounding noise, or fresh directions,
 * had to stand in: then the answer is false. Noise that will not leave the span, since it has the zero rows of A where the span has them too, is
 * replaced by fresh directions of the whole space.
 */
export function orthonormalizeAgainst(
  kernels: Kernels,
  Y: Matrix,
  blocks: readonly Matrix[],
  key: GaussianKey,
): boolean {
  if (blocks.length === 0) return orthonormalize(kernels, Y, { key, passes: 2 }) > 0
  const removed = projectOut(kernels, Y, blocks)
  const left = sumOfSquares(Y)
  const independence = orthonormalize(kernels, Y, { key, passes: 1 })
  const added = independence * Math.sqrt(left / (left + removed.sumOfSquares || 1)) > exhausted
  // Two passes are what fresh directions take; each further one has a chance of 2^-10 at most to be needed.
  for (let pass = 0; pass < 8; pass++) {
    const { largest } = projectOut(kernels, Y, blocks)
    orthonormalize(kernels, Y, { key: freshKey(key, 16 * pass), passes: 1 })
    if (largest < settled) return added
  }
  deflate(kernels, Y, blocks, key)
  return false
}

/** Y <- the directions of Y outside the span of the blocks, and fresh ones in place of those inside it; all orthonormal. */
function deflate(kernels: Kernels, Y: Matrix, blocks: readonly Matrix[], key: GaussianKey): void {
  fillFresh(kernels, Y, keepIndependent(kernels, Y, blocks, settled), freshKey(key, 8))
  for (let pass = 0; pass < 2; pass++) {
    projectOut(kernels, Y, blocks)
    orthonormalize(kernels, Y, { key: freshKey(key, 16 * (9 + pass)), passes: 1 })
  }
}

/**
 * The first columns of Y <- unit directions of which more than `share` of their length lies outside the span of the blocks, the most independent
 * first. Answers with their number; the other columns are undefined.
 */
function keepIndependent(kernels: Kernels, Y: Matrix, blocks: readonly Matrix[], share: number): number {
  const k = Y.cols
  const mark = kernels.mark()
  const G = kernels.allocateFloat64(k * k)
  const W = kernels.allocateFloat64(k * k)
  const values = kernels.allocateFloat64(k)
  kernels.gram(Y, G)
  const lengths = Float64Array.from({ length: k }, (_, i) => Math.sqrt(G[i * k + i]!) || 1)
  projectOut(kernels, Y, blocks)
  kernels.gram(Y, G)
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) G[i * k + j]! /= lengths[i]! * lengths[j]!
  kernels.symmetricEigen(G, k, values, W)
  let kept = 0
  while (kept < k && values[kept]! > share ** 2) kept++
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) W[i * k + j] = j < kept ? W[i * k + j]! / (lengths[i]! * Math.sqrt(values[j]!)) : 0
  kernels.multiplySmall(Y, W, Y)
  kernels.release(mark)
  return kept
}

/** Y <- Y - Q QtY, block after block. Answers with the size of the coefficients QtY. */
function projectOut(
  kernels: Kernels,
  Y: Matrix,
  blocks: readonly Matrix[],
): { readonly largest: number; readonly sumOfSquares: number } {
  const mark = kernels.mark()
  let largest = 0
  let total = 0
  for (const Q of blocks) {
    const C = kernels.allocateFloat64(Q.cols * Y.cols)
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
export function extendGram(kernels: Kernels, known: Float64Array, Z: readonly Matrix[]): Float64Array<ArrayBuffer> {
  const newest = Z[Z.length - 1]!
  const b = newest.cols
  const before = Math.round(Math.sqrt(known.length))
  const order = before + b
  const G = new Float64Array(order * order)
  for (let i = 0; i < before; i++) G.set(known.subarray(i * before, (i + 1) * before), i * order)
  const mark = kernels.mark()
  let first = 0
  for (const block of Z) {
    const C = kernels.allocateFloat64(block.cols * b)
    if (block === newest) kernels.gram(newest, C)
    else kernels.crossGram(block, newest, C)
    for (let i = 0; i < block.cols; i++)
      for (let j = 0; j < b; j++) {
        G[(first + i) * order + before + j] = C[i * b + j]!
        G[(before + j) * order + first + i] = C[i * b + j]!
      }
    first += block.cols
  }
  kernels.release(mark)
  return G
}
