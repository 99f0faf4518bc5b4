/**
 * Whether a device makes the products of a factorization: said before by the shape alone, so that a result has its name before it is there, and once more by
 * what the matrix holds.
 */
import { productsOf } from '../cost.ts'
import type { Kernels, ProductDevice, SketchShape, WeightDType } from '../kernels/kernels.ts'
import type { FittedParams } from '../params.ts'
import type { Operand } from './operand.ts'

/** A matrix as the kernels multiply it. */
export interface MatrixShape {
  readonly rows: number
  readonly cols: number
  readonly dtype: WeightDType
}

export function sketchShape({ rows, cols, dtype }: MatrixShape, params: FittedParams): SketchShape {
  return { rows, cols, dtype, columns: params.columns, products: productsOf(params) }
}

/** The device that gets such a matrix, whatever it holds; null: the kernels keep it. Exact methods make no product that is worth it. */
function plannedDevice(kernels: Kernels, matrix: MatrixShape, params: FittedParams): ProductDevice | null {
  const { device } = kernels
  if (!device || params.device === 'cpu' || params.method === 'exact') return null
  return device.takes(sketchShape(matrix, params)) ? device : null
}

/** Class of arithmetic of a result, as far as it is known beforehand: equal classes give equal bits. */
export function plannedArithmetic(kernels: Kernels, matrix: MatrixShape, params: FittedParams): string {
  return plannedDevice(kernels, matrix, params)?.arithmetic ?? kernels.info.arithmetic
}

/** The device that gets this matrix. */
export async function deviceOf(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
): Promise<ProductDevice | null> {
  const device = plannedDevice(kernels, operand, params)
  return device?.accepts(await operand.statistics()) ? device : null
}
