/**
 * All that replaces or removes files goes through here. Windows refuses both while another program has the file open - a virus scanner, an
 * indexer, a viewer - and most of them are done within a second: a refusal is tried again for a few seconds, and then named.
 */

import { type RmOptions, rmSync } from 'node:fs'
import * as disk from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { errno } from '../system/errno.ts'

/** What Windows says of a file that is open elsewhere, and of a folder whose last file is not quite gone yet. */
const inUse: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY', 'ENOTEMPTY'])
/** Elsewhere such a refusal is final: it speaks of permissions, and time changes none. */
const patienceMs = process.platform === 'win32' ? 4_000 : 0
const firstPauseMs = 20
const longestPauseMs = 320

/**
 * Tries `action` until it succeeds, fails in another way, or `limitMs` have passed.
 * @throws AppError `cannot-write` that names what has `path` open, where that has not changed in all that time
 */
export async function persist<T>(path: string, action: () => Promise<T>, limitMs = patienceMs): Promise<T> {
  for (let waited = 0, pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      return await action()
    } catch (error) {
      if (limitMs === 0 || !inUse.has(errno(error))) throw error
      if (await isReadOnly(path)) throw refusal(path, 'system.read-only-file', 'files.choose-name')
      if (waited >= limitMs) throw refusal(path, 'system.open-elsewhere', 'files.close-and-retry')
    }
    await wait(pause)
    waited += pause
  }
}

/** `from` takes the place of whatever file is at `to`, in one step. */
export function replace(from: string, to: string): Promise<void> {
  return persist(to, () => disk.rename(from, to))
}

/** A file, or nothing. */
export function remove(path: string): Promise<void> {
  return persist(path, () => disk.rm(path, { force: true }))
}

const tree: RmOptions = { force: true, recursive: true }

/** A file, or a folder with all that is in it, or nothing. */
export function removeTree(path: string): Promise<void> {
  return persist(path, () => disk.rm(path, tree))
}

/** As `removeTree`, where a process ends and can wait for nothing. What cannot be removed then stays. */
export function removeTreeAtExit(path: string): void {
  try {
    rmSync(path, { ...tree, maxRetries: patienceMs > 0 ? 3 : 0 })
  } catch {
    // Its owner is told by the file inside: the next host sweeps.
  }
}

/** The attribute of Windows, which refuses in the same words as a program that has the file open. */
async function isReadOnly(path: string): Promise<boolean> {
  const status = await disk.stat(path).catch(() => null)
  return status?.isFile() === true && (status.mode & 0o200) === 0
}

function refusal(
  path: string,
  why: 'system.read-only-file' | 'system.open-elsewhere',
  advice: 'files.choose-name' | 'files.close-and-retry',
): AppError {
  const name = fileName(basename(path))
  return new AppError('cannot-write', [say('files.cannot-write', { name, why: say(why), written: null }), say(advice)])
}
