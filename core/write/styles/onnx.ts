/**
 * Output "onnx": the source's own graph with A and B where a weight was (core/write/onnx/), which runs wherever it ran. A and B are as in the
 * output "factors", B of a convolution as a kernel of one point and A as one of r channels.
 *
 * A weight that is kept in INT8 is `<name>.int8` with `<name>.int8_scale`, widened in the graph to the value it was.
 *
 * INT8 factors are widened in the graph: scales lie along one axis (DequantizeLinear), or before opset 13 as they are broadcast (Cast, Mul).
 * Scales of columns fit no axis of a kernel, so such a factor is stored as a matrix and reshaped after.
 */

import { scaleLayout } from '../../curves/size.ts'
import { standInNames } from '../../formats/reading/model-graph.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import { styles } from '../../styles.ts'
import type { TensorInfo, TensorOutline } from '../../tensor.ts'
import { opsetOf } from '../onnx/surgery.ts'
import { writeMeasured } from './measured.ts'
import type { SparsePart } from './sparse-part.ts'
import { storeFactors } from './stored-factors.ts'
import type { OutputStyle } from './style.ts'

export const onnx: OutputStyle = {
  ...styles.onnx,
  format: null,

  entries,

  write: (plan, matrix, writeEntry, context) => {
    const stored = storeFactors(plan, matrix.factorization, context.kernels)
    const places = { stored, first: 0, sparseAt: stored.pieces.length, asWritten: (part: SparsePart) => part }
    return writeMeasured(plan, matrix, places, writeEntry, context)
  },

  int8: ({ info, denseInt8 }) => {
    const { codes, scaleOfCodes } = standInNames(info.name)
    return [
      { name: scaleOfCodes, dtype: 'F32', shape: scaleShape(info, info.shape, denseInt8!) },
      { name: codes, dtype: 'I8', shape: info.shape },
    ]
  },

  // A graph has no alignment to keep.
  group: () => 0,
}

function entries({ info, view, params: { rank }, factorDType }: FactorizedTensor): TensorOutline[] {
  const names = standInNames(info.name)
  const kernel = info.shape.slice(2)
  const isInt8 = factorDType === 'INT8'
  const byRow = isInt8 && scaleLayout(rank) === 'row'
  const dtype = isInt8 ? 'I8' : factorDType
  const a = kernel.length === 0 || byRow ? [rank, view.cols] : [rank, ...info.shape.slice(1)]
  const b = [view.rows, rank, ...kernel.map(() => 1)]
  const factors: TensorOutline[] = [
    { name: names.A, dtype, shape: a },
    { name: names.B, dtype, shape: b },
  ]
  if (!isInt8) return factors
  const scales = [scaleShape(info, a, byRow ? 1 : 0), scaleShape(info, b, byRow ? 0 : 1)]
  return [
    { name: names.scaleOfA, dtype: 'F32', shape: scales[0]! },
    { name: names.scaleOfB, dtype: 'F32', shape: scales[1]! },
    ...factors,
  ]
}

/** Along an axis that the operators know, or as it is broadcast. */
function scaleShape({ inGraph }: TensorInfo, shape: readonly number[], axis: number): number[] {
  return (inGraph?.opset ?? 0) >= opsetOf.axis ? [shape[axis]!] : shape.map((size, i) => (i === axis ? size : 1))
}
