/** The files that were opened last, newest first: what the Start screen offers; and where was written last. Paths stay here; the page gets grants. */
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Grant } from '../core/contract.ts'
import type { Grants } from './files/grants.ts'
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
  /** Null before the first output. */
  outputFolder(): Promise<string | null>
  /** @param grantId of a file that is being written */
  rememberOutput(grantId: string): Promise<void>
}

/** @param visible whether the page may be offered a path at all (the loopback page sees only the folders that were named) */
export function createRecents(
  folder: string,
  grants: Grants,
  visible: (path: string) => Promise<boolean> = async () => true,
): Recents {
  const stored = jsonFile(folder, 'recents.json', recentsSchema)
  return {
    async list() {
      const { paths } = await stored.read()
      const offered: Grant[] = []
      for (const path of paths) {
        if (offered.length === shown) break
        // A file that went away, or a disk that is not plugged in: not offered, not forgotten.
        const grant = (await visible(path)) ? await grants.grant(path).catch(() => null) : null
        if (grant) offered.push(grant)
      }
      return offered
    },
    async remember(grantId) {
      const newest = grants.path(grantId, 'read')
      if (!(await visible(newest))) return
      await stored.update(({ paths, ...rest }) => ({
        ...rest,
        paths: [newest, ...paths.filter((path) => path !== newest)].slice(0, 4 * shown),
      }))
    },
    outputFolder: async () => (await stored.read()).outputFolder,
    async rememberOutput(grantId) {
      const outputFolder = dirname(grants.path(grantId, 'write'))
      await stored.update((before) => ({ ...before, outputFolder }))
    },
  }
}
