/** Small files of the application itself - settings, history, sketches - written whole or not at all, by however many processes at once. */
import { randomUUID } from 'node:crypto'
import { lstat, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { remove, replace } from './replacing.ts'

/**
 * In place of whatever has this path. Only this user can read it.
 * @param lasting whether it is safe on the disk before it takes the name: without that a power cut may leave the name and no bytes. Not for
 *   what is checked by its own checksum and can be made again.
 */
export async function writeWhole(path: string, content: string | Uint8Array, lasting = true): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await writeFile(partial, content, { mode: 0o600, flush: lasting })
    await replace(partial, path)
  } catch (error) {
    await remove(partial).catch(() => {})
    throw error
  }
}

const left = /^(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.partial$/
/** Writing one takes milliseconds: whoever has not finished in an hour was ended in the middle of it. */
const leftMs = 3_600_000

/** Removes what was left in a folder of files that were being written when their process was killed. @param isOurs of the file's own name, whether we write it there */
export async function sweepLeft(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const own = left.exec(name)?.[1]
    if (own === undefined || !isOurs(own)) continue
    const path = join(folder, name)
    const found = await lstat(path).catch(() => null)
    if (found?.isFile() && Date.now() - found.mtimeMs > leftMs) await remove(path).catch(() => {})
  }
}
