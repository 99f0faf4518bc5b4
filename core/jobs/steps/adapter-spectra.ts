/**
 * The singular values and best factors of an adapter's modules: from thin factors without ever forming the matrix, or, of LoHa and LoKr, from the
 * matrix by the methods of any other.
 */
import { matrixOf } from '../../adapters/adapter.ts'
import { effectiveFactors, wholeMatrix } from '../../adapters/effective.ts'
import type { TargetModule } from '../../adapters/translate.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { observer } from '../../matrix/observer.ts'
import { fitParams, type Params } from '../../params.ts'
import { factorize } from '../../svd/factorize.ts'
import { residentOperand } from '../../svd/operand.ts'
import { type ProductSvd, productSvd } from '../../svd/product.ts'
import { gaussianKey } from '../../svd/random.ts'

/** Below this share of the largest, values of a matrix in f32 are rounding. */
const LEAST_SHARE = 1e-6

/** A module decomposed. */
export interface ModuleSvd {
  readonly svd: ProductSvd
  /** ||D||_F^2, more than the squares of `s` where those end before D's rank does. */
  readonly squares: number
  readonly rankBefore: number
}

/** @param params of the sketch, where D has to be formed */
export async function moduleSvd(
  file: WeightFile,
  module: TargetModule,
  params: Params,
  context: JobContext,
): Promise<ModuleSvd> {
  const { kernels } = context
  const factors = await effectiveFactors(file, module)
  if (factors) {
    const svd = productSvd(kernels, factors)
    return { svd, squares: svd.s.reduce((sum, value) => sum + value ** 2, 0), rankBefore: factors.rank }
  }
  return svdOfMatrix(file, module, params, context)
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
    return { svd: { s: seen, best }, squares, rankBefore: target.sources[0]!.rank }
  } finally {
    kernels.release(mark)
  }
}
