/**
 * An NPZ file being written: one stored member for each tensor, read back and held against what was handed in, and the directory at the end.
 * numpy has no bfloat16 and no 8-bit floats: their values are widened to F32 on the way, exactly. What a safetensors header says in its
 * metadata is in the archive's comment, which numpy passes over.
 */

import { openZip } from '../../formats/archives/zip.ts'
import { decodeFloat32, encode } from '../../formats/dtype.ts'
import { npzComment, planNpz } from '../../formats/numpy/npz.ts'
import type { ByteSink } from '../../io.ts'
import { encodedDType } from '../../styles.ts'
import { isComputable, type TensorOutline } from '../../tensor.ts'
import { ERRORS, TIES } from '../metadata.ts'
import { entryWriter } from './entry-writer.ts'
import { isEachIntact } from './intact.ts'
import {
  type Checksum,
  type Encoding,
  type Frame,
  outputEnd,
  sinkSource,
  type WeightsOutput,
  type WrittenEntry,
  writeChecked,
} from './weights-output.ts'

/** The tensor as numpy can hold it. */
function npzOutline({ name, dtype, shape }: TensorOutline): TensorOutline {
  return { name, shape, dtype: encodedDType('npz', dtype) }
}

export const npzEncoding: Encoding = {
  plannedBytes: (planned, metadata) => planNpz(planned.map(npzOutline), comment(metadata)).byteLength,
  firstByte: () => 0,
  create: async (folder, name, planned, metadata, crc32) =>
    outputOn(await folder.create(name, npzEncoding.plannedBytes(planned, metadata)), [], crc32),
  reopen: (sink, _, __, written, crc32) => outputOn(sink, [...written], crc32),
  frames: () => memberFrames,
  isIntact: async (finished, context) => {
    const checksums = [...(await openZip(finished.bytes)).members.values()].map(({ crc }) => crc)
    // An archive begins with its first member.
    return isEachIntact(finished, 0, checksums, memberFrames, context)
  },
}

function memberFrames(entries: readonly WrittenEntry[]) {
  return entries.map(memberFrame)
}

function memberFrame({ outline, crc }: WrittenEntry): Frame {
  const plan = planNpz([outline])
  const { bytes, crc: begun } = plan.before(0)
  return { before: bytes, crc: begun, after: plan.after(0, crc) }
}

/** What tells of the run that wrote it; the error of each tensor only where there is space for all of them (about a thousand). */
function comment(metadata: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const own = new Map([...metadata].filter(([key]) => key.startsWith('ghostsvd.')))
  return npzComment(own, [TIES, ERRORS])
}

function outputOn(sink: ByteSink, written: WrittenEntry[], crc32: Checksum): WeightsOutput {
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) => {
      const outlines = entries.map(npzOutline)
      return entryWriter(sink, entries, written, crc32, {
        ...planNpz(outlines),
        outline: (index) => outlines[index]!,
        values: (index, bytes) => widen(entries[index]!, bytes),
      })
    },
    moves: () => false,
    complete: async (metadata) => {
      const plan = planNpz(
        written.map(({ outline }) => outline),
        comment(metadata),
      )
      await writeChecked(sink, plan.directory(written.map(({ crc }) => crc)))
      return sinkSource(sink)
    },
  }
}

function widen({ dtype }: TensorOutline, bytes: Uint8Array): Uint8Array {
  return isComputable(dtype) && encodedDType('npz', dtype) !== dtype
    ? encode('F32', decodeFloat32(dtype, bytes)).bytes
    : bytes
}
