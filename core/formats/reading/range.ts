import type { ByteSource } from '../../io.ts'
import { badFile, refused } from './refusal.ts'

/**
 * Bytes [start, end) of `source`, exactly that many.
 * @throws AppError `bad-file` when the range is not inside the file, `source-changed` when the file gives fewer bytes than it has
 */
export async function readRange(source: ByteSource, start: number, end: number, what: string): Promise<Uint8Array> {
  if (!(start >= 0 && start <= end && end <= source.byteLength)) {
    throw badFile(`${source.name}: ${what}`, `a range inside the file's ${source.byteLength} bytes`, `${start}..${end}`)
  }
  const bytes = await source.slice(start, end)
  if (bytes.byteLength !== end - start) {
    throw refused(
      'source-changed',
      `${source.name}: expected ${end - start} bytes at ${start} (${what}), got ${bytes.byteLength}: the file changed while it was read`,
    )
  }
  return bytes
}
