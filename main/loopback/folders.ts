/**
 * What the loopback page can see of the disk: the folders named on the command line and what lies in them, nothing else.
 *
 * A path is granted only if the place it really leads to lies in a named folder, so a link that leads out is not listed and cannot be
 * asked for; file and folder are looked at again whenever a grant is used (within.ts).
 */

import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { FolderEntry, Grant, LinksOut } from '../../core/contract.ts'
import { AppError, existsAlready } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName, quoted } from '../../core/messages/text.ts'
import { isWeightName } from '../../core/weight-formats.ts'
import { isNowhere, readFault } from '../files/file-errors.ts'
import { assertFileName } from '../files/file-name.ts'
import type { Grants } from '../files/grants.ts'
import { exists } from '../files/output-sink.ts'
import { realLiesWithin } from '../files/paths.ts'
import { inFolder } from '../files/within.ts'

/** A listing is one message; a folder with more entries is a data set, not a place to pick from. */
const maxEntries = 20_000

export interface Folders {
  list(folder: string | null): Promise<FolderEntry[]>
  /** What the listing leaves out: links that lead out of the named folders. */
  linksOut(folder: string): Promise<LinksOut | null>
  /** @throws AppError `would-overwrite` where something of that name is there */
  createTarget(folder: string, name: string): Promise<Grant>
  /** A folder as folders from a named one down to it; none where it lies in none of them. */
  trail(path: string): Promise<Grant[]>
  /** Whether a path lies in a named folder, links followed. */
  contains(path: string): Promise<boolean>
  /** Whether a file of this path would lie in a named folder: its folder does, and no link stands at its name. */
  mayHold(path: string): Promise<boolean>
}

/** The nearest folder that both lie in. */
function commonFolder(a: string, b: string): string {
  const [one, other] = [a.split(sep), b.split(sep)]
  const parted = one.findIndex((part, i) => part !== other[i])
  return (parted < 0 ? one : one.slice(0, parted)).join(sep) || sep
}

/**
 * Where the folders of the command line really lie.
 * @throws AppError `not-found` for one that is no folder
 */
export async function realFolders(named: readonly string[]): Promise<string[]> {
  const roots: string[] = []
  for (const path of named) {
    const real = await realpath(path).catch(() => null)
    if (real === null || !(await stat(real)).isDirectory())
      throw new AppError('not-found', say('serve.not-a-folder', { path: quoted(path) }))
    if (!roots.includes(real)) roots.push(real)
  }
  return roots
}

/** @param roots real paths */
export function namedFolders(roots: readonly string[], grants: Grants): Folders {
  const inside = (real: string) => roots.some((root) => realLiesWithin(root, real))
  const contains = async (path: string) => {
    const real = await realpath(path).catch(() => null)
    return real !== null && inside(real)
  }

  /** Does something in the folder behind a grant, provided that it still lies where it lay, and while it does. */
  async function inGranted<T>(id: string, act: (path: string, held: string) => Promise<T>): Promise<T> {
    const path = grants.path(id, 'read')
    return inFolder(path, roots, (held) => act(path, held)).catch((error) => {
      if (isNowhere(error)) throw new AppError('not-found', say('serve.not-named', { name: fileName(path) }))
      throw readFault(error, basename(path))
    })
  }

  async function entry(path: string): Promise<FolderEntry | null> {
    const real = await realpath(path).catch(() => null)
    if (real === null || !inside(real)) return null
    const status = await stat(real).catch(() => null)
    if (!status?.isDirectory() && !status?.isFile()) return null
    // The path as it was listed, not where it leads: shards and external data lie beside the link, as in a model hub's cache.
    const grant = await grants.grant(path)
    return { grant, weights: status.isFile() && isWeightName(path) }
  }

  /** A link that stands at the name could lead the output anywhere. */
  const isLink = async (path: string) => (await lstat(path).catch(() => null))?.isSymbolicLink() === true

  return {
    contains,
    mayHold: async (path) => (await contains(dirname(path))) && !(await isLink(path)),
    async list(folder) {
      const paths =
        folder === null
          ? roots
          : await inGranted(folder, async (path, held) => (await readdir(held)).map((name) => join(path, name)))
      const shown = paths.filter((path) => folder === null || !basename(path).startsWith('.'))
      if (shown.length > maxEntries)
        throw new AppError('over-limit', say('serve.too-many-entries', { count: shown.length, most: maxEntries }))
      const entries = (await Promise.all(shown.map(entry))).filter((one) => one !== null)
      return entries.sort(
        (left, right) =>
          Number(right.grant.kind === 'folder') - Number(left.grant.kind === 'folder') ||
          left.grant.name.localeCompare(right.grant.name),
      )
    },
    async linksOut(folder) {
      return inGranted(folder, async (_, held) => {
        const targets: string[] = []
        for (const name of await readdir(held)) {
          const each = join(held, name)
          const real = (await isLink(each)) ? await realpath(each).catch(() => null) : null
          if (real !== null && !inside(real)) targets.push(dirname(real))
        }
        if (targets.length === 0) return null
        return { links: targets.length, serve: basename(targets.reduce(commonFolder, await realpath(held))) }
      })
    },
    async createTarget(folder, name) {
      assertFileName(name)
      return inGranted(folder, async (path, held) => {
        const target = join(held, name)
        if (await isLink(target)) throw new AppError('would-overwrite', say('files.link', { name: fileName(name) }))
        if (await exists(target)) throw existsAlready(name)
        // Where the run writes is looked at again when it does.
        return grants.target(join(path, name))
      })
    },
    async trail(path) {
      const real = await realpath(path).catch(() => null)
      // Of nested ones the nearest.
      const root = real && roots.filter((each) => realLiesWithin(each, real)).sort((a, b) => b.length - a.length)[0]
      if (!real || !root || !(await stat(real)).isDirectory()) return []
      const steps = relative(root, real).split(sep).filter(Boolean)
      return Promise.all([root, ...steps.map((_, i) => join(root, ...steps.slice(0, i + 1)))].map(grants.grant))
    },
  }
}
