/**
 * What a factorization costs before it runs: a fixed formula, fitted to the kernels on one thread of a Zen 5 core (256-bit tile), in
 * milliseconds of that thread. Only ratios are used, to choose between methods, so every machine chooses the same.
 *
 * Legend: m x n, d = min(m, n), l sketch columns, q power iterations, k rank.
 */
import type { ExactStage } from './phases.ts'

/** Multiply-adds a millisecond in f32 products with the weights. */
const productRate = 53e6
/** m l^2 a millisecond of one orthonormalization pass: Gram matrix in f64, triangular product in f32. */
const orthonormalizeRate = 23e6
/** D d^2 a millisecond of a Gram matrix in f64, of which one triangle is computed. */
const gramRate = 49e6
/** As many columns of a product as take the time that a pass over the matrix takes besides: by profiles of whole runs (docs/performance.md). */
const [residualColumns, passColumns] = [40, 100]
/**
 * Milliseconds of a symmetric eigenproblem in f64 of this order with so many vectors: the reduction to tridiagonal form, which waits for
 * memory the more the larger it is, and the vectors brought back through it.
 */
const eigenCost = (order: number, vectors: number) =>
  ((6.55e-8 + 7.5e-12 * order) * order + 5e-8 * vectors) * order ** 2

export interface SketchCost {
  /** Columns multiplied at a time. */
  readonly columns: number
  readonly nIter: number
  /** Blocks kept: 1 for subspace iteration. */
  readonly blocks: number
  readonly rank: number
}

/** With A or At, of `columns` each. Subspace iteration (one block): 2 q + 2; block Krylov: two a block. */
export function productsOf({ nIter, blocks }: Pick<SketchCost, 'nIter' | 'blocks'>): number {
  return blocks === 1 ? 2 * nIter + 2 : 2 * blocks
}

/** Block Krylov orthogonalizes every pair of blocks twice. */
export function sketchCost(rows: number, cols: number, { columns, nIter, blocks, rank }: SketchCost): number {
  const basis = columns * blocks
  const orthonormalized = blocks === 1 ? (nIter + 2) * columns ** 2 : 2 * basis ** 2
  return (
    productsOf({ nIter, blocks }) * productCost(rows, cols, columns) +
    (rows * orthonormalized) / orthonormalizeRate +
    (cols * basis ** 2) / gramRate +
    eigenCost(basis, rank) +
    ((rows + cols) * basis * rank) / productRate
  )
}

/** One product of the matrix with so many columns. */
export function productCost(rows: number, cols: number, columns: number): number {
  return (rows * cols * columns) / productRate
}

/** Of L R against the matrix, L of so many columns: a product that also reads the matrix and sums squares, worth some columns more. */
export function residualCost(rows: number, cols: number, rank: number): number {
  return productCost(rows, cols, 1.2 * rank + residualColumns)
}

/** What a run does with each weight whatever the rank: read it, look for NaN and Inf, take its checksum and sum its square. */
export function passCost(rows: number, cols: number): number {
  return productCost(rows, cols, passColumns)
}

/** Gram matrix of the smaller side, its eigenvectors, and one product to the other side with two passes to orthonormalize it. */
export function exactCosts(rows: number, cols: number, rank: number): Readonly<Record<ExactStage, number>> {
  const smallest = Math.min(rows, cols)
  const largest = Math.max(rows, cols)
  return {
    gram: (largest * smallest ** 2) / gramRate,
    eigen: eigenCost(smallest, rank),
    lift: productCost(rows, cols, rank) + (2 * largest * rank ** 2) / orthonormalizeRate,
  }
}

export function exactCost(rows: number, cols: number, rank: number): number {
  const { gram, eigen, lift } = exactCosts(rows, cols, rank)
  return gram + eigen + lift
}
