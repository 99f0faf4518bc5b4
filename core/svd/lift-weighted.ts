/**
 * From the factorization of W C to the matrix that is nearest to W in the norm of outputs: What = U Ut W, with U the first left singular vectors of W C.
 * No inverse of C takes part, so a singular H is no case of its own: ||(W - What) C||^2 is the sum of the squares beyond (Eckart-Young for W C).
 * Where inputs are rows it is W V Vt, with V of Ct W.
 *
 * What comes out is the SVD of What itself, so that its factors are balanced, rounded and quantized as those of any matrix.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { applySignRule } from '../kernels/sign-rule.ts'
import type { Factorization } from './factorization.ts'
import { lift } from './factorize.ts'
import type { Operand } from './operand.ts'
import { allocateMatrix, smallSvd } from './small-svd.ts'

export interface Lifted {
  /** The SVD of What, in the units of the weights. */
  readonly factorization: Factorization
  /** ||s_j v_j C||, the part of the outputs' norm that each of its directions has; of u_j where inputs are rows. In the units of the weights times those of C. */
  readonly lengths: Float64Array
}

/** @param plain the weights themselves. Cost: one product with them, and the small SVD. @throws AppError `out-of-memory`, `cancelled` */
export async function liftToWeights(
  kernels: Kernels,
  plain: Operand,
  found: Factorization,
  side: 'cols' | 'rows',
  key: GaussianKey,
): Promise<Lifted> {
  const mark = kernels.mark()
  try {
    const basis = basisOf(kernels, found, side)
    return liftAt(kernels, plain, found, basis, await imagesOf(kernels, plain, basis, side), side, found.rank, key)
  } finally {
    kernels.release(mark)
  }
}

/** The same at a smaller rank, from the basis and images of all: each rank has a What of its own. */
export function liftAt(
  kernels: Kernels,
  plain: Operand,
  { s }: Factorization,
  allBasis: Matrix,
  allImages: Matrix,
  side: 'cols' | 'rows',
  rank: number,
  key: GaussianKey,
): Lifted {
  const { rows, cols } = plain
  const mark = kernels.mark()
  try {
    const [basis, images] = [leading(kernels, allBasis, rank), leading(kernels, allImages, rank)]
    const G = kernels.allocateFloat64(rank * rank)
    kernels.gram(images, G)
    const triplets = smallSvd(kernels, { Q: [basis], Z: [images], G }, rank, key)
    // u'_jt What C = (u'_jt U) S Vt
    const T = kernels.allocateFloat64(rank * rank)
    kernels.crossGram(basis, triplets.U, T)
    const lengths = new Float64Array(rank)
    for (let i = 0; i < rank; i++) for (let j = 0; j < rank; j++) lengths[j]! += (T[i * rank + j]! * s[i]!) ** 2
    for (let j = 0; j < rank; j++) lengths[j] = Math.sqrt(lengths[j]!)
    if (side === 'cols') return { factorization: lift(kernels, plain, triplets), lengths }
    const turned = lift(kernels, { ...plain, rows: cols, cols: rows }, triplets)
    const U = transposed(turned.Vt, rank, rows)
    const factorization = { rows, cols, rank, s: turned.s, U, Vt: transposed(turned.U, cols, rank) }
    applySignRule(factorization)
    return { factorization, lengths }
  } finally {
    kernels.release(mark)
  }
}

function leading(kernels: Kernels, M: Matrix, cols: number): Matrix {
  if (cols === M.cols) return M
  const part = allocateMatrix(kernels, M.rows, cols)
  for (let i = 0; i < M.rows; i++) part.data.set(M.data.subarray(i * M.cols, i * M.cols + cols), i * cols)
  return part
}

/** U, or V where inputs are rows, in the kernels' memory. */
export function basisOf(kernels: Kernels, { rows, cols, rank, U, Vt }: Factorization, side: 'cols' | 'rows'): Matrix {
  const basis = allocateMatrix(kernels, side === 'cols' ? rows : cols, rank)
  basis.data.set(side === 'cols' ? U : transposed(Vt, rank, cols))
  return basis
}

/** WtU, or W V, in the units of the operand. */
export async function imagesOf(
  kernels: Kernels,
  operand: Operand,
  basis: Matrix,
  side: 'cols' | 'rows',
): Promise<Matrix> {
  const images = allocateMatrix(kernels, side === 'cols' ? operand.cols : operand.rows, basis.cols)
  await (side === 'cols' ? operand.multiplyTransposed(basis, images) : operand.multiply(basis, images))
  return images
}

function transposed(M: Float32Array | Float64Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(M.length)
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) out[j * rows + i] = M[at]!
  return out
}
