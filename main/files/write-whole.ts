/** Small files of the application itself - settings, history, sketches - written whole or not at all, by however many processes at once. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { remove, replace } from './replacing.ts'

/** In place of whatever has this path. Only this user can read it. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await writeFile(partial, content, { mode: 0o600 })
    await replace(partial, path)
  } catch (error) {
    await remove(partial).catch(() => {})
    throw error
  }
}
