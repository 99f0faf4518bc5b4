/**
 * What a source is, in 64 hexadecimal digits, without reading all of it: the list of its tensors, and the first and last bytes of each.
 * Tells one checkpoint from the next for --resume, merge and reports; it is no protection against forgery.
 */
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'

/** Of each end of a tensor. */
export const SAMPLE_BYTES = 1024

type HashContext = Pick<JobContext, 'sha256' | 'checkCancelled'>

/**
 * Of the files that a job reads, by role. A lone model is told by its own hash, several files by that of the lines `role:hash`, in the
 * order in which the job declares its roles.
 */
export async function sourceHash(files: Readonly<Record<string, WeightFile>>, context: HashContext): Promise<string> {
  const { model, ...others } = files
  if (model && Object.keys(others).length === 0) return fileHash(model, context)
  const hash = context.sha256()
  for (const [role, file] of Object.entries(files))
    hash.update(new TextEncoder().encode(`${role}:${await fileHash(file, context)}\n`))
  return hexadecimal(hash.digest())
}

async function fileHash(file: WeightFile, context: HashContext): Promise<string> {
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
