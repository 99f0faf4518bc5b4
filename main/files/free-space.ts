/** The room that is left on a disk. */
import { statfs } from 'node:fs/promises'

/** Bytes that may still be written into this folder; Infinity where a file system reports no blocks and so does not know its size. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(folder)
  return blocks > 0 ? bavail * bsize : Number.POSITIVE_INFINITY
}
