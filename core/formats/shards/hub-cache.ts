/**
 * The cache of a model hub: `models--org--name/` holds `refs/main`, which names a commit, and `snapshots/<commit>/` with the files of each,
 * as links into `blobs/`. Source: huggingface_hub, "Understand caching".
 */

import { AppError } from '../../errors.ts'
import type { SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { fileName, foreign } from '../../messages/text.ts'
import { readRange } from '../reading/range.ts'

const isCommit = (name: string) => /^[0-9a-f]{7,64}$/.test(name)

/** The snapshot that `refs/main` names, or the only one; null for a folder that is no such cache. */
export async function newestSnapshot(folder: SourceFolder, present: ReadonlySet<string>): Promise<SourceFolder | null> {
  if (!present.has('snapshots') || !(present.has('refs') || present.has('blobs'))) return null
  const snapshots = folder.inside('snapshots')
  const commits = (await absent(() => snapshots.list())) ?? []
  const main = await absent(() => mainCommit(folder))
  if (main && commits.includes(main)) return snapshots.inside(main)
  const [only, ...others] = commits.filter(isCommit)
  if (only === undefined) return null
  if (others.length === 0) return snapshots.inside(only)
  throw new AppError(
    'bad-request',
    say('formats.several-snapshots', {
      name: fileName(folder.name),
      count: others.length + 1,
      some: commits.slice(0, 3).map(foreign),
    }),
  )
}

async function mainCommit(folder: SourceFolder): Promise<string | null> {
  const source = await folder.inside('refs').open('main')
  try {
    const text = new TextDecoder('latin1').decode(await readRange(source, 0, Math.min(80, source.byteLength), 'commit'))
    return isCommit(text.trim()) ? text.trim() : null
  } finally {
    await source.close()
  }
}

/** null for what is not there. */
async function absent<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}
