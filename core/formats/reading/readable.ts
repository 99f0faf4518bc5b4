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
    read: readByName(fileName, byName, (readable, start, end) => readable.read(start, end)),
  }
}

/**
 * `read` of a weight file, by what its reader knows of each tensor.
 * @param read bytes [start, end) of the values, a range inside them
 */
export function readByName<Known>(
  fileName: string,
  byName: ReadonlyMap<string, Known>,
  read: (known: Known, start: number, end: number) => Promise<Uint8Array>,
): WeightFile['read'] {
  return async ({ name, byteLength }, start = 0, end = byteLength) => {
    const known = byName.get(name)
    if (known === undefined) throw noTensor(fileName, name)
    if (!(start >= 0 && start <= end && end <= byteLength))
      throw new RangeError(`${name}: ${start}..${end} is outside its ${byteLength} bytes`)
    return read(known, start, end)
  }
}
