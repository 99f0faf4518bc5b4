/** A weight file made of tensors that each know how they are read: what several readers need and none should write again. */

import type { TensorInfo } from '../../tensor.ts'
import type { WeightFile } from '../format.ts'
import { noTensor } from './refusal.ts'

export interface ReadableTensor {
  readonly info: TensorInfo
  /** Bytes [start, end) of its values; the range is inside them. */
  read(start: number, end: number): Promise<Uint8Array>
}

/** @param fileName the name a dense output takes */
export function weightFileOf(
  fileName: string,
  readables: readonly ReadableTensor[],
  rest: Pick<WeightFile, 'format' | 'safety' | 'totalBytes' | 'metadata' | 'notices' | 'close'>,
): WeightFile {
  const byName = new Map(readables.map((readable) => [readable.info.name, readable]))
  const tensors = readables.map(({ info }) => info)
  return {
    ...rest,
    tensors,
    shards: [{ fileName, tensorNames: tensors.map(({ name }) => name) }],
    read: async (tensor, start = 0, end = tensor.byteLength) => {
      const readable = byName.get(tensor.name)
      if (!readable) throw noTensor(fileName, tensor.name)
      if (!(start >= 0 && start <= end && end <= tensor.byteLength))
        throw new RangeError(`${tensor.name}: ${start}..${end} is outside its ${tensor.byteLength} bytes`)
      return readable.read(start, end)
    },
  }
}
