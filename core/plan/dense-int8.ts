/**
 * Weights that are kept as matrices and written in INT8: codes with a scale for each output of the layer, w ~ code x scale. Only an output that
 * runs has a place for them, since what widens them stands in its graph.
 */
import type { Params } from '../params.ts'
import type { Style } from '../styles.ts'
import { elementCount, encodedBytes, hasComputableDType, type TensorInfo } from '../tensor.ts'

const scaleBytes = 4

/** The axis that has a scale for each of its indices; undefined for what is written as it is. */
export function denseInt8Axis(
  info: TensorInfo,
  { denseDType }: Pick<Params, 'denseDType'>,
  { holds }: Pick<Style, 'holds'>,
): number | undefined {
  const axis = info.inGraph?.int8Axis
  if (denseDType !== 'INT8' || !holds.denseInt8 || axis === undefined || axis === null) return undefined
  // A scale in F32 holds what any of these dtypes does.
  if (info.unfit !== undefined || !hasComputableDType(info) || info.dtype === 'F64') return undefined
  return denseInt8Bytes(info, axis) < encodedBytes(info) ? axis : undefined
}

/** Of its codes and scales. */
export function denseInt8Bytes({ shape }: Pick<TensorInfo, 'shape'>, axis: number): number {
  return elementCount(shape) + scaleBytes * shape[axis]!
}

/** Bytes of a tensor that is kept. */
export function bytesKept(info: TensorInfo, axis: number | undefined): number {
  return axis === undefined ? encodedBytes(info) : denseInt8Bytes(info, axis)
}
