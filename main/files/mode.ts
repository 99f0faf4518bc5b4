/**
 * Who may read an output: those who may read all that it was made from. A private model must not become a public one by being compressed.
 */
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { chmod, stat } from 'node:fs/promises'
import { errno } from '../system/errno.ts'
import { isNowhere } from './file-errors.ts'

/** While a file grows, its owner alone reads it. */
export const privateFile = 0o600
export const privateFolder = 0o700

/**
 * Permissions of a file made from `sources`; null where there are none, so that the user's own habit (umask) decides. What was looked for beside a model
 * and is not there, such as its configuration, is among them and says nothing.
 */
export async function modeOf(sources: readonly string[]): Promise<number | null> {
  if (process.platform === 'win32') return null
  const found = (await Promise.all(sources.map(statusOf))).filter((status) => status !== null)
  if (found.length === 0) return null
  const mode = found.reduce((sum, status) => sum & status.mode, 0o666)
  // A source that is read-only for its owner says nothing of what the owner does with a file of his own.
  return mode | privateFile
}

async function statusOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (isNowhere(error)) return null
    throw error
  }
}

export async function applyMode(file: FileHandle | string, mode: number | null): Promise<void> {
  if (mode === null) return
  try {
    if (typeof file === 'string') await chmod(file, folderMode(mode))
    else await file.chmod(mode)
  } catch (error) {
    // FAT and some network file systems have no permissions to set.
    if (!['EPERM', 'ENOTSUP', 'EINVAL', 'ENOSYS'].includes(errno(error) ?? '')) throw error
  }
}

/** Who may read the files may enter their folder. */
function folderMode(mode: number): number {
  return mode | ((mode & 0o444) >> 2)
}
