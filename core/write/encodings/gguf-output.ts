/** A GGUF file being written: its header has its final length from the beginning, and each tensor is filled up to the alignment. */
import { ggufHeader, ggufPadding } from '../../formats/gguf/gguf-writer.ts'
import type { ByteSink } from '../../io.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import {
  type Checksum,
  createStarted,
  type Encoding,
  outputEnd,
  sinkSource,
  type TensorWriter,
  unframed,
  type WeightsOutput,
  type WrittenEntry,
  writeChecked,
} from './weights-output.ts'

const plannedBytes: Encoding['plannedBytes'] = (planned, metadata) =>
  planned.reduce((sum, { dtype, shape }) => {
    const length = tensorBytes(dtype, shape)
    return sum + length + ggufPadding(length)
  }, ggufHeader(planned, metadata).byteLength)

export const ggufEncoding: Encoding = {
  plannedBytes,
  firstByte: (planned, metadata) => ggufHeader(planned, metadata).byteLength,
  create: async (folder, name, planned, metadata, crc32) => {
    const header = ggufHeader(planned, metadata)
    const sink = await createStarted(folder, name, plannedBytes(planned, metadata), header)
    return outputOn(sink, header.byteLength, [], crc32)
  },
  reopen: (sink, planned, metadata, written, crc32) =>
    outputOn(sink, ggufHeader(planned, metadata).byteLength, [...written], crc32),
  frames: () => (entries) =>
    entries.map(({ outline: { dtype, shape } }) => ({
      ...unframed,
      after: new Uint8Array(ggufPadding(tensorBytes(dtype, shape))),
    })),
  isIntact: null,
}

function outputOn(sink: ByteSink, headerBytes: number, written: WrittenEntry[], crc32: Checksum): WeightsOutput {
  const header = (metadata: ReadonlyMap<string, string>) =>
    ggufHeader(
      written.map(({ outline }) => outline),
      metadata,
    )
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) => tensorWriter(sink, entries, written, crc32),
    moves: (final) => header(final).byteLength !== headerBytes,
    complete: async (final) => {
      await moveData(sink, headerBytes, header(final))
      return sinkSource(sink)
    },
  }
}

function tensorWriter(
  sink: ByteSink,
  entries: readonly TensorOutline[],
  written: WrittenEntry[],
  crc32: Checksum,
): TensorWriter {
  const start = sink.byteLength
  // Factors of one module: they wait until the module is complete.
  const pieces: Uint8Array[][] = entries.map(() => [])
  return {
    write: async (index, bytes) => void pieces[index]!.push(bytes),
    done: async () => {
      for (const [i, outline] of entries.entries()) {
        const expected = tensorBytes(outline.dtype, outline.shape)
        const received = pieces[i]!.reduce((sum, { byteLength }) => sum + byteLength, 0)
        if (received !== expected) throw new Error(`${outline.name}: expected ${expected} bytes, got ${received}`)
        let crc = 0
        for (const piece of pieces[i]!) {
          crc = crc32(piece, crc)
          await writeChecked(sink, piece)
        }
        await writeChecked(sink, new Uint8Array(ggufPadding(expected)))
        written.push({ outline, crc })
      }
    },
    undo: () => sink.truncate(start),
  }
}

/** A header that names fewer tensors than planned is shorter: the values follow it, so they move. An adapter is small. */
async function moveData(sink: ByteSink, from: number, header: Uint8Array): Promise<void> {
  if (header.byteLength !== from) {
    const values = await sink.read(from, sink.byteLength)
    await sink.truncate(Math.min(from, header.byteLength))
    if (header.byteLength > from) await sink.write(new Uint8Array(header.byteLength - from))
    await sink.write(values)
  }
  return sink.overwrite(0, header)
}
