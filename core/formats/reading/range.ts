/** The only way readers take bytes of a file: the whole range that was asked for, or an error that names it. */
import { AppError } from '../../errors.ts'
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import { badFile } from './refusal.ts'

/**
 * Bytes [start, end) of `source`, exactly that many.
 * @throws AppError `bad-file` when the range is not inside the file, `source-changed` when the file gives fewer bytes than it has
 */
export async function readRange(
  source: Pick<ByteSource, 'name' | 'byteLength' | 'slice'>,
  start: number,
  end: number,
  what: string,
): Promise<Uint8Array> {
  if (!(start >= 0 && start <= end && end <= source.byteLength)) {
    throw badFile(`${source.name}: ${what}`, `a range inside the file's ${source.byteLength} bytes`, `${start}..${end}`)
  }
  const bytes = await source.slice(start, end)
  if (bytes.byteLength !== end - start) {
    throw new AppError(
      'source-changed',
      say('formats.changed', {
        where: foreign(source.name),
        what: foreign(what),
        start,
        needs: end - start,
        has: bytes.byteLength,
      }),
    )
  }
  return bytes
}
