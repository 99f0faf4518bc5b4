/**
 * The singular values and best factors of an adapter's modules: from thin factors without ever forming the matrix, or, of LoHa and LoKr, from the
 * matrix by the methods of any other.
 */
import { matrixOf } from '../../adapters/adapter.ts'
import { effectiveFactors, wholeMatrix } from '../../adapters/effective.ts'
import type { Factors } from '../../adapters/factors.ts'
import type { TargetModule } from '../../adapters/translate.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { observer } from '../../matrix/observer.ts'
import { fitParams, type Params } from '../../params.ts'
import { factorize } from '../../svd/factorize.ts'
import { residentOperand } from '../../svd/operand.ts'
import { bestProduct, productSvd } from '../../svd/product.ts'
import { gaussianKey } from '../../svd/random.ts'

/** Below this share of the largest, values of a matrix in f32 are rounding. */
const LEAST_SHARE = 1e-6

/** A module decomposed. */
export interface ModuleSvd {
  /** Descending; those without a digit are 0. */
  readonly s: Float64Array
  /** The best product of rank k, sqrt(s) in each factor; k is at most the number of values above 0. `whole`: its factors, which are not held; null of LoHa and LoKr. */
  best(k: number, whole: Factors | null): Factors
  /** What it takes to hold this. */
  readonly heldBytes: number
  /** ||D||_F^2, more than the squares of `s` where those end before D's rank does. */
  readonly squares: number
  readonly rankBefore: number
}

/**
 * @param params of the sketch, where D has to be formed
 * @param known its factors, where they have been read
 */
export async function moduleSvd(
  file: WeightFile,
  module: TargetModule,
  params: Params,
  context: JobContext,
  known: Factors | null = null,
): Promise<ModuleSvd> {
  const { kernels } = context
  const factors = known ?? (await effectiveFactors(file, module))
  if (!factors) return svdOfMatrix(file, module, params, context)
  const svd = productSvd(kernels, factors)
  return {
    s: svd.s,
    squares: svd.s.reduce((sum, value) => sum + value ** 2, 0),
    rankBefore: factors.rank,
    // Three matrices of r x r: factors are some twenty times as much, and read again.
    heldBytes: 24 * factors.rank ** 2,
    best: (k, whole) => bestProduct(kernels, whole!, svd, k),
  }
}

async function svdOfMatrix(
  file: WeightFile,
  target: TargetModule,
  params: Params,
  context: JobContext,
): Promise<ModuleSvd> {
  const D = await wholeMatrix(file, target)
  const { rows, cols } = matrixOf(target)
  const { kernels } = context
  const mark = kernels.mark()
  try {
    const data = kernels.allocateBytes(D.byteLength)
    data.set(new Uint8Array(D.buffer, D.byteOffset, D.byteLength))
    const operand = residentOperand(kernels, { rows, cols, dtype: 'F32', data, scale: 1 })
    const squares = await operand.squaredNorm()
    const fitted = fitParams({ ...params, rank: Math.max(params.rank, params.maxRank) }, rows, cols)
    const key = gaussianKey(context.sha256, params.seed, target.name)
    const { U, s, Vt, rank } = await factorize(
      kernels,
      operand,
      fitted,
      key,
      observer(context, {}, Math.sqrt(squares), false),
    )
    const seen = s.map((value) => (value > LEAST_SHARE * s[0]! ? value : 0))
    const best = (k: number) => {
      const B = new Float32Array(rows * k)
      for (let i = 0; i < rows; i++) for (let j = 0; j < k; j++) B[i * k + j] = U[i * rank + j]! * Math.sqrt(s[j]!)
      const A = new Float32Array(k * cols)
      for (let j = 0; j < k; j++) for (let i = 0; i < cols; i++) A[j * cols + i] = Math.sqrt(s[j]!) * Vt[j * cols + i]!
      return { rows, cols, rank: k, B, A }
    }
    const heldBytes = 4 * rank * (rows + cols)
    return { s: seen, best, heldBytes, squares, rankBefore: target.sources[0]!.rank }
  } finally {
    kernels.release(mark)
  }
}
