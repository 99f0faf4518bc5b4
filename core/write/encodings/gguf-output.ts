/** A GGUF file being written: its header has its final length from the beginning, and each tensor is filled up to the alignment. */
import { ggufHeader, ggufPadding } from '../../formats/gguf/gguf-writer.ts'
import type { ByteSink } from '../../io.ts'
import { tensorBytes } from '../../tensor.ts'
import { entryWriter } from './entry-writer.ts'
import {
  type Checksum,
  createStarted,
  type Encoding,
  outputEnd,
  sinkSource,
  unframed,
  type WeightsOutput,
  type WrittenEntry,
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
    begin: (entries) => {
      const after = (index: number) => {
        const { dtype, shape } = entries[index]!
        return new Uint8Array(ggufPadding(tensorBytes(dtype, shape)))
      }
      return entryWriter(sink, entries, written, crc32, { after })
    },
    moves: (final) => header(final).byteLength !== headerBytes,
    complete: async (final) => {
      await moveData(sink, headerBytes, header(final))
      return sinkSource(sink)
    },
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
