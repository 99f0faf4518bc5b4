/**
 * Where something really lies. A path that was looked at leads elsewhere a moment later, if somebody who may write in one of its folders
 * puts a link there. So nothing that a page named is trusted by its path: it is opened first, and what was opened is asked where it lies.
 */

import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { realLiesWithin } from './paths.ts'

/** Real paths of the folders in which everything has to lie that is read or written; null: anywhere. */
export type Bounds = readonly string[] | null

/** A path, and where it has to lead whenever it is used. */
export interface Place {
  readonly path: string
  readonly within: Bounds
}

/**
 * @param handle what was opened by `path`
 * @throws AppError `not-found` where that lies outside
 */
export async function assertWithin(handle: FileHandle, path: string, within: Bounds): Promise<void> {
  if (!within) return
  const real = await realPathOf(handle, path)
  if (real === null || !within.some((folder) => realLiesWithin(folder, real)))
    throw new AppError('not-found', say('runs.out-of-sight', { name: fileName(path) }))
}

/**
 * A folder that is held open: `path` leads into it, and nowhere else, until `close`. Where the system has no such paths (others than Linux)
 * it is the real path at this moment.
 */
export interface HeldFolder {
  readonly path: string
  /** The same for other processes. */
  readonly pathElsewhere: string
  close(): Promise<void>
}

/** @throws AppError `not-found` where the folder lies outside; what the file system says, as it says it */
export async function holdFolder(path: string, within: Bounds): Promise<HeldFolder> {
  if (!within) return { path, pathElsewhere: path, close: async () => {} }
  const handle = await open(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    await assertWithin(handle, path, within)
    const held = descriptorPath(handle)
    const lasting = (await readlink(held).catch(() => null)) !== null
    const close = () => handle.close()
    if (lasting) return { path: held, pathElsewhere: held.replace('self', String(process.pid)), close }
    const real = await realpath(path)
    return { path: real, pathElsewhere: real, close }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Does something in a folder of these bounds; `act` is given the path that leads into it meanwhile. */
export async function inFolder<T>(path: string, within: Bounds, act: (held: string) => Promise<T>): Promise<T> {
  const held = await holdFolder(path, within)
  try {
    return await act(held.path)
  } finally {
    await held.close()
  }
}

/** Linux answers for the handle itself. */
const descriptorPath = ({ fd }: FileHandle) => `/proc/self/fd/${fd}`

/** null where the path leads to something else by now. */
async function realPathOf(handle: FileHandle, path: string): Promise<string | null> {
  const held = await readlink(descriptorPath(handle)).catch(() => null)
  if (held !== null) return held
  const real = await realpath(path).catch(() => null)
  if (real === null) return null
  const [mine, there] = await Promise.all([
    handle.stat({ bigint: true }),
    stat(real, { bigint: true }).catch(() => null),
  ])
  return there && there.dev === mine.dev && there.ino === mine.ino ? real : null
}
