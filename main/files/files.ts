/**
 * Files as core sees them: ByteSource and SourceFolder over positional reads of node:fs. Paths enter here and go no further; messages
 * carry file names alone.
 */

import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { ByteSource, PickedSource, SourceFolder } from '../../core/io.ts'
import { say } from '../../core/messages/english.ts'
import { fileName, quoted } from '../../core/messages/text.ts'
import { isNowhere, readFault } from './file-errors.ts'
import { pathKey, realLiesWithin } from './paths.ts'
import { assertWithin, type Bounds, inFolder } from './within.ts'

/** What tells one state of a file from another. Replaced: another inode. Modified: another size or time. */
export interface FileIdentity {
  readonly device: bigint
  readonly inode: bigint
  /** Where it lies, links resolved, on a file system that gives all its files the number 0 and so does not tell them apart; else null. */
  readonly place: string | null
  readonly byteLength: number
  readonly modifiedNs: bigint
  /** Of contents or attributes; no program can set it. */
  readonly changedNs: bigint
  /** Not a folder, pipe or device. */
  readonly regular: boolean
}

/** Reads go to the kernel in pieces of this size: node's limit is 2 GiB - 1, and a job can be cancelled between pieces. */
const readPiece = 64 * 2 ** 20

/** The file or folder a user picked. A file's siblings (shards, external data) are those beside the name that was picked: links are not resolved first, so a model in a cache of links finds them. */
export async function pickSource(path: string, kind: 'file' | 'folder', within: Bounds = null): Promise<PickedSource> {
  return kind === 'folder'
    ? { folder: sourceFolder(path, within), entry: null }
    : { folder: sourceFolder(dirname(path), within), entry: await listedName(path) }
}

/** @param within where everything lies that is read of it, links followed */
export function sourceFolder(path: string, within: Bounds = null): SourceFolder {
  const name = basename(path)
  return {
    name,
    list: async () => {
      try {
        return (await inFolder(path, within, (held) => readdir(held))).sort()
      } catch (error) {
        throw readFault(error, name)
      }
    },
    open: async (file) => openSource(join(path, singleComponent(file)), within),
    inside: (folder) => subfolder(path, folder, within),
  }
}

/** A folder in another, looked at whenever something of it is asked for: a link that leads out of the outer one is none. */
function subfolder(outer: string, name: string, within: Bounds): SourceFolder {
  const checked = async () => {
    const path = join(outer, singleComponent(name))
    const [real, around] = await Promise.all([realpath(path), realpath(outer)]).catch((error) => {
      throw readFault(error, name)
    })
    if (!realLiesWithin(around, real))
      throw new AppError('bad-file', say('files.link-out', { name: quoted(name), folder: fileName(outer) }))
    return sourceFolder(path, within)
  }
  return {
    name,
    list: async () => (await checked()).list(),
    open: async (file) => (await checked()).open(file),
    inside: (folder) => subfolder(join(outer, singleComponent(name)), folder, within),
  }
}

/**
 * Opens a regular file for reading. Every `slice` afterwards makes sure that the path still names the file that was opened, unmodified.
 * @throws AppError `not-found`, also of what lies outside `within`, `bad-request` for what is no regular file
 */
export async function openSource(path: string, within: Bounds = null): Promise<ByteSource> {
  const name = basename(path)
  try {
    // Opening a pipe for reading would wait for its writer, forever: look first, and do not wait.
    const before = await stat(path)
    if (before.isDirectory()) throw new AppError('bad-request', say('files.is-folder', { name: fileName(name) }))
    if (!before.isFile()) throw new AppError('bad-request', say('files.not-regular', { name: fileName(name) }))
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      await assertWithin(handle, path, within)
      return await handleSource(path, name, handle)
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    throw readFault(error, name)
  }
}

async function handleSource(path: string, name: string, handle: FileHandle): Promise<ByteSource> {
  const opened = await identityOf(await handle.stat({ bigint: true }), path)
  return {
    name,
    byteLength: opened.byteLength,
    slice: async (start, end) => {
      try {
        const bytes = await readFully(handle, name, start, Math.min(end, opened.byteLength))
        // After the read: what was read before this moment came from the file as it was opened.
        await assertUnchanged(path, name, opened)
        return bytes
      } catch (error) {
        throw readFault(error, name)
      }
    },
    close: async () => handle.close(),
  }
}

/** Bytes [start, end) through a handle. @throws AppError `source-changed` where the file ends earlier, `out-of-memory` */
export async function readFully(handle: FileHandle, name: string, start: number, end: number): Promise<Uint8Array> {
  const bytes = allocate(name, Math.max(0, end - start))
  let filled = 0
  while (filled < bytes.byteLength) {
    const length = Math.min(readPiece, bytes.byteLength - filled)
    const { bytesRead } = await handle.read(bytes, filled, length, start + filled)
    if (bytesRead === 0)
      throw new AppError(
        'source-changed',
        say('files.shorter', { name: fileName(name), before: end, after: start + filled }),
      )
    filled += bytesRead
  }
  return bytes
}

function allocate(name: string, byteLength: number): Uint8Array {
  try {
    // Not filled with zeros first: all of it is about to be read.
    return new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new AppError('out-of-memory', say('files.no-memory', { name: fileName(name), bytes: byteLength }))
  }
}

async function assertUnchanged(path: string, name: string, opened: FileIdentity): Promise<void> {
  const now = await fileIdentity(path)
  if (now === null) throw new AppError('source-changed', say('files.removed', { name: fileName(name) }))
  if (!sameFile(now, opened)) throw new AppError('source-changed', say('files.replaced', { name: fileName(name) }))
  if (now.byteLength !== opened.byteLength)
    throw new AppError(
      'source-changed',
      say('files.resized', { name: fileName(name), before: opened.byteLength, after: now.byteLength }),
    )
  if (now.modifiedNs !== opened.modifiedNs)
    throw new AppError('source-changed', say('files.modified', { name: fileName(name) }))
}

/** Identity of what a path leads to now; null where nothing is. */
export async function fileIdentity(path: string): Promise<FileIdentity | null> {
  try {
    return await identityOf(await stat(path, { bigint: true }), path)
  } catch (error) {
    if (isNowhere(error)) return null
    throw error
  }
}

/** Whether two paths lead to one file or folder, now. */
export function sameFile(a: FileIdentity | null, b: FileIdentity | null): boolean {
  return a !== null && b !== null && a.device === b.device && a.inode === b.inode && a.place === b.place
}

async function identityOf(stats: BigIntStats, path: string): Promise<FileIdentity> {
  return {
    device: stats.dev,
    inode: stats.ino,
    place: stats.ino === 0n ? pathKey(await realpath(path)) : null,
    byteLength: Number(stats.size),
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
    regular: stats.isFile(),
  }
}

/** Refuses whatever could leave the folder, on any system: an index file is hostile input. @throws AppError `bad-file` */
export function singleComponent(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name) || /^[a-z]:/i.test(name))
    throw new AppError('bad-file', say('files.not-in-folder', { name: quoted(name) }))
  return name
}

/**
 * The name under which its folder lists the file that `path` leads to: what was typed may differ in case, in how its accents
 * are written, or be a short name of DOS, and then neighbours that are found by it - the shards of a model - would be missed.
 */
async function listedName(path: string): Promise<string> {
  const [folder, name] = [dirname(path), basename(path)]
  const listed = await readdir(folder).catch(() => null)
  if (!listed || listed.includes(name)) return name
  const identity = await fileIdentity(path)
  const [real, around] = await Promise.all([path, folder].map((each) => realpath(each).catch(() => each)))
  const likely = listed.filter((each) => looseName(each) === looseName(name))
  if (around === dirname(real!)) likely.push(basename(real!))
  for (const each of likely) if (sameFile(identity, await fileIdentity(join(folder, each)))) return each
  return name
}

/** Equal wherever any file system might take two names for one. `::$DATA` is a file's own content on NTFS. */
function looseName(name: string): string {
  return name
    .normalize('NFC')
    .toLowerCase()
    .replace(/::\$data$/, '')
}
