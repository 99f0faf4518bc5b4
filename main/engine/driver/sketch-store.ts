/**
 * The cold tier of finished sketches: one file a sketch in a folder shared by all engines of this user, bounded in bytes.
 * Losing any of it costs a factorization, never a result: a write that fails or a file that vanishes is a miss.
 *
 * Nothing there is believed for its name. A power cut leaves zeros, a disk loses bits, a folder is copied or renamed: each file begins
 * with the digest of its key and its content, and one that does not hold is a miss too, and goes.
 */
import { createHash } from 'node:crypto'
import { lstat, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { ColdStore } from '../../../core/sketch-cache/cold-store.ts'
import { freeBytes } from '../../files/free-space.ts'
import { readWhole } from '../../files/read-whole.ts'
import { remove } from '../../files/replacing.ts'
import { writeWhole } from '../../files/write-whole.ts'
import { makeFolder } from '../../system/make-folder.ts'

/**
 * The analysis of a model keeps 4 bytes x rank 512 x (rows + columns) of each matrix: 2.3 GB for 24 layers of width 2048. Of a larger
 * model the matrices analyzed last stay, and the others are factorized again when they are compressed.
 */
const DEFAULT_LIMIT_BYTES = 4e9

/** However large the limit, no more than this share of what is free or already used for sketches. */
const SHARE_OF_FREE = 1 / 4

/** Sketches are dropped down to this share of the limit, so that the folder is not looked at for each sketch. */
const DROP_TO = 7 / 8

/** Each engine may write this share of what is free before it looks again: four that write at once stay within the limit. */
const SHARE_OF_ROOM = 1 / 4

export function sketchStore(folder: string, limitBytes = DEFAULT_LIMIT_BYTES): ColdStore {
  /** Bytes that may be written before the folder is looked at again. */
  let room = 0
  const pathOf = (key: string) => join(folder, `${createHash('sha256').update(key).digest('hex')}.sketch`)
  return {
    read: async (key) => {
      try {
        const content = unsealed(key, await readWhole(pathOf(key), limitBytes + sealBytes))
        if (!content) {
          await remove(pathOf(key))
          return null
        }
        // Reading makes it young again: what is dropped first is what was not looked at for the longest time.
        await utimes(pathOf(key), new Date(), new Date())
        return content
      } catch {
        return null
      }
    },
    write: async (key, bytes) => {
      if (bytes.byteLength > limitBytes) return
      const file = sealed(key, bytes)
      try {
        await makeFolder(folder)
        await writeWhole(pathOf(key), file, false)
        room -= file.byteLength
        if (room < 0) room = await makeRoom(folder, limitBytes)
      } catch {
        // A sketch that could not be kept is made again.
      }
    },
  }
}

/** Of a sketch, or of one that is being written or was when its engine was killed (main/files/write-whole.ts). */
function isOwnName(name: string): boolean {
  return /^[0-9a-f]{64}\.sketch(\.[0-9a-f-]{36}\.partial)?$/.test(name)
}

const magic = new TextEncoder().encode('GhostSVD sketch\n')
const digestBytes = 32
const sealBytes = magic.byteLength + digestBytes

function sealed(key: string, content: Uint8Array): Uint8Array {
  return Buffer.concat([magic, digestOf(key, content), content])
}

/** A copy of the content, or null where `file` is not what was written under `key`. */
function unsealed(key: string, file: Uint8Array): Uint8Array | null {
  const content = new Uint8Array(file.subarray(sealBytes))
  const seal = Buffer.concat([magic, digestOf(key, content)])
  return seal.equals(file.subarray(0, sealBytes)) ? content : null
}

/** The key's length keeps its end apart from the content's beginning. */
function digestOf(key: string, content: Uint8Array): Buffer {
  return createHash('sha256').update(`${key.length}:${key}`).update(content).digest()
}

/** Removes the files used least recently where there are too many; how much more may be written. Other engines may be doing the same. */
async function makeRoom(folder: string, limitBytes: number): Promise<number> {
  const files = await Promise.all(
    // Whatever else somebody keeps there is not ours to remove.
    (await readdir(folder)).filter(isOwnName).map(async (name) => {
      const found = await lstat(join(folder, name)).catch(() => null)
      return { name, byteLength: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 }
    }),
  )
  let total = files.reduce((sum, file) => sum + file.byteLength, 0)
  const limit = Math.min(limitBytes, (total + (await freeBytes(folder))) * SHARE_OF_FREE)
  if (total > limit) {
    for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= limit * DROP_TO) break
      await remove(join(folder, file.name))
      total -= file.byteLength
    }
  }
  return (limit - total) * SHARE_OF_ROOM
}
