/**
 * What was written earlier, read again before anything is built on it: each entry against its checksum, and what its container puts around the
 * values against what has to stand there.
 */
import { type ByteSource, discard } from '../../io.ts'
import type { ReadingContext } from '../../matrix/checksum.ts'
import type { JobContext } from '../../matrix/context.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { tensorBytes } from '../../tensor.ts'
import { type Encoding, type FinishedFile, sameBytes, type WrittenEntry } from './weights-output.ts'

/** Where these entries end that begin at byte `start`; null where one of them is not what was written. */
export async function endOfIntact(
  source: Pick<ByteSource, 'slice'>,
  start: number,
  entries: readonly WrittenEntry[],
  frames: ReturnType<Encoding['frames']>,
  context: ReadingContext,
): Promise<number | null> {
  let at = start
  for (const [i, { before, crc, after }] of frames(entries).entries()) {
    const { outline, crc: expected } = entries[i]!
    const values = at + before.byteLength
    const end = values + tensorBytes(outline.dtype, outline.shape)
    const stands = async (bytes: Uint8Array, from: number) =>
      sameBytes(await source.slice(from, from + bytes.byteLength), bytes)
    if (!(await stands(before, at)) || !(await stands(after, end))) return null
    if ((await checksumOf(source, values, end, crc, context)) !== expected) return null
    at = end + after.byteLength
  }
  return at
}

/** CRC-32 of bytes [start, end), after those whose checksum is `previous`. */
export async function checksumOf(
  source: Pick<ByteSource, 'slice'>,
  start: number,
  end: number,
  previous: number,
  { checkCancelled, crc32 }: ReadingContext,
): Promise<number> {
  let crc = previous
  for (let at = start; at < end; at += READ_BYTES) {
    checkCancelled()
    const bytes = await source.slice(at, Math.min(end, at + READ_BYTES))
    crc = crc32(bytes, crc)
    discard(bytes)
  }
  return crc
}

/** The same of all entries of a finished file, which follow each other from byte `start` on. */
export async function isEachIntact(
  { file: { tensors }, bytes }: FinishedFile,
  start: number,
  checksums: readonly number[],
  frames: ReturnType<Encoding['frames']>,
  context: JobContext,
): Promise<boolean> {
  if (checksums.length !== tensors.length) return false
  let at = start
  for (const [i, outline] of tensors.entries()) {
    context.report({ type: 'progress', phase: 'verify', tensor: outline.name, done: at, total: bytes.byteLength })
    const end = await endOfIntact(bytes, at, [{ outline, crc: checksums[i]! }], frames, context)
    if (end === null) return false
    at = end
  }
  return true
}
