/**
 * Where outputs go: OutputFolder over node:fs. A file grows as NAME.partial beside its final name, several of them in a folder NAME.partial;
 * a reader sees the old state or the whole new one, also after a power cut. What is unfinished can be resumed, or discarded.
 */

import { lstat, mkdir, open, readdir, rmdir } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { AppError, existsAlready } from '../../core/errors.ts'
import type { ByteSink, OutputFolder, OutputSubfolder } from '../../core/io.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { countFinished, isJournal, journalName } from '../../core/write/resume/journal.ts'
import { errno } from '../system/errno.ts'
import { isNowhere, writeFault } from './file-errors.ts'
import { fileIdentity, sameFile, singleComponent, sourceFolder } from './files.ts'
import { freeBytes } from './free-space.ts'
import { beingWritten, type Hold, isHeld, lockPath, oldLockPath, removeCopies, renew, takeHold } from './hold.ts'
import { applyMode, modeOf, privateFile, privateFolder } from './mode.ts'
import { onOneDisk } from './one-disk.ts'
import { attempt, exists, fileSink, type SinkOptions, type TargetNames } from './output-sink.ts'
import { assertNothingForeign, isOurs, partialPath, targetOf, unfinishedPaths } from './ownership.ts'
import { readWhole } from './read-whole.ts'
import { persist, remove, removeTree, replace } from './replacing.ts'
import { assertNoFolder, dropAside, putBack, replaceContents } from './set-aside.ts'
import { syncFolder } from './sync-folder.ts'
import { type Bounds, holdFolder, inFolder } from './within.ts'

export interface OutputOptions extends SinkOptions {
  /** Paths of the files that are read: never a target, under whatever name they are reached. */
  readonly sources: readonly string[]
  /** What the folder is called, where its path does not say so. */
  readonly called?: string
  /** As `onPartial`, of the lock of what is held. */
  onLock?(path: string, exists: boolean): Promise<void>
}

export function outputFolder(path: string, given: OutputOptions): OutputFolder {
  let held: Hold | null = null
  const options = { ...given, hold: given.hold ?? (() => held) }
  return {
    ...sourceFolder(path),
    list: async () => {
      try {
        const names = await contents(path)
        if (names) return names
      } catch (error) {
        throw writeFault(error, basename(options.called ?? path))
      }
      throw new AppError('cannot-write', say('files.folder-gone', { name: fileName(options.called ?? path) }))
    },
    hold: async (file) => {
      const target = join(path, singleComponent(file))
      await assertNothingForeign(target, options.sources)
      const hold = await takeHold(target, options.onLock)
      held = hold
      return {
        release: async () => {
          held = null
          await hold.release()
        },
      }
    },
    create: async (file, byteLength) => {
      const names = await targetNames(path, file, options)
      await attempt(names, async () => {
        await options.hold()?.assertOwn()
        await clear(names, options)
        await assertFreeSpace(path, names.name, byteLength, options)
      })
      return openPartial(names, 'wx+', 0, options)
    },
    resume: async (file, byteLength) => {
      const names = await targetNames(path, file, options)
      const left = await attempt(names, () => fileIdentity(names.partial))
      if (!left?.regular) return null
      const hold = options.hold()
      await attempt(names, async () => {
        await hold?.assertOwn()
        // A copy needs the space of the whole file while the one it is made of is still there.
        await assertFreeSpace(path, names.name, hold?.doubtful ? byteLength : byteLength - left.byteLength, options)
        if (hold?.doubtful) await renew(names.partial)
      })
      return openPartial(names, 'r+', left.byteLength, options)
    },
    subfolder: (name, byteLength) => newSubfolder(path, name, byteLength, options),
    resumeSubfolder: (name) => resumedSubfolder(path, name, options),
    discard: async (file, finished = false) => {
      const name = singleComponent(file)
      const partial = partialPath(join(path, name))
      try {
        await options.hold()?.assertOwn()
        await assertNoSource(partial, name, options.sources)
      } catch (error) {
        throw writeFault(error, name)
      }
      if (!finished) await putBack(partial, join(path, name))
      await discard(partial)
    },
    inside: (name) => sourceFolder(join(path, singleComponent(name))),
  }
}

async function openPartial(
  names: TargetNames,
  flags: string,
  start: number,
  options: OutputOptions,
): Promise<ByteSink> {
  return beginPartial(names, options, async () => {
    const mode = await modeOf(options.sources)
    const handle = await open(names.partial, flags, mode === null ? undefined : privateFile)
    return fileSink(handle, names, start, { ...options, mode })
  })
}

/** Announced before it exists. What was not there a moment ago and is there now is another run's. @throws AppError `would-overwrite` */
async function beginPartial<T>(names: TargetNames, options: OutputOptions, begin: () => Promise<T>): Promise<T> {
  await options.onPartial?.(names.partial, true)
  try {
    return await begin()
  } catch (error) {
    await options.onPartial?.(names.partial, false)
    throw errno(error) === 'EEXIST' ? beingWritten(names.target) : writeFault(error, names.name)
  }
}

/** Removes what `onPartial` announced: a partial file, or with its files a partial folder, whose path ends in a separator. */
export async function removePartial(path: string, within: Bounds = null): Promise<void> {
  await inFolder(dirname(path), within, async (folder) => {
    const partial = join(folder, basename(path))
    if (!path.endsWith(sep)) return remove(partial)
    await putBack(partial, targetOf(partial), within)
    await removeTree(partial)
  })
}

/** How many tensors of an unfinished run can be resumed at its target: they lie there, and a journal says so. */
export async function countUnfinished(target: string): Promise<number> {
  try {
    const journal = await readWhole(partialPath(journalName(target)))
    return isJournal(journal) && (await exists(partialPath(target))) ? countFinished(journal) : 0
  } catch (error) {
    if (isNowhere(error)) return 0
    throw error
  }
}

/**
 * Removes what an unfinished run left at its target; a finished output there stays, and so does whatever is not ours. Nothing happens
 * where nothing was left.
 * @throws AppError `would-overwrite` where another run is writing it
 */
export async function discardUnfinished(target: string, within: Bounds = null): Promise<void> {
  const held = await holdFolder(dirname(target), within).catch((error) => {
    if (isNowhere(error)) return null
    throw writeFault(error, basename(target), say('files.remove-by-hand'))
  })
  if (!held) return
  const there = join(held.path, basename(target))
  try {
    if (!(await isOurs(there))) return
    if (await isHeld(there)) throw beingWritten(target)
    for (const path of unfinishedPaths(there)) await removeCopies(path)
    await putBack(partialPath(there), there, within)
    for (const path of [...unfinishedPaths(there), lockPath(there), oldLockPath(there)]) await discard(path)
  } finally {
    await held.close()
  }
}

/** Removes a partial file or folder. */
async function discard(partial: string): Promise<void> {
  try {
    await removeTree(partial)
  } catch (error) {
    if (isNowhere(error)) return
    throw writeFault(error, basename(partial), say('files.remove-by-hand'))
  }
}

/**
 * Makes room for a partial file or folder. While the name is held, what lies there was seen to be ours before it was taken; otherwise
 * only a journal or a lock says so.
 */
async function clear({ target, partial }: TargetNames, options: OutputOptions): Promise<void> {
  if (!options.hold?.()) await assertNothingForeign(target, options.sources)
  await putBack(partial, target)
  await removeTree(partial)
}

async function newSubfolder(
  path: string,
  folder: string,
  byteLength: number,
  options: OutputOptions,
): Promise<OutputSubfolder> {
  const names = await folderNames(path, folder, options)
  await attempt(names, async () => {
    await options.hold?.()?.assertOwn()
    await clear(names, options)
    await assertFreeSpace(path, names.name, byteLength, options)
    const mode = await modeOf(options.sources)
    await beginPartial(names, options, () => mkdir(names.partial, mode === null ? {} : { mode: privateFolder }))
  })
  return outputSubfolder(names, options)
}

async function resumedSubfolder(path: string, folder: string, options: OutputOptions): Promise<OutputSubfolder | null> {
  const names = await folderNames(path, folder, options)
  return attempt(names, async () => {
    const left = await contents(names.partial)
    if (!left) return null
    await options.hold?.()?.assertOwn()
    await options.onPartial?.(names.partial, true)
    return outputSubfolder(names, options)
  })
}

/** The partial folder's path ends in a separator. @throws AppError `would-overwrite` */
async function folderNames(folder: string, file: string, { sources, overwrite }: OutputOptions): Promise<TargetNames> {
  const name = singleComponent(file)
  const target = join(folder, name)
  const names = { folder, name, target, partial: partialPath(target) + sep }
  await attempt(names, async () => {
    for (const path of [target, names.partial]) await assertNoSource(path, name, sources)
    const existing = await contents(target)
    if (existing?.length && !overwrite) throw existsAlready(name)
    if (existing) await assertMovable(folder, target)
  })
  return names
}

/** What has grown beside its name could not take it. @throws AppError `cannot-write` where another disk is mounted there, or a link leads to one */
async function assertMovable(folder: string, target: string): Promise<void> {
  if (await onOneDisk(folder, target)) return
  throw new AppError('cannot-write', say('files.other-disk', { name: fileName(target) }))
}

function outputSubfolder(names: TargetNames, options: OutputOptions): OutputSubfolder {
  const { folder, name, target, partial } = names
  // What an earlier run has finished in it may be written again.
  const inside = outputFolder(partial, { ...options, overwrite: true })
  let open = true
  const end = async () => {
    open = false
    await options.onPartial?.(partial, false)
  }
  return {
    ...inside,
    create: async (file, byteLength) => {
      // Known before its values are computed.
      await assertNoFolder(join(target, singleComponent(file)))
      return inside.create(file, byteLength)
    },
    finish: () =>
      attempt(names, async () => {
        await options.hold?.()?.assertOwn()
        const existing = await contents(target)
        await applyMode(partial, await modeOf(options.sources))
        // A link stays one: no folder can take its place, and what it leads to may be in use under other names.
        const isLink = existing !== null && (await lstat(target)).isSymbolicLink()
        if (existing?.length && !options.overwrite) throw existsAlready(name)
        if (existing?.length || isLink) {
          await replaceContents(partial, target)
          await removeTree(partial)
        } else {
          await dropAside(partial)
          // Windows does not rename onto a folder, not even an empty one.
          if (existing) await persist(target, () => rmdir(target))
          await replace(partial, target)
        }
        await syncFolder(folder)
        await end()
      }),
    suspend: async () => {
      await attempt(names, () => syncFolder(folder))
      await end()
    },
    abort: async () => {
      if (!open) return
      if ((await options.hold?.()?.isOwn()) !== false) await removePartial(partial)
      await end()
    },
  }
}

/**
 * What is written replaces what it finds. @throws AppError `would-overwrite` where that is a file that is read, under whatever name, or the
 * folder of one
 */
async function assertNoSource(path: string, name: string, sources: readonly string[]): Promise<void> {
  const existing = await fileIdentity(path)
  if (!existing) return
  for (const source of sources) {
    const isFile = sameFile(existing, await fileIdentity(source))
    if (!isFile && !sameFile(existing, await fileIdentity(dirname(source)))) continue
    throw new AppError(
      'would-overwrite',
      say(isFile ? 'files.is-source' : 'files.is-source-folder', { name: fileName(path), target: fileName(name) }),
    )
  }
}

/** Names in a folder; null where there is none. */
async function contents(folder: string): Promise<string[] | null> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errno(error) === 'ENOENT') return null
    throw error
  }
}

/** @throws AppError `would-overwrite`, `cannot-write` */
async function targetNames(folder: string, file: string, options: OutputOptions): Promise<TargetNames> {
  const name = singleComponent(file)
  const target = join(folder, name)
  const names = { folder, name, target, partial: partialPath(target) }
  await attempt(names, async () => {
    const existing = await fileIdentity(target)
    // A link that leads nowhere is not followed and not replaced unasked.
    const occupied = existing !== null || (await exists(target))
    for (const path of [target, names.partial]) await assertNoSource(path, name, options.sources)
    if (existing && !existing.regular)
      throw new AppError('cannot-write', say('files.target-not-regular', { name: fileName(name) }))
    if (occupied && !options.overwrite) throw existsAlready(name)
    // One that is mounted under this name by itself, as into a container, can be written but not replaced. A link can be.
    if (existing && (await lstat(target)).isFile()) await assertMovable(folder, target)
  })
  return names
}

async function assertFreeSpace(
  folder: string,
  name: string,
  byteLength: number,
  { called = folder }: OutputOptions,
): Promise<void> {
  const free = await freeBytes(folder)
  if (free < byteLength)
    throw new AppError(
      'cannot-write',
      say('files.no-space', { name: fileName(name), needed: byteLength, free, folder: fileName(called) }),
      { needed: byteLength, free },
    )
}
