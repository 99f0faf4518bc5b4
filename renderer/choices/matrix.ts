/** The matrix of a tensor and what its factors weigh, from reports alone. */
import type { TensorReport } from '../../core/contract.ts'
import { factorBytes } from '../../core/curves/size.ts'
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

/** Bytes of a copy of this tensor in the output. */
export function copyBytes({ byteLength, decodedBytes }: TensorReport): number {
  return decodedBytes ?? byteLength
}

/** Bytes of one value as the source encodes it, 0 for an empty tensor. */
export function bytesPerValue(tensor: TensorReport): number {
  return overValues(tensor, tensor.byteLength)
}

function overValues({ shape }: TensorReport, bytes: number): number {
  const values = shape.reduce((product, length) => product * length, 1)
  return values === 0 ? 0 : bytes / values
}

/** Bytes of one value of the written factors; F8 sources get BF16 factors. */
export function factorBytesPerValue(tensor: TensorReport, params: Pick<Params, 'factorDType'>): number {
  switch (params.factorDType) {
    case 'keep':
      return Math.max(2, overValues(tensor, copyBytes(tensor)))
    case 'F32':
      return 4
    case 'F16':
    case 'BF16':
      return 2
    case 'INT8':
      return 1
  }
}

/** Bytes of this tensor's factors at a rank, with all that is stored beside them; null for what is no matrix. */
export function compressedBytes(tensor: TensorReport, params: Params, atRank = params.rank): number | null {
  const size = matrixSize(tensor)
  if (!size) return null
  return factorBytes(size, Math.min(atRank, size.rows, size.cols), {
    bytesPerValue: factorBytesPerValue(tensor, params),
    int8: params.factorDType === 'INT8',
    layout: params.factorLayout,
    sparseDensity: params.sparseDensity,
  })
}
