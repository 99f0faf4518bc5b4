/** The files that were opened last, newest first: what the Start screen offers; and where was written last. Paths stay here; the page gets grants. */
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Grant } from '../../core/contract.ts'
import type { Grants } from '../files/grants.ts'
import { samePath } from '../files/paths.ts'
import { jsonFile } from './settings.ts'

const recentsSchema = z.object({
  paths: z.array(z.string()).default([]),
  /** Where a run of a page wrote last. */
  outputFolder: z.string().nullable().default(null),
})

/** As many as fit on the Start screen without scrolling at 960 x 640. */
const shown = 8

export interface Recents {
  list(): Promise<Grant[]>
  remember(grantId: string): Promise<void>
  /** Forgets all of them. */
  clear(): Promise<void>
  /** Null before the first output. */
  outputFolder(): Promise<string | null>
  /** @param grantId of a file that is being written */
  rememberOutput(grantId: string): Promise<void>
}

/** @param visible whether the page may be offered a path at all (the loopback page sees only the folders that were named) */
export interface RecentsOptions {
  /** Whether the page may be offered a path at all (the loopback page sees only the folders that were named); any path unless told. */
  visible?(path: string): Promise<boolean>
  /** Whether a path goes with the host, as the copy of what was dropped does: offered as long, and not written down. */
  passing?(path: string): boolean
}

export function createRecents(folder: string, grants: Grants, options: RecentsOptions = {}): Recents {
  const { visible = async () => true, passing = () => false } = options
  const stored = jsonFile(folder, 'recents.json', recentsSchema)
  /** What this host has opened, newest first: the order among passing and others. */
  let opened: readonly string[] = []
  return {
    async list() {
      const { paths } = await stored.read()
      const offered: Grant[] = []
      for (const path of new Set([...opened, ...paths])) {
        if (offered.length === shown) break
        // A file that went away, or a disk that is not plugged in: not offered, not forgotten.
        const grant = passing(path) || (await visible(path)) ? await grants.grant(path).catch(() => null) : null
        if (grant) offered.push(grant)
      }
      return offered
    },
    async remember(grantId) {
      const newest = grants.path(grantId, 'read')
      const withNewest = (paths: readonly string[]) =>
        [newest, ...paths.filter((path) => !samePath(path, newest))].slice(0, 4 * shown)
      if (passing(newest)) {
        opened = withNewest(opened)
        return
      }
      if (!(await visible(newest))) return
      opened = withNewest(opened)
      await stored.update(({ paths, ...rest }) => ({ ...rest, paths: withNewest(paths) }))
    },
    clear() {
      opened = []
      return stored.update((before) => ({ ...before, paths: [] }))
    },
    outputFolder: async () => (await stored.read()).outputFolder,
    async rememberOutput(grantId) {
      const outputFolder = dirname(grants.path(grantId, 'write'))
      await stored.update((before) => ({ ...before, outputFolder }))
    },
  }
}
