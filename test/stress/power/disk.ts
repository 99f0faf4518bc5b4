/**
 * A disk that loses power. Everything the program does to a folder through node:fs/promises is recorded - bytes, lengths, names, syncs - and
 * `imageAfter` says what such a disk may hold when the power goes after so many steps.
 *
 * What was synced is there. Of the rest each write is there, or not, or torn, or a hole of zeros, independently of any other; of the changes of
 * names each stands or falls with those before it that concern the same name or the same file, and with no others. No file system is
 * worse than that; ext4, XFS, APFS and NTFS all are better.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'

type WriteArguments = [bytes: Uint8Array, offset: number, length: number, position: number]

/** A file or folder, whatever it is called. The recorded folder is 0. */
type Node = number
interface Place {
  readonly folder: Node
  readonly name: string
}

type Step =
  | { readonly step: 'write'; readonly node: Node; readonly at: number; readonly bytes: Uint8Array }
  | { readonly step: 'truncate'; readonly node: Node; readonly length: number }
  | { readonly step: 'sync'; readonly node: Node }
  | { readonly step: 'names'; readonly node: Node; readonly gone: Place | null; readonly came: Place | null }

export interface Recording {
  readonly steps: readonly Step[]
  readonly folders: ReadonlySet<Node>
  stop(): void
}

/** What is in a folder, by name. */
export interface Image extends ReadonlyMap<string, Uint8Array | Image> {}

/** Records what is done to `root`, which is empty, until it is stopped. */
export function recordDisk(root: string): Recording {
  const real = { ...fs }
  const steps: Step[] = []
  const folders = new Set<Node>([0])
  const entries = new Map<string, Node>([['', 0]])
  let nodes = 0

  /** null outside the root. */
  const keyOf = (path: unknown): string | null => {
    const key = relative(root, resolve(String(path)))
    return key === '..' || key.startsWith(`..${sep}`) ? null : key
  }
  const placeOf = (key: string): Place => {
    const folder = dirname(key)
    return { folder: entries.get(folder === '.' ? '' : folder)!, name: basename(key) }
  }
  function come(key: string, isFolder: boolean): Node {
    const node = ++nodes
    if (isFolder) folders.add(node)
    entries.set(key, node)
    steps.push({ step: 'names', node, gone: null, came: placeOf(key) })
    return node
  }
  function go(key: string): void {
    const node = entries.get(key)
    if (node === undefined) return
    for (const inner of [...entries.keys()]) if (inner.startsWith(key + sep)) go(inner)
    entries.delete(key)
    steps.push({ step: 'names', node, gone: placeOf(key), came: null })
  }
  const write = (node: Node, at: number, data: Uint8Array | string) =>
    void steps.push({
      step: 'write',
      node,
      at,
      bytes: Uint8Array.from(typeof data === 'string' ? Buffer.from(data) : data),
    })

  function watch(handle: FileHandle, node: Node): FileHandle {
    const { writeFile: realWriteFile, truncate: realTruncate, sync: realSync } = handle
    const realWrite = handle.write.bind(handle) as (...given: WriteArguments) => Promise<{ bytesWritten: number }>
    return Object.assign(handle, {
      write: async (...given: WriteArguments) => {
        const [bytes, offset, , position] = given
        const done = await realWrite(...given)
        write(node, position, bytes.subarray(offset, offset + done.bytesWritten))
        return done
      },
      writeFile: async (text: string) => {
        await realWriteFile.call(handle, text)
        write(node, 0, text)
      },
      truncate: async (length: number) => {
        await realTruncate.call(handle, length)
        steps.push({ step: 'truncate', node, length })
      },
      sync: async () => {
        await realSync.call(handle)
        steps.push({ step: 'sync', node })
      },
    })
  }

  Object.assign(fs, {
    open: async (path: string, flags: string | number, mode?: number) => {
      const handle = await real.open(path, flags, mode)
      const key = keyOf(path)
      if (key === null) return handle
      return watch(handle, entries.get(key) ?? come(key, false))
    },
    writeFile: async (path: string, data: Uint8Array | string, options: { flush?: boolean } = {}) => {
      await real.writeFile(path, data, options as object)
      const key = keyOf(path)
      if (key === null) return
      const node = entries.get(key) ?? come(key, false)
      write(node, 0, data)
      if (options.flush) steps.push({ step: 'sync', node })
    },
    copyFile: async (from: string, to: string, mode?: number) => {
      await real.copyFile(from, to, mode)
      const key = keyOf(to)
      if (key !== null) write(come(key, false), 0, readFileSync(to))
    },
    mkdir: async (path: string, options?: object) => {
      const made = await real.mkdir(path, options)
      const key = keyOf(path)
      if (key !== null && !entries.has(key)) come(key, true)
      return made
    },
    link: async (from: string, to: string) => {
      await real.link(from, to)
      const [source, target] = [keyOf(from), keyOf(to)]
      const node = source === null ? undefined : entries.get(source)
      if (node === undefined || target === null) return
      entries.set(target, node)
      steps.push({ step: 'names', node, gone: null, came: placeOf(target) })
    },
    rename: async (from: string, to: string) => {
      await real.rename(from, to)
      const [source, target] = [keyOf(from), keyOf(to)]
      if (source === null || target === null) return
      const node = entries.get(source)!
      const gone = placeOf(source)
      for (const [key, inner] of [...entries])
        if (key === source || key.startsWith(source + sep)) {
          entries.delete(key)
          entries.set(target + key.slice(source.length), inner)
        }
      steps.push({ step: 'names', node, gone, came: placeOf(target) })
    },
    rm: async (path: string, options?: object) => {
      await real.rm(path, options)
      const key = keyOf(path)
      if (key !== null) go(key)
    },
    rmdir: async (path: string) => {
      await real.rmdir(path)
      const key = keyOf(path)
      if (key !== null) go(key)
    },
  })
  syncBuiltinESMExports()
  return {
    steps,
    folders,
    stop() {
      Object.assign(fs, real)
      syncBuiltinESMExports()
    },
  }
}

const sector = 512

/**
 * What may be there after `count` steps.
 * @param random draws from [0, 1)
 * @param syncs false for a disk that says it has synced and has not
 */
export function imageAfter({ steps, folders }: Recording, count: number, random: () => number, syncs = true): Image {
  const done = steps.slice(0, count)
  /** The last sync of each file and folder. */
  const syncedAt = new Map<Node, number>()
  if (syncs) for (const [i, step] of done.entries()) if (step.step === 'sync') syncedAt.set(step.node, i)

  const names = new Map<string, Node>()
  const cut = new Set<string | Node>()
  const contents = new Map<Node, Uint8Array>()
  const keyOf = ({ folder, name }: Place) => `${folder}/${name}`
  for (const [i, step] of done.entries()) {
    if (step.step === 'sync') continue
    if (step.step !== 'names') {
      contents.set(step.node, after(contents.get(step.node), step, i < (syncedAt.get(step.node) ?? -1), random))
      continue
    }
    const places = [step.gone, step.came].filter((place) => place !== null)
    const safe = places.every(({ folder }) => i < (syncedAt.get(folder) ?? -1))
    const concerns = [step.node, ...places.map(keyOf)]
    if (!safe && (concerns.some((each) => cut.has(each)) || random() < 0.2)) {
      for (const each of concerns) cut.add(each)
      continue
    }
    if (step.gone) names.delete(keyOf(step.gone))
    if (step.came) names.set(keyOf(step.came), step.node)
  }

  const imageOf = (folder: Node): Image => {
    const image = new Map<string, Uint8Array | Image>()
    for (const [key, node] of names) {
      const [inFolder, name] = [Number(key.slice(0, key.indexOf('/'))), key.slice(key.indexOf('/') + 1)]
      if (inFolder === folder)
        image.set(name, folders.has(node) ? imageOf(node) : (contents.get(node) ?? new Uint8Array()))
    }
    return image
  }
  return imageOf(0)
}

function after(
  before: Uint8Array | undefined,
  step: Extract<Step, { step: 'write' | 'truncate' }>,
  synced: boolean,
  random: () => number,
): Uint8Array {
  const old = before ?? new Uint8Array()
  const fate = synced ? 1 : random()
  if (step.step === 'truncate') {
    if (fate < 0.3) return old
    const kept = new Uint8Array(step.length)
    kept.set(old.subarray(0, step.length))
    return kept
  }
  const { at, bytes } = step
  // Not there at all.
  if (fate < 0.25) return old
  const grown = new Uint8Array(Math.max(old.byteLength, at + bytes.byteLength))
  grown.set(old)
  // The length is there, the bytes are not.
  if (fate < 0.4) return grown
  const torn =
    fate < 0.6
      ? Math.min(bytes.byteLength, sector * Math.floor((random() * bytes.byteLength) / sector))
      : bytes.byteLength
  grown.set(bytes.subarray(0, torn), at)
  return grown
}

/** Makes a folder hold `image`. `change` is given each file on its way. */
export function layOut(folder: string, image: Image, change: (bytes: Uint8Array) => Uint8Array): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of image)
    if (content instanceof Map) layOut(join(folder, name), content, change)
    else writeFileSync(join(folder, name), change(content as Uint8Array))
}

/** What a folder holds. */
export function readImage(folder: string): Image {
  return new Map(
    readdirSync(folder).map((name) => {
      const path = join(folder, name)
      return [name, lstatSync(path).isDirectory() ? readImage(path) : Uint8Array.from(readFileSync(path))]
    }),
  )
}
