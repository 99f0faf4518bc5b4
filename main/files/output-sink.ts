/**
 * One file being written: a ByteSink over a handle on NAME.partial. It grows there, is flushed to the disk and takes its name in one step.
 */

import { type FileHandle, link, lstat } from 'node:fs/promises'
import { AppError, existsAlready } from '../../core/errors.ts'
import type { ByteSink } from '../../core/io.ts'
import type { Message } from '../../core/messages/message.ts'
import { errno } from '../system/errno.ts'
import { writeFault } from './file-errors.ts'
import { fileIdentity, readFully } from './files.ts'
import { type Hold, takenOver } from './hold.ts'
import { applyMode } from './mode.ts'
import { remove, replace } from './replacing.ts'
import { syncFolder } from './sync-folder.ts'

/** Where a file is written and what it is called then. */
export interface TargetNames {
  readonly folder: string
  readonly name: string
  readonly target: string
  readonly partial: string
}

export interface SinkOptions {
  /** Whether a file of that name is replaced. */
  readonly overwrite: boolean
  /** Permissions of the finished file; null or absent leaves them as they are. */
  readonly mode?: number | null
  /** What the run holds while it writes; null where it holds nothing. */
  hold?(): Hold | null
  /** Told before a partial file or folder comes into being and after it is gone: main calls `removePartial` if this thread dies. */
  onPartial?(path: string, exists: boolean): Promise<void>
}

/** Writes from `start` on; the partial file is shorter than that only by mistake. */
export function fileSink(handle: FileHandle, names: TargetNames, start: number, options: SinkOptions): ByteSink {
  const { name, target, partial } = names
  let byteLength = start
  let open = true
  let lasting = false
  /** Ends the handle; `done`: the partial file need no longer be removed. */
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
    sync: () =>
      guard(async () => {
        await handle.sync()
        await options.hold?.()?.assertOwn()
        // The partial name has to last as well: a run resumes from it.
        if (!lasting) await syncFolder(names.folder)
        lasting = true
      }),
    close: () =>
      guard(async () => {
        await handle.sync()
        await options.hold?.()?.assertOwn()
        await assertOwn(handle, partial, name)
        await applyMode(handle, options.mode ?? null)
        if (options.overwrite) await replace(partial, target)
        else await takeFreeName(partial, target, name)
        await syncFolder(names.folder)
        await end(true)
      }),
    suspend: () =>
      guard(async () => {
        try {
          await handle.sync()
        } finally {
          await end(true)
        }
      }),
    abort: async () => {
      if (!open) return
      const own = await isOwn(handle, partial)
      await end(false)
      if (own) await remove(partial)
      await options.onPartial?.(partial, false)
    },
  }
}

/** A fault of writing says more with how far it got. */
function withProgress(error: unknown, byteLength: number): unknown {
  if (!(error instanceof AppError) || error.code !== 'cannot-write') return error
  const said = error.said.map((each) =>
    each.key === 'files.cannot-write'
      ? ({ ...each, values: { ...each.values, written: byteLength } } as Message)
      : each,
  )
  return new AppError(error.code, said, { ...error.details, written: byteLength })
}

/** Two runs that write the same name share one partial path: the later one has replaced the file, and the earlier one must not move it. */
async function assertOwn(handle: FileHandle, partial: string, name: string): Promise<void> {
  if (!(await isOwn(handle, partial))) throw takenOver(name)
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
    await replace(partial, target)
    return
  }
  await remove(partial)
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}

/** With what the file system said as a sentence. */
export async function attempt<T>(names: TargetNames, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw writeFault(error, names.name)
  }
}
