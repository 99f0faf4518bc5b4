/**
 * Where outputs go: OutputFolder and ByteSink over node:fs. A file grows as NAME.partial beside its final name, is flushed to the disk and
 * takes its name in one step; whoever looks sees the old state or the whole new file, also after a power cut.
 */
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { journalName } from '../core/compress/journal.ts'
import { AppError } from '../core/errors.ts'
import type { ByteSink, OutputFolder, OutputSubfolder } from '../core/io.ts'
import { errno, formatBytes, writeFault } from './file-errors.ts'
import { fileIdentity, readFully, singleComponent, sourceFolder } from './files.ts'

export interface OutputOptions {
  /** Whether a file of that name is replaced. */
  readonly overwrite: boolean
  /** Paths of the files that are read: never a target, under whatever name they are reached. */
  readonly sources: readonly string[]
  /** Told before a partial file or folder comes into being and after it is gone: somebody else calls `removePartial` if this thread dies. */
  onPartial?(path: string, exists: boolean): Promise<void>
}

export function outputFolder(path: string, options: OutputOptions): OutputFolder {
  return {
    ...sourceFolder(path),
    list: async () => {
      try {
        const names = await contents(path)
        if (names) return names
      } catch (error) {
        throw writeFault(error, basename(path))
      }
      throw new AppError('cannot-write', `The folder ${basename(path)} does not exist. Choose another folder.`)
    },
    create: async (file, byteLength) => {
      const names = await targetNames(path, file, options)
      await attempt(names, async () => {
        await rm(names.partial, { force: true })
        await assertFreeSpace(path, names.name, byteLength)
      })
      await options.onPartial?.(names.partial, true)
      try {
        return sink(await open(names.partial, 'wx+'), names, 0, options)
      } catch (error) {
        await options.onPartial?.(names.partial, false)
        throw writeFault(error, names.name)
      }
    },
    resume: async (file) => {
      const names = await targetNames(path, file, options)
      return attempt(names, async () => {
        const left = await fileIdentity(names.partial)
        if (!left) return null
        await options.onPartial?.(names.partial, true)
        return sink(await open(names.partial, 'r+'), names, left.byteLength, options)
      })
    },
    subfolder: (name) => outputSubfolder(path, name, options),
  }
}

/** Removes what `onPartial` told of: a partial file, or with its files a partial folder, whose path ends in a separator. */
export async function removePartial(path: string): Promise<void> {
  await rm(path, { force: true, recursive: path.endsWith(sep) })
}

/** Whether an unfinished run left something at its target that can be gone on with: its partial file or folder, and its journal. */
export async function hasUnfinished(target: string): Promise<boolean> {
  const { journal, partial } = unfinishedNames(target)
  return (await exists(journal)) && (await exists(partial))
}

/** Removes what an unfinished run left at its target; a finished output there stays. Nothing happens where nothing was left. */
export async function discardUnfinished(target: string): Promise<void> {
  const { journal, partial } = unfinishedNames(target)
  try {
    for (const path of [partial, journal]) await rm(path, { force: true, recursive: true })
  } catch (error) {
    throw writeFault(error, basename(partial), 'Remove it by hand.')
  }
}

function unfinishedNames(target: string): { journal: string; partial: string } {
  return { journal: `${journalName(target)}.partial`, partial: `${target}.partial` }
}

async function outputSubfolder(path: string, folder: string, options: OutputOptions): Promise<OutputSubfolder> {
  const name = singleComponent(folder)
  const target = join(path, name)
  const partial = `${target}.partial${sep}`
  let open = true
  const guard = async (action: () => Promise<void>) => {
    try {
      await action()
    } catch (error) {
      throw writeFault(error, name)
    }
  }
  await guard(async () => {
    await assertNoSourceIn(target, name, options.sources)
    if ((await contents(target))?.length && !options.overwrite) throw existsAlready(name)
    await removePartial(partial)
    await options.onPartial?.(partial, true)
    await mkdir(partial)
  })
  const end = async () => {
    open = false
    await options.onPartial?.(partial, false)
  }
  return {
    ...outputFolder(partial, { ...options, overwrite: false }),
    finish: () =>
      guard(async () => {
        const existing = await contents(target)
        if (existing?.length) {
          if (!options.overwrite) throw existsAlready(name)
          for (const file of await readdir(partial)) await rename(join(partial, file), join(target, file))
          await rm(partial, { recursive: true })
        } else {
          // Windows does not rename onto a folder, not even an empty one.
          if (existing) await rmdir(target)
          await rename(partial, target)
        }
        await syncFolder(path)
        await end()
      }),
    abort: async () => {
      if (!open) return
      await removePartial(partial)
      await end()
    },
  }
}

async function assertNoSourceIn(target: string, name: string, sources: readonly string[]): Promise<void> {
  const folder = await fileIdentity(target)
  for (const source of folder ? sources : []) {
    const parent = await fileIdentity(dirname(source))
    if (parent && folder && parent.device === folder.device && parent.inode === folder.inode)
      throw new AppError('would-overwrite', `${name} is the folder of the source. Choose another name for the output.`)
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

interface TargetNames {
  readonly folder: string
  readonly name: string
  readonly target: string
  readonly partial: string
}

/** @throws AppError `would-overwrite`, `cannot-write` */
async function targetNames(folder: string, file: string, options: OutputOptions): Promise<TargetNames> {
  const name = singleComponent(file)
  const target = join(folder, name)
  const names = { folder, name, target, partial: `${target}.partial` }
  await attempt(names, async () => {
    const existing = await fileIdentity(target)
    // A link that leads nowhere is not followed and not replaced unasked.
    const occupied = existing !== null || (await exists(target))
    if (existing) {
      for (const source of options.sources) {
        const identity = await fileIdentity(source)
        if (identity && identity.device === existing.device && identity.inode === existing.inode)
          throw new AppError('would-overwrite', `${name} is the source itself. Choose another name for the output.`)
      }
      if (!existing.regular) throw new AppError('cannot-write', `${name} is not a regular file. Choose another name.`)
    }
    if (occupied && !options.overwrite) throw existsAlready(name)
  })
  return names
}

function existsAlready(name: string): AppError {
  return new AppError('would-overwrite', `${name} exists already. Choose another name, or allow it to be replaced.`)
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}

async function assertFreeSpace(folder: string, name: string, byteLength: number): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(folder)
  const free = bavail * bsize
  // A file system that reports no blocks at all does not know its size.
  if (blocks > 0 && free < byteLength)
    throw new AppError(
      'cannot-write',
      `${name} needs ${formatBytes(byteLength)}; ${formatBytes(free)} is free in ${basename(folder)}. Free some space or choose another folder.`,
      { needed: byteLength, free },
    )
}

async function attempt<T>(names: TargetNames, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw writeFault(error, names.name)
  }
}

function sink(handle: FileHandle, names: TargetNames, start: number, options: OutputOptions): ByteSink {
  const { name, target, partial } = names
  let byteLength = start
  let open = true
  /** Ends the handle; `done`: nobody has to remove the partial file any more. */
  const end = async (done: boolean) => {
    if (open) {
      open = false
      await handle.close()
    }
    if (done) await options.onPartial?.(partial, false)
  }
  const writeAt = async (bytes: Uint8Array, position: number) => {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
      done += bytesWritten
    }
  }
  const guard = <T>(action: () => Promise<T>) =>
    attempt(names, action).catch((error) => {
      throw withProgress(error, byteLength)
    })
  return {
    name,
    get byteLength() {
      return byteLength
    },
    write: (bytes) =>
      guard(async () => {
        await writeAt(bytes, byteLength)
        byteLength += bytes.byteLength
      }),
    overwrite: (at, bytes) => guard(() => writeAt(bytes, at)),
    read: (from, to) => guard(() => readFully(handle, name, from, Math.min(to, byteLength))),
    truncate: (length) =>
      guard(async () => {
        await handle.truncate(length)
        byteLength = length
      }),
    sync: () => guard(() => handle.sync()),
    close: () =>
      guard(async () => {
        await handle.sync()
        await assertOwn(handle, partial, name)
        if (options.overwrite) await rename(partial, target)
        else await takeFreeName(partial, target, name)
        await syncFolder(names.folder)
        await end(true)
      }),
    suspend: () =>
      guard(async () => {
        await handle.sync()
        await end(true)
      }),
    abort: async () => {
      if (!open) return
      const own = await isOwn(handle, partial)
      await end(false)
      if (own) await rm(partial, { force: true })
      await options.onPartial?.(partial, false)
    },
  }
}

/** "... the disk is full. ..." says more with how far it got. */
function withProgress(error: unknown, byteLength: number): unknown {
  if (!(error instanceof AppError) || error.code !== 'cannot-write') return error
  return new AppError(
    error.code,
    error.message.replace('could not be written:', `could not be written beyond ${formatBytes(byteLength)}:`),
    {
      ...error.details,
      written: byteLength,
    },
  )
}

/** Two runs that write the same name share one partial path: the later one has replaced the file, and the earlier one must not move it. */
async function assertOwn(handle: FileHandle, partial: string, name: string): Promise<void> {
  if (!(await isOwn(handle, partial)))
    throw new AppError('cannot-write', `${name} is being written by another run, which replaced this one's file.`)
}

async function isOwn(handle: FileHandle, partial: string): Promise<boolean> {
  const mine = await handle.stat({ bigint: true })
  const found = await fileIdentity(partial)
  return found !== null && found.device === mine.dev && found.inode === mine.ino
}

/** Moves without replacing: a link fails where the name has been taken meanwhile. File systems without links get a check and a rename. */
async function takeFreeName(partial: string, target: string, name: string): Promise<void> {
  try {
    await link(partial, target)
  } catch (error) {
    const code = errno(error)
    if (code === 'EEXIST') throw existsAlready(name)
    if (
      code === undefined ||
      !['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR', 'EINVAL'].includes(code)
    )
      throw error
    if (await exists(target)) throw existsAlready(name)
    await rename(partial, target)
    return
  }
  await rm(partial)
}

/** Makes the new name durable. Windows cannot open a folder, and needs no such step. */
async function syncFolder(folder: string): Promise<void> {
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
