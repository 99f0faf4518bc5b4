/**
 * An .aguf file being written: its start with the configuration, then layer by layer the matrices, each read back. The counts of layers and
 * matrices stand before what they count: where a matrix could not be written, they are corrected at the end.
 */
import type { ByteSink } from '../../io.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import { fromChecksums, toChecksums } from '../bits.ts'
import { CHECKSUMS } from '../metadata.ts'
import { type AgufFrames, agufFrames, agufStart, endOfAgufStart, layerCounts } from './aguf-layout.ts'
import { checksumOf } from './intact.ts'
import {
  type Checksum,
  createStarted,
  type Encoding,
  outputEnd,
  sinkSource,
  type TensorWriter,
  type WeightsOutput,
  type WrittenEntry,
  writeChecked,
} from './weights-output.ts'

export const agufEncoding: Encoding = {
  plannedBytes: (planned, metadata) => startOf(planned, metadata).byteLength + agufFrames(planned).byteLength,
  firstByte: (planned, metadata) => startOf(planned, metadata).byteLength,
  frames: (planned) => agufFrames(planned).of,
  create: async (folder, name, planned, metadata, crc32) => {
    const frames = agufFrames(planned)
    const start = startOf(planned, metadata)
    const sink = await createStarted(folder, name, start.byteLength + frames.byteLength, start)
    return outputOn(sink, start.byteLength, frames, [], crc32)
  },
  reopen: (sink, planned, metadata, written, crc32) => {
    const frames = agufFrames(planned)
    // Those layers have begun.
    frames.of(written)
    return outputOn(sink, startOf(planned, metadata).byteLength, frames, [...written], crc32)
  },
  isIntact: async ({ file, bytes }, context) => {
    const [expected] = fromChecksums(file.metadata.get(CHECKSUMS) ?? '')
    return (await checksumOf(bytes, await endOfAgufStart(bytes), bytes.byteLength, 0, context)) === expected
  },
}

function startOf(planned: readonly TensorOutline[], metadata: ReadonlyMap<string, string>): Uint8Array {
  return agufStart(withChecksum(metadata, 0), agufFrames(planned).layers.size)
}

/** In place of a checksum for each entry, one of all that follows the start. */
function withChecksum(metadata: ReadonlyMap<string, string>, crc: number): Map<string, string> {
  return new Map(metadata).set(CHECKSUMS, toChecksums([crc]))
}

function outputOn(
  sink: ByteSink,
  startBytes: number,
  frames: AgufFrames,
  written: WrittenEntry[],
  crc32: Checksum,
): WeightsOutput {
  const counts = () => layerCounts(written)
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) => matrixWriter(sink, entries, frames, written, crc32),
    moves: () =>
      counts().reduce((sum, { count }) => sum + count, 0) < [...frames.layers.values()].reduce((a, b) => a + b, 0),
    complete: async (metadata) => {
      const found = counts()
      for (const { at, count } of found) await sink.overwrite(startBytes + at, word(count))
      let crc = 0
      for (let at = startBytes; at < sink.byteLength; at += READ_BYTES)
        crc = crc32(await sink.read(at, Math.min(sink.byteLength, at + READ_BYTES)), crc)
      await sink.overwrite(0, agufStart(withChecksum(metadata, crc), found.length, startBytes))
      return sinkSource(sink)
    },
  }
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** A matrix goes to the file when it is complete: factors are small. */
function matrixWriter(
  sink: ByteSink,
  entries: readonly TensorOutline[],
  frames: AgufFrames,
  written: WrittenEntry[],
  crc32: Checksum,
): TensorWriter {
  const waiting: Uint8Array[][] = entries.map(() => [])
  return {
    write: async (index, bytes) => {
      waiting[index]!.push(bytes)
    },
    done: async () => {
      const whole = entries.map((outline, i): WrittenEntry => {
        const received = waiting[i]!.reduce((sum, { byteLength }) => sum + byteLength, 0)
        const expected = tensorBytes(outline.dtype, outline.shape)
        if (received !== expected) throw new Error(`${outline.name}: expected ${expected} bytes, got ${received}`)
        return { outline, crc: waiting[i]!.reduce((crc, bytes) => crc32(bytes, crc), 0) }
      })
      for (const [i, { before, after }] of frames.of(whole).entries())
        for (const bytes of [before, ...waiting[i]!, after]) if (bytes.byteLength > 0) await writeChecked(sink, bytes)
      written.push(...whole)
    },
    undo: async () => {},
  }
}
