/**
 * What every container of weights is to its writer, and how bytes get into its file: each piece read back and held against what
 * was handed in.
 */

import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import {
  type ByteSink,
  type ByteSource,
  discard,
  type OutputFolder,
  type PickedSource,
  pickedAlone,
  type SourceFolder,
} from '../../io.ts'
import type { JobContext } from '../../matrix/context.ts'
import { say } from '../../messages/english.ts'
import { fileName } from '../../messages/text.ts'
import type { TensorOutline } from '../../tensor.ts'

/** CRC-32 of `bytes` after those whose checksum is `previous` (context.ts). */
export type Checksum = (bytes: Uint8Array, previous?: number) => number

/** A container that is being written: safetensors-output.ts, npz-output.ts, aguf-output.ts, gguf-output.ts. */
export interface WeightsOutput {
  /** Of the file so far. */
  readonly byteLength: number
  /** The entries so far, in order. */
  readonly written: readonly WrittenEntry[]
  /** Starts a tensor that becomes these entries; `write` then appends to entry `index`. `done` checks that all bytes came. */
  begin(entries: readonly TensorOutline[]): TensorWriter
  /** Returns when the file so far would survive a power cut. */
  sync(): Promise<void>
  /** Whether `complete` moves what was written, so that it cannot be resumed if that is interrupted. */
  moves(metadata: ReadonlyMap<string, string>): boolean
  /** Writes what is known only at the end. The file as its readers will see it. */
  complete(metadata: ReadonlyMap<string, string>): Promise<ByteSource>
  /** Closes and gives the file its name. Bytes of the whole file. */
  close(): Promise<number>
  /** Leaves the first `byteLength` bytes for a run that resumes. */
  suspend(byteLength: number): Promise<void>
  abort(): Promise<void>
}

/** An entry that is complete, with the CRC-32 of its values, or in an archive of its member. */
export interface WrittenEntry {
  readonly outline: TensorOutline
  readonly crc: number
}

/** What a container puts around the values of an entry. */
export interface Frame {
  readonly before: Uint8Array
  /** Where the checksum of the values begins. */
  readonly crc: number
  readonly after: Uint8Array
}

export const unframed: Frame = { before: new Uint8Array(0), crc: 0, after: new Uint8Array(0) }

/** A container, whatever is written in it: one for each `encoding` of core/styles.ts. `planned` are all entries, `metadata` has every number at its width. */
export interface Encoding {
  /** Bytes of the whole file. */
  plannedBytes(planned: readonly TensorOutline[], metadata: ReadonlyMap<string, string>): number
  /** Where the first tensor stands. */
  firstByte(planned: readonly TensorOutline[], metadata: ReadonlyMap<string, string>): number
  /** @throws AppError `cannot-write` */
  create(
    folder: OutputFolder,
    name: string,
    planned: readonly TensorOutline[],
    metadata: ReadonlyMap<string, string>,
    crc32: Checksum,
  ): Promise<WeightsOutput>
  /** Continues a file that ends after the `written` ones, in this folder. */
  reopen(
    sink: ByteSink,
    planned: readonly TensorOutline[],
    metadata: ReadonlyMap<string, string>,
    written: readonly WrittenEntry[],
    crc32: Checksum,
    folder: OutputFolder,
  ): WeightsOutput
  /** What stands around the values of a tensor's entries; asked for in the order of the file. */
  frames(planned: readonly TensorOutline[]): (entries: readonly WrittenEntry[]) => readonly Frame[]
  /** Whether a finished file has the bytes that were written: one pass over it. null where the format has no place for checksums. */
  readonly isIntact: ((finished: FinishedFile, context: JobContext) => Promise<boolean>) | null
  /** The file that readers open, where it is another one beside the values; `complete` writes it. */
  readonly opensAt?: string
}

/** An output as readers open it: the file, or the one that names it. `source` stays the caller's to close. */
export function pickedOutput(
  { opensAt }: Pick<Encoding, 'opensAt'>,
  source: ByteSource,
  folder: SourceFolder,
): PickedSource {
  const { name, byteLength } = source
  const held = {
    name,
    byteLength,
    slice: (start: number, end: number) => source.slice(start, end),
    close: async () => {},
  }
  if (opensAt === undefined) return pickedAlone(held)
  const both: SourceFolder = {
    name: folder.name,
    list: async () => [opensAt, name],
    open: async (wanted) => (wanted === name ? held : folder.open(wanted)),
    inside: (inner) => folder.inside(inner),
  }
  return { folder: both, entry: opensAt }
}

/** The source, for a container that is written from it. */
export type SourceFile = Pick<WeightFile, 'read' | 'graph' | 'totalBytes'>

/** A finished file, opened as its readers do, and the bytes of its values. */
export interface FinishedFile {
  readonly file: WeightFile
  readonly bytes: ByteSource
}

export interface TensorWriter {
  write(index: number, bytes: Uint8Array): Promise<void>
  done(): Promise<void>
  /** Takes back what was written, as if the tensor had not begun. */
  undo(): Promise<void>
}

/** A new file of `byteLength` bytes to come, with what it starts with. Nothing is left of it where that cannot be written. */
export async function createStarted(
  folder: OutputFolder,
  name: string,
  byteLength: number,
  start: Uint8Array,
): Promise<ByteSink> {
  const sink = await folder.create(name, byteLength)
  try {
    await sink.write(start)
  } catch (error) {
    await sink.abort()
    throw error
  }
  return sink
}

/** How a container's file ends, whichever it is. */
export function outputEnd(sink: ByteSink): Pick<WeightsOutput, 'sync' | 'close' | 'suspend' | 'abort'> {
  return {
    sync: () => sink.sync(),
    close: async () => {
      const { byteLength } = sink
      await sink.close()
      return byteLength
    },
    suspend: async (byteLength) => {
      try {
        await sink.truncate(byteLength)
      } finally {
        await sink.suspend()
      }
    },
    abort: () => sink.abort(),
  }
}

/** What was written so far, to be read before it has its name. */
export function sinkSource(sink: ByteSink): ByteSource {
  const { name, byteLength } = sink
  return { name, byteLength, slice: (start, end) => sink.read(start, end), close: async () => {} }
}

/** @throws AppError `cannot-write` when the file does not hold what was written */
export async function writeChecked(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  const start = sink.byteLength
  await sink.write(bytes)
  const back = await sink.read(start, start + bytes.byteLength)
  const same = sameBytes(back, bytes)
  discard(back)
  if (!same) {
    throw new AppError('cannot-write', say('files.read-back', { name: fileName(sink.name), byte: start }))
  }
}

/** Four bytes at a time where both sides are aligned. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false
  let i = 0
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const words = Math.floor(a.byteLength / 4)
    const x = new Uint32Array(a.buffer, a.byteOffset, words)
    const y = new Uint32Array(b.buffer, b.byteOffset, words)
    for (let word = 0; word < words; word++) if (x[word] !== y[word]) return false
    i = 4 * words
  }
  for (; i < a.byteLength; i++) if (a[i] !== b[i]) return false
  return true
}
