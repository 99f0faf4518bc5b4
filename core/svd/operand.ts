/**
 * The matrix to be factorized, as the algorithms see it: only through products. It may lie in the kernels' memory whole, or come in
 * panels of rows from a file; the bits of every result are the same.
 *
 * Products are made of an f32 image of the weights, which is exact for all dtypes but F64. What f64 sums are made of - the Gram matrix, the residual
 * in f64, the entries - is the weights themselves.
 *
 * Legend: A rows x cols, X cols x k, Y rows x k, Z cols x k; A is always scale * (the stored weights).
 */
import type { Kernels, Matrix, WeightDType, WeightStatistics, Weights, WideWeights } from '../kernels/kernels.ts'

export interface Operand {
  readonly rows: number
  readonly cols: number
  /** What products are made of. */
  readonly dtype: WeightDType
  /** Power of two the stored weights are multiplied with, so that A(AtQ) neither overflows nor vanishes in f32. */
  readonly scale: number
  /** Y <- A X. */
  multiply(X: Matrix, Y: Matrix): Promise<void>
  /** Z <- At Y. */
  multiplyTransposed(Y: Matrix, Z: Matrix): Promise<void>
  /** G <- A At (`rows`) or At A (`cols`), in f64, both triangles. */
  gram(side: 'rows' | 'cols', G: Float64Array): Promise<void>
  /** Sum over all entries of (A - L R)^2 in f64, L rows x k, R k x cols. */
  residual(L: Matrix, R: Matrix): Promise<number>
  /** The same in f64 throughout: L rows x inner, R inner x cols. */
  residualDouble(L: Float64Array, R: Float64Array, inner: number): Promise<number>
  /** Passes over A in panels of rows, F64 where the source is. Null where the f32 image is all there is. */
  readonly wide: WidePanels | null
  /** A's rows in order, in blocks of a height that does not depend on how they come: the f32 image, whose `scale` is yet to be applied. */
  blocks(use: (block: Weights, start: number) => void): Promise<void>
  /** Of the weights as stored, or of their f32 image. */
  statistics(): Promise<WeightStatistics>
  /** ||A||_F^2 in the units of the operand. */
  squaredNorm(): Promise<number>
  /** The same matrix, its products made by other kernels on the same memory. */
  by(kernels: Kernels): Operand
}

/** Calls `use` with A's rows in order, panel by panel. */
export type WidePanels = (use: (panel: WideWeights, start: number) => void) => Promise<void>

/** All of A in the kernels' memory. `known`: its statistics, where a pass over it has found them. */
export function residentOperand(kernels: Kernels, weights: Weights, known?: WeightStatistics): Operand {
  return withNorm({
    rows: weights.rows,
    cols: weights.cols,
    dtype: weights.dtype,
    by: (others) => residentOperand(others, weights, known),
    scale: weights.scale,
    multiply: async (X, Y) => kernels.gemm(weights, X, Y),
    multiplyTransposed: async (Y, Z) => kernels.gemmTransposed(weights, Y, Z, false),
    gram: async (side, G) => kernels.gramWeights(weights, side, G, false),
    residual: async (L, R) => {
      let sum = 0
      for (const [block, start] of sumBlocks(kernels, weights)) {
        sum += kernels.residual(block, rowsOf(L, start, block.rows), R)
      }
      return sum
    },
    residualDouble: async (L, R, inner) => {
      let sum = 0
      for (const [block, start] of sumBlocks(kernels, weights)) {
        sum += kernels.residualDouble(block, rowsOfDouble(L, inner, start, block.rows), R, inner)
      }
      return sum
    },
    wide: null,
    blocks: async (use) => {
      for (const [block, start] of sumBlocks(kernels, weights)) use(block, start)
    },
    statistics: async () => {
      if (known) return known
      let whole = noStatistics
      for (const [block] of sumBlocks(kernels, weights)) whole = mergeStatistics(whole, kernels.statistics(block))
      return whole
    },
  })
}

/** By the statistics: of f64 sums, where the sum of the squares of s is one too. */
function withNorm(operand: Omit<Operand, 'squaredNorm'>): Operand {
  const { scale } = operand
  return { ...operand, squaredNorm: async () => (await operand.statistics()).sumOfSquares * scale ** 2 }
}

export interface StreamedWeights {
  readonly rows: number
  readonly cols: number
  readonly dtype: WeightDType
  readonly scale: number
  /** Bytes of rows [start, end). */
  readRows(start: number, end: number): Promise<Uint8Array>
  /** Most rows to hold at a time; rounded down to whole sum blocks, and never below one. */
  readonly panelRows: number
}

const bytesPerValue = { F32: 4, F16: 2, BF16: 2 } as const satisfies Record<WeightDType, number>

/** A in panels of rows, each read when a product passes over it: a product costs one pass over the file. */
export function streamedOperand(kernels: Kernels, weights: StreamedWeights, known?: WeightStatistics): Operand {
  const { rows, cols, dtype, scale } = weights
  const blockRows = sumBlockRows(kernels)
  const panelRows = Math.max(1, Math.floor(weights.panelRows / blockRows)) * blockRows

  async function forEachPanel(use: (panel: Weights, start: number) => void): Promise<void> {
    const mark = kernels.mark()
    try {
      const data = kernels.allocateBytes(Math.min(panelRows, rows) * cols * bytesPerValue[dtype])
      for (let start = 0; start < rows; start += panelRows) {
        const end = Math.min(rows, start + panelRows)
        data.set(await weights.readRows(start, end))
        use({ rows: end - start, cols, dtype, data, scale }, start)
      }
    } finally {
      kernels.release(mark)
    }
  }

  return withNorm({
    rows,
    cols,
    dtype,
    scale,
    by: (others) => streamedOperand(others, weights, known),
    multiply: (X, Y) => forEachPanel((panel, start) => kernels.gemm(panel, X, rowsOf(Y, start, panel.rows))),
    multiplyTransposed: (Y, Z) =>
      forEachPanel((panel, start) => kernels.gemmTransposed(panel, rowsOf(Y, start, panel.rows), Z, start > 0)),
    gram: (side, G) =>
      side === 'cols'
        ? forEachPanel((panel, start) => kernels.gramWeights(panel, 'cols', G, start > 0))
        : gramOfRows(kernels, weights, Math.max(1, Math.floor(panelRows / 2 / blockRows)) * blockRows, G),
    residual: async (L, R) => {
      let sum = 0
      await forEachPanel((panel, first) => {
        for (const [block, start] of sumBlocks(kernels, panel)) {
          sum += kernels.residual(block, rowsOf(L, first + start, block.rows), R)
        }
      })
      return sum
    },
    residualDouble: async (L, R, inner) => {
      let sum = 0
      await forEachPanel((panel, first) => {
        for (const [block, start] of sumBlocks(kernels, panel)) {
          sum += kernels.residualDouble(block, rowsOfDouble(L, inner, first + start, block.rows), R, inner)
        }
      })
      return sum
    },
    wide: null,
    blocks: (use) =>
      forEachPanel((panel, first) => {
        for (const [block, start] of sumBlocks(kernels, panel)) use(block, first + start)
      }),
    statistics: async () => {
      if (known) return known
      let whole = noStatistics
      await forEachPanel((panel) => {
        for (const [block] of sumBlocks(kernels, panel)) whole = mergeStatistics(whole, kernels.statistics(block))
      })
      return whole
    },
  })
}

/** The operand of an F64 source: products of its f32 image, and sums over the weights themselves, which come in panels. */
export function wideOperand(kernels: Kernels, image: Operand, wide: WidePanels): Operand {
  return {
    ...image,
    wide,
    by: (others) => wideOperand(others, image.by(others), wide),
    gram: async (side, G) => {
      if (side === 'rows') return gramOfWideRows(kernels, image, wide, G)
      await wide((panel, start) => kernels.gramWeights(panel, 'cols', G, start > 0))
    },
    residualDouble: async (L, R, inner) => {
      let sum = 0
      await wide((panel, start) => {
        sum += kernels.residualDouble(panel, rowsOfDouble(L, inner, start, panel.rows), R, inner)
      })
      return sum
    },
  }
}

/** G <- A At of all rows at once: 8 bytes an entry. */
async function gramOfWideRows(
  kernels: Kernels,
  { rows, cols }: Operand,
  wide: WidePanels,
  G: Float64Array,
): Promise<void> {
  const mark = kernels.mark()
  try {
    const data = kernels.allocateBytes(8 * rows * cols)
    await wide((panel, start) => data.set(panel.data.subarray(0, 8 * panel.rows * cols), 8 * start * cols))
    kernels.gramWeights({ rows, cols, dtype: 'F64', data, scale: 1 }, 'rows', G, false)
  } finally {
    kernels.release(mark)
  }
}

/** G <- A At from pairs of panels, each pair stacked in memory: every panel is read once for each one before it. */
async function gramOfRows(kernels: Kernels, weights: StreamedWeights, height: number, G: Float64Array): Promise<void> {
  const { rows, cols, dtype, scale } = weights
  const rowBytes = cols * bytesPerValue[dtype]
  const mark = kernels.mark()
  try {
    const data = kernels.allocateBytes(Math.min(2 * height, rows) * rowBytes)
    const both = kernels.allocateFloat64(Math.min(2 * height, rows) ** 2)
    for (let first = 0; first < rows; first += height) {
      const firstRows = Math.min(height, rows - first)
      data.set(await weights.readRows(first, first + firstRows))
      for (let second = first; second < rows; second += height) {
        const secondRows = second === first ? 0 : Math.min(height, rows - second)
        if (secondRows > 0) data.set(await weights.readRows(second, second + secondRows), firstRows * rowBytes)
        const order = firstRows + secondRows
        const pair: Weights = { rows: order, cols, dtype, data: data.subarray(0, order * rowBytes), scale }
        const part = both.subarray(0, order * order)
        kernels.gramWeights(pair, 'rows', part, false)
        const rowOf = (i: number) => (i < firstRows ? first + i : second + i - firstRows)
        for (let i = 0; i < order; i++)
          for (let j = 0; j < order; j++) G[rowOf(i) * rows + rowOf(j)] = part[i * order + j]!
      }
    }
  } finally {
    kernels.release(mark)
  }
}

/** Sums over all of A are added up by blocks of this many rows, in order: the same bits whatever the panels. */
export function sumBlockRows(kernels: Pick<Kernels, 'panelRows'>): number {
  return Math.ceil(1024 / kernels.panelRows) * kernels.panelRows
}

function* sumBlocks(kernels: Kernels, weights: Weights): Generator<readonly [Weights, number]> {
  const height = sumBlockRows(kernels)
  const rowBytes = weights.cols * bytesPerValue[weights.dtype]
  for (let start = 0; start < weights.rows; start += height) {
    const rows = Math.min(height, weights.rows - start)
    yield [{ ...weights, rows, data: weights.data.subarray(start * rowBytes, (start + rows) * rowBytes) }, start]
  }
}

export const noStatistics: WeightStatistics = { sumOfSquares: 0, maxAbs: 0, nanCount: 0, infCount: 0 }

export function mergeStatistics(a: WeightStatistics, b: WeightStatistics): WeightStatistics {
  return {
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
    maxAbs: Math.max(a.maxAbs, b.maxAbs),
    nanCount: a.nanCount + b.nanCount,
    infCount: a.infCount + b.infCount,
  }
}

/** Rows [start, start + count) as a view. */
function rowsOf(M: Matrix, start: number, count: number): Matrix {
  return { rows: count, cols: M.cols, data: M.data.subarray(start * M.cols, (start + count) * M.cols) }
}

function rowsOfDouble(M: Float64Array, cols: number, start: number, count: number): Float64Array {
  return M.subarray(start * cols, (start + count) * cols)
}
