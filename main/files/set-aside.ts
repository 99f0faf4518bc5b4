/**
 * A folder of files that takes the place of an earlier output, whose other files stay. What is replaced is first moved aside, into the partial folder, which is
 * ours: a file that another program has open stops it before anything is new, and nowhere do weights of one run lie beside the configuration of another. Whoever
 * finds that this was cut short in the middle - by a cancel, a kill, the power - finishes it, or puts back what was there before.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { errno } from '../system/errno.ts'
import { makeFolder } from '../system/make-folder.ts'
import { exists } from './output-sink.ts'
import { removeTree, replace } from './replacing.ts'
import { syncFolder } from './sync-folder.ts'
import { type Bounds, inFolder } from './within.ts'

/** In a partial folder. */
const asideName = '.replaced'

/** A folder of the user's may lie where a file of the output goes. @throws AppError `cannot-write` */
export async function assertNoFolder(path: string): Promise<void> {
  if ((await lstat(path).catch(() => null))?.isDirectory())
    throw new AppError('cannot-write', say('files.target-not-regular', { name: fileName(path) }))
}

/** Moves the files of one folder into another, all or none. @throws AppError as `assertNoFolder` */
export async function replaceContents(partial: string, target: string): Promise<void> {
  const aside = join(partial, asideName)
  const files = (await readdir(partial)).filter((file) => file !== asideName)
  for (const file of files) await assertNoFolder(join(target, file))
  await makeFolder(aside)
  const moved: [from: string, to: string][] = []
  const move = async (from: string, to: string) => {
    await replace(from, to)
    moved.push([from, to])
  }
  try {
    // What was moved aside before is what was there before; a file of that name is one that came since.
    for (const file of files)
      if ((await exists(join(target, file))) && !(await exists(join(aside, file))))
        await move(join(target, file), join(aside, file))
    for (const file of files) await move(join(partial, file), join(target, file))
    // Until then a power cut brings old names back: nothing that could be resumed may be gone by then.
    for (const folder of [target, aside, partial]) await syncFolder(folder)
  } catch (error) {
    for (const [from, to] of moved.reverse()) await replace(to, from)
    throw error
  }
}

/** What an earlier attempt has moved aside is not wanted any more: all that replaces it is there. */
export async function dropAside(partial: string): Promise<void> {
  await removeTree(join(partial, asideName))
}

/** Before a partial folder goes that has not replaced everything: the files that it was to replace are where they were. */
export async function putBack(partial: string, target: string, within: Bounds = null): Promise<void> {
  const aside = join(partial, asideName)
  // A link here was not made by us: what it points to is not ours to put back.
  if (!(await lstat(aside).catch(() => null))?.isDirectory()) return
  try {
    // All that was to come has come: it was cut short after that, and what was moved aside is what it replaced.
    if ((await readdir(partial)).every((name) => name === asideName)) return
    await inFolder(aside, within, async (held) => {
      const files = await readdir(held)
      if (files.length > 0) await makeFolder(target)
      for (const file of files) await replace(join(held, file), join(target, file))
      if (files.length > 0) await syncFolder(target)
    })
  } catch (error) {
    // Somebody else has done it.
    if (errno(error) !== 'ENOENT') throw error
  }
}
