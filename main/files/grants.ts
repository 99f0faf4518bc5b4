/**
 * What the page may touch: main gives an id for a path that a dialog, a drop, a listing or an upload named, and the page knows only
 * the id. An id cannot be guessed and stays the same for a path as long as the host runs, so a reloaded page can use it again.
 *
 * A grant says what was named, not what lies there when it is used: whoever opens it holds what it opened against `within` (within.ts).
 */

import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Grant } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import type { Bounds } from './within.ts'

export interface Grants {
  /** Where everything lies that may be reached by a grant, whenever it is used. */
  readonly within: Bounds
  /**
   * A file or folder to be read. Links are not resolved: shards and external data lie beside the name that was picked.
   * @throws AppError `not-found`, `bad-request` for what is neither a folder nor a regular file
   */
  grant(path: string): Promise<Grant>
  /** A file to be written. It may exist; whether it is overwritten is the run's question. */
  target(path: string): Grant
  /** @throws AppError `not-found` for an id that was never given out, `bad-request` for one that was given out for the other use */
  path(id: string, use: 'read' | 'write'): string
  /** Whatever it was given out for: to be shown to the user, not opened. */
  place(id: string): string
}

/** So many that a page never meets the bound, and few enough that one which asks for ever takes no more than 50 MB. */
const mostGrants = 100_000

export function createGrants(within: Bounds = null, most = mostGrants): Grants {
  // A Map keeps insertion order: its first key was given or used longest ago.
  const granted = new Map<string, { readonly path: string; readonly kind: Grant['kind'] }>()
  const ids = new Map<string, string>()

  function grantOf(path: string, kind: Grant['kind'], byteLength: number | null): Grant {
    const key = `${kind}:${path}`
    const id = ids.get(key) ?? randomBytes(16).toString('base64url')
    ids.set(key, id)
    granted.delete(id)
    granted.set(id, { path, kind })
    for (const [oldest, old] of granted) {
      if (granted.size <= most) break
      granted.delete(oldest)
      ids.delete(`${old.kind}:${old.path}`)
    }
    return { id, name: basename(path) || path, kind, byteLength }
  }

  function find(id: string) {
    const found = granted.get(id)
    if (!found) throw new AppError('not-found', say('grants.not-given'))
    granted.delete(id)
    granted.set(id, found)
    return found
  }

  return {
    within,
    async grant(given) {
      const path = resolve(given)
      const status = await stat(path).catch(() => null)
      if (!status) throw new AppError('not-found', say('files.not-found', { name: fileName(path) }))
      if (status.isDirectory()) return grantOf(path, 'folder', null)
      // Reading a pipe or a device would wait forever, or never end.
      if (!status.isFile()) throw new AppError('bad-request', say('files.neither', { name: fileName(path) }))
      return grantOf(path, 'file', status.size)
    },
    target: (path) => grantOf(resolve(path), 'target', null),
    path(id, use) {
      const { path, kind } = find(id)
      if ((use === 'write') !== (kind === 'target'))
        throw new AppError(
          'bad-request',
          say(use === 'read' ? 'grants.not-to-read' : 'grants.not-to-write', { name: fileName(path) }),
        )
      return path
    },
    place: (id) => find(id).path,
  }
}
