import { open } from 'node:fs/promises'
import { errno } from '../system/errno.ts'

/** Makes the names in a folder durable. Windows cannot open a folder, and needs no such step. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network file systems refuse to sync a folder; the file itself has been synced.
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes(errno(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}
