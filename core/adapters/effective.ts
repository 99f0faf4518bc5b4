/** All that a loader adds to one weight, from the modules it is made of: as factors where they are factors, else as a matrix. */
import type { WeightFile } from '../formats/format.ts'
import { type AdapterModule, matrixOf } from './adapter.ts'
import { type Factors, factorsOf, productOf } from './factors.ts'
import { assembled, type TargetModule } from './translate.ts'

/** All a loader adds, as B A; null for LoHa and LoKr. */
export async function effectiveFactors(file: WeightFile, module: TargetModule): Promise<Factors | null> {
  const sources: Factors[] = []
  for (const source of module.sources) {
    const factors = await factorsOf(file, source)
    if (!factors) return null
    sources.push(factors)
  }
  return assembled(module, sources)
}

/** The same of anything, rows x cols. */
export async function wholeMatrix(file: WeightFile, { sources, rows, shape }: TargetModule): Promise<Float32Array> {
  const { cols } = matrixOf({ shape })
  const matrices: Float32Array[] = []
  for (const source of sources) matrices.push(await denseOf(file, source))
  if (!rows) return matrices[0]!
  const D = new Float32Array(shape[0]! * cols)
  for (let i = 0; i < shape[0]!; i++) {
    const from = rows.source[i]!
    if (from >= 0) D.set(matrices[from]!.subarray(rows.row[i]! * cols, (rows.row[i]! + 1) * cols), i * cols)
  }
  return D
}

async function denseOf(file: WeightFile, module: AdapterModule): Promise<Float32Array> {
  const factors = await factorsOf(file, module)
  if (!factors) return productOf(file, module)
  const { rows, cols, rank, B, A } = factors
  const D = new Float32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let p = 0; p < rank; p++)
      for (let j = 0; j < cols; j++) D[i * cols + j]! += B[i * rank + p]! * A[p * cols + j]!
  return D
}
