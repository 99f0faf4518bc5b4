/**
 * Who may read an output: those who may read all that it was made from. A private model must not become a public one by being compressed.
 */
import type { FileHandle } from 'node:fs/promises'
import { chmod, stat } from 'node:fs/promises'
import { errno } from '../system/errno.ts'

/** While a file grows, its owner alone reads it. */
export const privateFile = 0o600
export const privateFolder = 0o700

/** Permissions of a file made from `sources`; null where there are none, so that the user's own habit (umask) decides. */
export async function modeOf(sources: readonly string[]): Promise<number | null> {
  if (sources.length === 0 || process.platform === 'win32') return null
  let mode = 0o666
  for (const source of sources) mode &= (await stat(source)).mode
  // A source that is read-only for its owner says nothing of what the owner does with a file of his own.
  return mode | privateFile
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
