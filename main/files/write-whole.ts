/** Small files of the application itself - settings, history, sketches - written whole or not at all, by however many processes at once. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
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
