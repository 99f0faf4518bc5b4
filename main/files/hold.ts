/**
 * One run at a time writes NAME, on this machine or on any that shares the folder: it has NAME.partial.lock beside it, made in one step,
 * which names its process. The lock of a process that has ended is taken over. So is that of one which cannot be asked from here, on another
 * machine or in another container: it may have ended too, and a job that is restarted elsewhere needs no supervision. Should
 * it live, no byte of one run reaches the other's files: the later one resumes in copies of what it finds, and the earlier one sees at its
 * next sync that the lock is another's, and fails.
 */

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, lstat, open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { errno } from '../system/errno.ts'
import { processIdentitySchema, stillLives, thisProcess } from '../system/process-identity.ts'
import { writeFault } from './file-errors.ts'
import { readWhole } from './read-whole.ts'
import { remove, replace } from './replacing.ts'
import { syncFolder } from './sync-folder.ts'

const lockSchema = z.strictObject({
  id: z.string(),
  process: processIdentitySchema,
  /** Whether another process may still be writing into what lay there when it was taken. */
  doubtful: z.boolean(),
})
type Lock = z.infer<typeof lockSchema>

export interface Hold {
  readonly doubtful: boolean
  isOwn(): Promise<boolean>
  /** @throws AppError `cannot-write` where another run has taken it over */
  assertOwn(): Promise<void>
  release(): Promise<void>
}

export function lockPath(target: string): string {
  return `${target}.partial.lock`
}

/** Where the lock of an ended run is put aside while it is taken over. */
export function oldLockPath(target: string): string {
  return `${lockPath(target)}.old`
}

/** @param note as `onPartial` of a sink @throws AppError `would-overwrite` where a run that lives has it */
export async function takeHold(
  target: string,
  note: (path: string, exists: boolean) => Promise<void> = async () => {},
): Promise<Hold> {
  const path = lockPath(target)
  const mine = { id: randomUUID(), process: await thisProcess(), doubtful: false }
  try {
    await note(path, true)
    while (!(await tryCreate(path, mine))) {
      const found = await readLock(path)
      if (!found) continue
      const lives = found.lock && (await stillLives(found.lock.process))
      if (lives) throw beingWritten(target)
      mine.doubtful ||= lives === null || found.lock?.doubtful === true
      await putAside(target, found.text)
    }
    await remove(oldLockPath(target))
  } catch (error) {
    await note(path, false)
    throw writeFault(error, basename(target))
  }
  const isOwn = async () => {
    // Removed by a process that took it for a leftover: it is still this run's.
    while (!(await tryCreate(path, mine))) {
      const found = await readLock(path)
      if (found) return found.lock?.id === mine.id
    }
    return true
  }
  const removeOwn = async () => {
    if ((await readLock(path))?.lock?.id === mine.id) await remove(path)
  }
  return {
    doubtful: mine.doubtful,
    isOwn,
    assertOwn: async () => {
      if (!(await isOwn())) throw takenOver(basename(target))
    },
    release: async () => {
      // What became of the run is said already. A lock that cannot be removed, since the folder is read-only by now, is soon that of a process that has
      // ended, which holds up nobody.
      await removeOwn().catch(() => {})
      await note(path, false)
    },
  }
}

/** Two writers would spoil each other's output. */
export function beingWritten(target: string): AppError {
  return new AppError('would-overwrite', say('files.being-written', { name: fileName(target) }))
}

/** What the earlier of two runs is told. */
export function takenOver(name: string): AppError {
  return new AppError('cannot-write', say('files.taken-over', { name: fileName(name) }))
}

/** The same bytes in a file of their own, in place of one that another process may still have open. Shares blocks where the file system can. */
export async function renew(partial: string): Promise<void> {
  await removeCopies(partial)
  const copy = `${partial}.${randomUUID()}.copy`
  try {
    await copyFile(partial, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await replace(copy, partial)
  } catch (error) {
    await remove(copy)
    throw error
  }
}

/** Of runs that were killed while they made one, or that have lost the name to the one that asks: each is as large as the output. */
export async function removeCopies(partial: string): Promise<void> {
  const copy = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.copy$/
  const name = basename(partial)
  for (const each of await readdir(dirname(partial)))
    if (each.startsWith(name) && copy.test(each.slice(name.length))) await remove(join(dirname(partial), each))
}

/** False where there is one already. */
async function tryCreate(path: string, lock: Lock): Promise<boolean> {
  const handle = await open(path, 'wx').catch((error) => {
    if (errno(error) === 'EEXIST') return null
    throw error
  })
  if (!handle) return false
  try {
    await handle.writeFile(JSON.stringify(lock))
    // Safe before anything else of the run is there: after a power cut it says whose that is, whatever became of its bytes.
    await handle.sync()
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    // On a full disk there is room for its name alone.
    await remove(path)
    throw error
  } finally {
    await handle.close()
  }
}

/** A lock that exists and is empty is about to be written: a moment later it says whose it is, or never will. */
const TRIES = 20
const TRY_MS = 25

interface Found {
  readonly text: string
  /** null where a power cut truncated it: its owner is unknown. */
  readonly lock: Lock | null
}

/** Whether a run that lives has it; one that cannot be asked from here does not count. */
export async function isHeld(target: string): Promise<boolean> {
  const lock = (await readLock(lockPath(target)))?.lock
  return lock ? (await stillLives(lock.process)) === true : false
}

/** Whether a lock of ours is at `path`, of a run that lives or of one that has ended. */
export async function isLock(path: string): Promise<boolean> {
  return (await look(path))?.lock != null
}

/**
 * As `isLock`, also where a power cut has left no more than its beginning, or its length and no bytes: nothing is lost with it, and nothing
 * is proven by it.
 */
export async function isLockLeft(path: string): Promise<boolean> {
  return /^(\{"id":"|\0{1,4096}$)/.test((await look(path))?.text ?? '')
}

/** null also for a folder, a pipe, or what this user may not read. */
async function look(path: string): Promise<Found | null> {
  return readLock(path).catch(() => null)
}

/** null where there is none. */
async function readLock(path: string): Promise<Found | null> {
  let text = ''
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await wait(TRY_MS)
    try {
      text = (await readWhole(path)).toString('utf8')
      return { text, lock: lockSchema.parse(JSON.parse(text)) }
    } catch (error) {
      // A link that leads nowhere is there all the same: nothing can be made in its place.
      if (errno(error) === 'ENOENT') return (await isThere(path)) ? { text: '', lock: null } : null
      if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
    }
  }
  return { text, lock: null }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Of several that find the same lock one moves it away. Where it was a newer one by then, it goes back. */
async function putAside(target: string, text: string): Promise<void> {
  const old = oldLockPath(target)
  try {
    await replace(lockPath(target), old)
    if ((await readWhole(old)).toString('utf8') !== text) await replace(old, lockPath(target))
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error
  }
}
