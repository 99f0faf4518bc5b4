/** The weight files a driver has open. One that it has not (yet, or any more, after a driver was replaced) it opens when it is needed. */

import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { adapterModel, pairModel } from '../../../core/adapters/difference-model.ts'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import type { SourceFolder } from '../../../core/io.ts'
import { say } from '../../../core/messages/english.ts'
import { fileName } from '../../../core/messages/text.ts'
import { fileIdentity, openSource, pickSource } from '../../files/files.ts'
import type { Bounds } from '../../files/within.ts'
import type { FileRef } from '../messages.ts'

export interface OpenedWeights {
  readonly file: WeightFile
  /** Where everything of it has to lie. */
  readonly within: Bounds
  /** Every file of the set: none of them may become an output. */
  readonly paths: readonly string[]
  /** Tells this state of the files from any other. */
  readonly fingerprint: string
  /** The two models that it was made of. */
  readonly parts?: readonly OpenedWeights[]
}

export interface OpenedFiles {
  /** @throws AppError of the format, `source-changed` when the files are no longer those that were first opened */
  get(ref: FileRef): Promise<OpenedWeights>
  close(fileId: string): Promise<void>
}

export function openedFiles(): OpenedFiles {
  const opened = new Map<string, OpenedWeights>()
  return {
    get: async (ref) => {
      const known = opened.get(ref.fileId)
      if (known) return known
      const found = await openRef(ref)
      opened.set(ref.fileId, found)
      return found
    },
    close: async (fileId) => {
      const found = opened.get(fileId)
      opened.delete(fileId)
      await found?.file.close()
    },
  }
}

/** The files of the set at `path`. @throws AppError of the format */
export async function weightPaths(path: string): Promise<readonly string[]> {
  const { file, paths } = await open({ fileId: '', path, within: null, fingerprint: null })
  await file.close()
  return paths
}

async function openRef(ref: FileRef): Promise<OpenedWeights> {
  const { difference, fingerprint: expected } = ref
  if (!difference) return open(ref)
  const { of, form, convolutions } = difference
  const opened = [await open({ ...ref, fingerprint: null })]
  try {
    const [whole] = opened as [OpenedWeights]
    const base = difference.base && (await open({ fileId: '', ...difference.base, fingerprint: null }))
    if (base) opened.push(base)
    if (of === 'adapter' && !base)
      return { ...whole, file: await adapterModel(whole.file, form), fingerprint: asExpected(whole, expected) }
    const file =
      of === 'adapter'
        ? await adapterModel(whole.file, form, base!.file)
        : await pairModel(base!.file, whole.file, form, convolutions)
    const found: OpenedWeights = {
      file: { ...file, close: async () => void (await Promise.all(opened.map(({ file }) => file.close()))) },
      within: ref.within,
      paths: opened.flatMap(({ paths }) => paths),
      fingerprint: fingerprintOfRoles([
        ['base', base!],
        [of === 'adapter' ? 'adapter' : 'tuned', whole],
      ]),
      parts: opened,
    }
    return { ...found, fingerprint: asExpected(found, expected) }
  } catch (error) {
    for (const { file } of opened) await file.close()
    throw error
  }
}

/** Of what a job reads; a lone file is told by its own. */
export function fingerprintOfRoles(opened: readonly (readonly [role: string, OpenedWeights])[]): string {
  const [first, ...others] = opened.map(([role, { fingerprint }]) => [role, fingerprint] as const)
  return first && others.length === 0 ? first[1] : JSON.stringify([first, ...others])
}

function asExpected({ paths, fingerprint }: OpenedWeights, expected: string | null): string {
  if (expected !== null && fingerprint !== expected) throw hasChanged(paths[0]!)
  return fingerprint
}

async function open({ path, within, fingerprint: expected }: FileRef): Promise<OpenedWeights> {
  const picked = await pickSource(path, (await fileIdentity(path))?.regular === false ? 'folder' : 'file', within)
  const names = new Set<string>()
  const file = await openWeightFile({ ...picked, folder: noting(picked.folder, names) })
  try {
    const folder = picked.entry === null ? path : join(path, '..')
    const paths = [...new Set([path, ...[...names].sort().map((name) => join(folder, name))])]
    const fingerprint = await fingerprintOf(paths)
    if (expected !== null && fingerprint !== expected) throw hasChanged(path)
    return { file, within, paths, fingerprint }
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Of what is read past `openSource`: by the runtime of models; and of a file that is rewritten in place and given its old time back, which passes for
 * unchanged there: what it does then to a computation is no fault of the program.
 * @throws AppError `source-changed`
 */
export async function assertAsOpened({ paths, fingerprint, parts }: OpenedWeights): Promise<void> {
  if (parts) {
    for (const part of parts) await assertAsOpened(part)
    return
  }
  if ((await fingerprintOf(paths)) !== fingerprint) throw hasChanged(paths[0]!)
}

async function fingerprintOf(paths: readonly string[]): Promise<string> {
  return JSON.stringify(await Promise.all(paths.map(describe)))
}

function hasChanged(path: string): AppError {
  return new AppError('source-changed', say('engine.file-changed', { name: fileName(path) }))
}

/** The folder, and in `names` what is opened there: shards, their index, external data. Formats open all that they read from at once. */
function noting(folder: SourceFolder, names: Set<string>, within = ''): SourceFolder {
  return {
    ...folder,
    open: (name) => {
      names.add(within + name)
      return folder.open(name)
    },
    inside: (name) => noting(folder.inside(name), names, `${within}${name}/`),
  }
}

/** Pieces of a file that its checksum is taken of, and their length: what a rewrite leaves as it was is less than the rest between two. */
const SAMPLES = 16
const SAMPLE_BYTES = 4096

/**
 * With the time of the last change of any kind, since a file can be rewritten in place and its time of modification put back; and with a checksum
 * of what it holds, since not every file system has the one and clocks are set back.
 */
async function describe(path: string): Promise<string | null> {
  const identity = await fileIdentity(path)
  if (identity === null) return null
  const { device, inode, byteLength, modifiedNs, changedNs, regular } = identity
  const checksum = regular ? await sampleChecksum(path) : 0
  // A folder is what is opened of it: an output that is written beside its files changes none of them.
  return (regular ? [device, inode, byteLength, modifiedNs, changedNs, checksum] : [device, inode]).join(':')
}

/** CRC-32 of pieces spread evenly over the file, its first and last bytes among them. */
export async function sampleChecksum(path: string): Promise<number> {
  const source = await openSource(path)
  try {
    const last = Math.max(0, source.byteLength - SAMPLE_BYTES)
    let crc = 0
    for (let i = 0; i < SAMPLES; i++) {
      const start = Math.floor((last * i) / (SAMPLES - 1))
      crc = crc32(await source.slice(start, Math.min(source.byteLength, start + SAMPLE_BYTES)), crc)
    }
    return crc
  } finally {
    await source.close()
  }
}
