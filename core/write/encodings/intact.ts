/**
 * What was written earlier, read again before anything is built on it: each entry against its checksum, and in an archive what stands
 * around the values against what has to stand there.
 */
import { planNpz } from '../../formats/numpy/npz.ts'
import { type ByteSource, discard } from '../../io.ts'
import type { ReadingContext } from '../../matrix/checksum.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { tensorBytes } from '../../tensor.ts'
import { sameBytes, type WrittenEntry } from './weights-output.ts'

export type Encoding = 'safetensors' | 'npz'

interface Frame {
  readonly before: Uint8Array
  /** Where the checksum of the values begins. */
  readonly crc: number
  readonly after: Uint8Array
}

const bare: Frame = { before: new Uint8Array(0), crc: 0, after: new Uint8Array(0) }

/** Where these entries end that begin at byte `start`; null where one of them is not what was written. */
export async function endOfIntact(
  source: Pick<ByteSource, 'slice'>,
  start: number,
  entries: readonly WrittenEntry[],
  encoding: Encoding,
  context: ReadingContext,
): Promise<number | null> {
  let at = start
  for (const entry of entries) {
    const { before, crc, after } = encoding === 'npz' ? frameOf(entry) : bare
    const values = at + before.byteLength
    const end = values + tensorBytes(entry.outline.dtype, entry.outline.shape)
    const stands = async (bytes: Uint8Array, from: number) =>
      sameBytes(await source.slice(from, from + bytes.byteLength), bytes)
    if (!(await stands(before, at)) || !(await stands(after, end))) return null
    if ((await checksumOf(source, values, end, crc, context)) !== entry.crc) return null
    at = end + after.byteLength
  }
  return at
}

function frameOf({ outline, crc }: WrittenEntry): Frame {
  const plan = planNpz([outline])
  const { bytes, crc: begun } = plan.before(0)
  return { before: bytes, crc: begun, after: plan.after(0, crc) }
}

async function checksumOf(
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
