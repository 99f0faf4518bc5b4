/**
 * A folder for what lives as long as the host: uploads, the sample. Removed at the end, whichever way the end comes; where a host was
 * killed, by the next one that starts. Such a folder names the process it belongs to: without that it could not be told from a
 * folder that happens to begin with the same name. Where one was killed before it had written that, the folder is empty and its name, which
 * nobody else would give, says that it is ours.
 */

import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { foreign, quoted } from '../../core/messages/text.ts'
import { errno } from '../system/errno.ts'
import { processIdentitySchema, stillLives, thisProcess } from '../system/process-identity.ts'
import { readWhole } from './read-whole.ts'
import { remove, removeTree, removeTreeAtExit } from './replacing.ts'

const prefix = 'ghostsvd-'
const ownerFile = 'owner.json'
const ownerSchema = z.strictObject({ ghostsvd: z.literal('temporary folder'), process: processIdentitySchema })

/** Only this user can enter it. Removed when the process ends. @throws AppError `cannot-write` */
export async function temporaryFolder(parent = tmpdir()): Promise<string> {
  const folder = await ownedFolder(parent)
  // 'exit' allows only synchronous work; it comes after SIGINT and SIGTERM too, where those end in process.exit.
  process.once('exit', () => removeTreeAtExit(folder))
  return folder
}

/** As `temporaryFolder`, for whoever removes it earlier, or is told to by another process. */
export async function ownedFolder(parent = tmpdir()): Promise<string> {
  await sweep(parent).catch(() => {})
  const folder = join(parent, prefix + randomUUID())
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    throw new AppError(
      'cannot-write',
      say('files.no-temporary', { folder: quoted(parent), fault: foreign(errno(error) ?? String(error)) }),
    )
  })
  const owner: z.infer<typeof ownerSchema> = { ghostsvd: 'temporary folder', process: await thisProcess() }
  await writeFile(join(folder, ownerFile), JSON.stringify(owner), { mode: 0o600 })
  return folder
}

const ownName = /^ghostsvd-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Its owner is written within milliseconds. */
const emptyMs = 3_600_000

/** Removes the folders of this user's hosts that have ended. One whose process cannot be asked from here stays. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(parent, name)
    const found = await lstat(folder).catch(() => null)
    if (!found?.isDirectory() || (process.getuid && found.uid !== process.getuid())) continue
    const owner = await readOwner(join(folder, ownerFile))
    if (owner && (await stillLives(owner.process)) === false) await removeTree(folder)
    else if (!owner && ownName.test(name) && Date.now() - found.mtimeMs > emptyMs)
      await removeBegun(folder).catch(() => {})
  }
}

/** One without anything but a file that was to say whose it is. What came into it meanwhile keeps it: `rmdir` takes only what is empty. */
async function removeBegun(folder: string): Promise<void> {
  const inside = await readdir(folder)
  if (inside.some((name) => name !== ownerFile)) return
  for (const name of inside) await remove(join(folder, name))
  await rmdir(folder)
}

async function readOwner(path: string): Promise<z.infer<typeof ownerSchema> | null> {
  try {
    return ownerSchema.parse(JSON.parse((await readWhole(path)).toString('utf8')))
  } catch {
    // Absent, damaged, or not ours: nothing that may be removed.
    return null
  }
}
