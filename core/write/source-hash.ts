/**
 * What a source is, in 64 hexadecimal digits, without reading all of it: the list of its tensors, and the first and last bytes of each.
 * Tells one checkpoint from the next for --resume, merge and reports; it is no proof against somebody who wants to fool it.
 */
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'

/** Of each end of a tensor. */
export const SAMPLE_BYTES = 1024

export async function sourceHash(
  file: WeightFile,
  context: Pick<JobContext, 'sha256' | 'checkCancelled'>,
): Promise<string> {
  const hash = context.sha256()
  for (const info of file.tensors) {
    context.checkCancelled()
    const { name, dtype, shape, byteLength } = info
    hash.update(new TextEncoder().encode(JSON.stringify([name, dtype, shape])))
    hash.update(await file.read(info, 0, Math.min(SAMPLE_BYTES, byteLength)))
    hash.update(await file.read(info, Math.max(0, byteLength - SAMPLE_BYTES), byteLength))
  }
  return hexadecimal(hash.digest())
}

export function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
