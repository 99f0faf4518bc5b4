/**
 * Whether something on disk is ours. A run to NAME keeps what is unfinished under names that it derives from NAME, and later replaces or
 * removes what lies there; but anybody can have put anything under such a name. So a name proves nothing: what lies under one is ours
 * only where a journal or a lock beside it says so, and every writer asks here first. Whatever else is in the way stays,
 * and is named.
 */

import { lstat, readdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { isJournal, journalName } from '../../core/write/resume/journal.ts'
import { fileIdentity, sameFile } from './files.ts'
import { isLock, isLockLeft, lockPath, oldLockPath } from './hold.ts'
import { readWhole } from './read-whole.ts'

/** Where a file or folder grows before it takes its name. */
export function partialPath(target: string): string {
  return `${target}.partial`
}

/** And back. */
export function targetOf(partial: string): string {
  return partial.slice(0, -partialPath('').length)
}

/** Where a run to this target keeps what is unfinished: the output and its journal. */
export function unfinishedPaths(target: string): string[] {
  return [target, journalName(target)].map(partialPath)
}

/** Every name that a run to this target may replace or remove, besides the target itself. */
function derivedPaths(target: string): string[] {
  return [...unfinishedPaths(target), lockPath(target), oldLockPath(target)]
}

/** Whether a journal or a lock of ours says that what is unfinished at this target is ours. */
export async function isOurs(target: string): Promise<boolean> {
  if (await isLock(lockPath(target))) return true
  return holds(partialPath(journalName(target)), isJournal)
}

/**
 * Asked before a run takes its lock, and so before it touches anything.
 * @param sources paths of what is read, under whatever names
 * @throws AppError `would-overwrite` where a source or something foreign lies under one of the names that the run would use
 */
export async function assertNothingForeign(target: string, sources: readonly string[]): Promise<void> {
  for (const path of derivedPaths(target)) {
    for (const source of sources) {
      if (await leadsThrough(source, path)) throw isSource(path, target)
    }
  }
  const [output, journal] = unfinishedPaths(target) as [string, string]
  // A lock was safe on the disk before the journal began: it speaks for one that a power cut has left unreadable.
  const locked = await isLock(lockPath(target))
  if (!locked && !(await isWorthless(journal)) && !(await holds(journal, isJournal))) throw foreign(journal, target)
  for (const path of [lockPath(target), oldLockPath(target)])
    if (!(await isWorthless(path)) && !(await isLockLeft(path))) throw foreign(path, target)
  // Asked again once something was seen: another run may have begun or ended between two looks.
  for (const _ of [1, 2]) if ((await isOurs(target)) || (await isWorthless(output))) return
  throw foreign(output, target)
}

/** @throws AppError `would-overwrite` where one of these files or folders lies at `target`, under whatever name it is reached */
export async function assertNoneOf(target: string, sources: readonly string[]): Promise<void> {
  const identity = await fileIdentity(target)
  for (const source of sources) if (sameFile(identity, await fileIdentity(source))) throw isSource(source, target)
}

/** Whether the way to `source`, links followed or not, is `path` or goes through it. */
async function leadsThrough(source: string, path: string): Promise<boolean> {
  const identity = await fileIdentity(path)
  if (!identity) return false
  for (const way of new Set([source, await realpath(source).catch(() => source)])) {
    for (let place = way; ; place = dirname(place)) {
      if (sameFile(identity, await fileIdentity(place))) return true
      if (place === dirname(place)) break
    }
  }
  return false
}

/** Nothing is there, or nothing is in it. A link is the user's, wherever it leads. */
async function isWorthless(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (!found) return true
  if (found.isDirectory()) return (await readdir(path)).length === 0
  return found.isFile() && found.size === 0
}

async function holds(path: string, proof: (bytes: Uint8Array) => boolean): Promise<boolean> {
  try {
    return proof(await readWhole(path))
  } catch {
    // Nothing is there, or it is no file that could be a journal.
    return false
  }
}

function isSource(path: string, target: string): AppError {
  return new AppError('would-overwrite', say('files.is-source', { name: fileName(path), target: fileName(target) }))
}

function foreign(path: string, target: string): AppError {
  return new AppError('would-overwrite', say('files.in-the-way', { name: fileName(path), target: fileName(target) }))
}
