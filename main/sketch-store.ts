/**
 * The cold tier of finished sketches: one file a sketch in a folder shared by all engines of this user, bounded in bytes.
 * Losing any of it costs a factorization, never a result: a write that fails or a file that vanishes is a miss.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ColdStore } from '../core/sketch-cache/cold-store.ts'

/** A rank-64 sketch of a 4096 x 4096 matrix is 2.4 MB: room for several models of a few hundred matrices. */
const DEFAULT_LIMIT_BYTES = 4e9

export function sketchStore(folder: string, limitBytes = DEFAULT_LIMIT_BYTES): ColdStore {
  const pathOf = (key: string) => join(folder, `${createHash('sha256').update(key).digest('hex')}.safetensors`)
  return {
    read: async (key) => {
      try {
        const bytes = await readFile(pathOf(key))
        // Reading makes it young again: what is dropped first is what was not looked at for the longest time.
        await utimes(pathOf(key), new Date(), new Date())
        return bytes
      } catch {
        return null
      }
    },
    write: async (key, bytes) => {
      if (bytes.byteLength > limitBytes) return
      const partial = join(folder, `${randomUUID()}.partial`)
      try {
        await mkdir(folder, { recursive: true })
        await writeFile(partial, bytes)
        await rename(partial, pathOf(key))
        await dropOldest(folder, limitBytes)
      } catch {
        // Where not even the folder can be, there is nothing to remove.
        await rm(partial, { force: true }).catch(() => {})
      }
    },
  }
}

/** Removes the files used least recently until the folder is within `limitBytes`. Other engines may be doing the same. */
async function dropOldest(folder: string, limitBytes: number): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => null)
      return { name, byteLength: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 }
    }),
  )
  let total = files.reduce((sum, file) => sum + file.byteLength, 0)
  for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= limitBytes) return
    await rm(join(folder, file.name), { force: true })
    total -= file.byteLength
  }
}
