/** The matrix of a tensor and what its factors weigh, from reports alone. */
import type { TensorReport } from '../../core/contract.ts'
import { factorBytes } from '../../core/measure/curves/size.ts'
import type { Params } from '../../core/params.ts'

export interface MatrixSize {
  /** Matrices in the tensor: the experts of a stack, else 1. */
  readonly count: number
  readonly rows: number
  readonly cols: number
}

/** null for what is no matrix. */
export function matrixSize(tensor: TensorReport | undefined): MatrixSize | null {
  if (!tensor?.matrix) return null
  const [cols, rows, count = 1] = tensor.matrix.toReversed()
  return rows === undefined || cols === undefined ? null : { count, rows, cols }
}

/** Bytes of one value of the source, 0 for an empty tensor. */
export function bytesPerValue(tensor: TensorReport): number {
  const values = tensor.shape.reduce((product, length) => product * length, 1)
  return values === 0 ? 0 : tensor.byteLength / values
}

/** Bytes of one value of the written factors. */
export function factorBytesPerValue(tensor: TensorReport, params: Pick<Params, 'factorDType'>): number {
  switch (params.factorDType) {
    case 'keep':
      return bytesPerValue(tensor)
    case 'F32':
      return 4
    case 'F16':
    case 'BF16':
      return 2
    case 'INT8':
      return 1
  }
}

/** Bytes of this tensor's factors at a rank (values only, headers and INT8 scales are not counted); null for what is no matrix. */
export function compressedBytes(tensor: TensorReport, params: Params): number | null {
  const size = matrixSize(tensor)
  if (!size) return null
  const rank = Math.min(params.rank, size.rows, size.cols)
  return size.count * factorBytes(size.rows, size.cols, rank, factorBytesPerValue(tensor, params))
}
