/**
 * Which values a tensor of the source had: the CRC-32 of every byte that decides them. What was computed from it is true of the present
 * source only where this is still the same. It detects changes and damage, not forgery.
 */
import type { WeightFile } from '../formats/format.ts'
import { discard } from '../io.ts'
import { type TensorInfo, tensorNamed } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { piecesOf } from './read-ahead.ts'

export type ReadingContext = Pick<JobContext, 'checkCancelled' | 'crc32'>

/** Where the checksum of a tensor begins: 0, or with the factors beside an F8 tensor, which are as much its values as its own bytes are. */
export async function scaleChecksum(
  file: WeightFile,
  { scale }: TensorInfo,
  { crc32 }: ReadingContext,
): Promise<number> {
  const factors = scale && tensorNamed(file.tensors, scale.tensor)
  return factors ? crc32(await file.read(factors)) : 0
}

/** One pass over the tensor. */
export async function tensorChecksum(file: WeightFile, tensor: TensorInfo, context: ReadingContext): Promise<number> {
  let crc = await scaleChecksum(file, tensor, context)
  for await (const bytes of piecesOf(file, tensor, context)) {
    crc = context.crc32(bytes, crc)
    discard(bytes)
  }
  return crc
}
