/**
 * The file being written: a header whose length is known before the run, then the tensors in order, each read back and held against what
 * was handed in. The header's numbers are filled in at the end; the name appears when everything is there.
 */
import { checkSafetensorsHeader, safetensorsHeader } from '../../formats/safetensors.ts'
import type { ByteSink } from '../../io.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import { fromChecksums } from '../bits.ts'
import { CHECKSUMS } from '../metadata.ts'
import { entryWriter } from './entry-writer.ts'
import { isEachIntact } from './intact.ts'
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

/** Data is moved in pieces of this size where a header has to grow. */
const MOVE_BYTES = 16 << 20

/** Bytes of the file with these entries and a metadata of this shape. */
function plannedBytes(entries: readonly TensorOutline[], metadata: ReadonlyMap<string, string>): number {
  const values = entries.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  return safetensorsHeader(entries, metadata).byteLength + values
}

/** `metadata` has every number at its final width. @throws AppError `cannot-write` */
export const createSafetensors: Encoding['create'] = async (folder, name, planned, metadata, crc32) => {
  const placeholder = safetensorsHeader(planned, metadata)
  const byteLength = plannedBytes(planned, metadata)
  checkSafetensorsHeader(name, placeholder, byteLength)
  const sink = await createStarted(folder, name, byteLength, placeholder)
  return outputOn(sink, placeholder.byteLength, [], crc32)
}

export const safetensorsEncoding: Encoding = {
  plannedBytes,
  firstByte: (planned, metadata) => safetensorsHeader(planned, metadata).byteLength,
  create: createSafetensors,
  reopen: (sink, planned, metadata, written, crc32) =>
    outputOn(sink, safetensorsHeader(planned, metadata).byteLength, [...written], crc32),
  frames: () => unframedAll,
  isIntact: (finished, context) => {
    const { tensors, metadata } = finished.file
    // The format has no gaps.
    const start = finished.bytes.byteLength - tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return isEachIntact(finished, start, fromChecksums(metadata.get(CHECKSUMS) ?? ''), unframedAll, context)
  },
}

function unframedAll(entries: readonly WrittenEntry[]) {
  return entries.map(() => unframed)
}

function outputOn(sink: ByteSink, headerBytes: number, written: WrittenEntry[], crc32: Checksum): WeightsOutput {
  const header = (metadata: ReadonlyMap<string, string>) =>
    safetensorsHeader(
      written.map(({ outline }) => outline),
      metadata,
    )
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) => entryWriter(sink, entries, written, crc32),
    moves: (final) => header(final).byteLength > headerBytes,
    complete: async (final) => {
      await fillHeader(sink, header(final), headerBytes)
      return sinkSource(sink)
    },
  }
}

/** A header that came out shorter than planned is filled with spaces, which the format allows; for a longer one the data makes room. */
async function fillHeader(sink: ByteSink, header: Uint8Array, reserved: number): Promise<void> {
  if (header.byteLength > reserved) {
    await moveData(sink, reserved, header.byteLength)
    return sink.overwrite(0, header)
  }
  const padded = new Uint8Array(reserved).fill(32)
  padded.set(header)
  new DataView(padded.buffer).setBigUint64(0, BigInt(reserved - 8), true)
  return sink.overwrite(0, padded)
}

/** Moves everything from byte `from` on to byte `to`, last piece first. */
async function moveData(sink: ByteSink, from: number, to: number): Promise<void> {
  const end = sink.byteLength
  await sink.write(new Uint8Array(to - from))
  for (let stop = end; stop > from; stop -= MOVE_BYTES) {
    const start = Math.max(from, stop - MOVE_BYTES)
    await sink.overwrite(start + to - from, await sink.read(start, stop))
  }
}
