/** The entries that a tensor becomes, put one after another into a file whose order is that of its tensors. */
import type { ByteSink } from '../../io.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import { type Checksum, type TensorWriter, type WrittenEntry, writeChecked } from './weights-output.ts'

const nothing = new Uint8Array(0)

/** What a container makes of entry `index` of a tensor; by default its values stand there as they come. */
export interface EntryForm {
  /** As it stands in the file, where that is not what was asked for. */
  outline?(index: number): TensorOutline
  /** What stands before its values, and where their checksum begins. */
  before?(index: number): { readonly bytes: Uint8Array; readonly crc: number }
  values?(index: number, bytes: Uint8Array): Uint8Array
  after?(index: number, crc: number): Uint8Array
}

/** The first entry goes straight to the file. Those after it wait until it is complete: they are factors, and small. */
export function entryWriter(
  sink: ByteSink,
  entries: readonly TensorOutline[],
  written: WrittenEntry[],
  crc32: Checksum,
  form: EntryForm = {},
): TensorWriter {
  const start = sink.byteLength
  const received = entries.map(() => 0)
  const checksums = entries.map(() => 0)
  const waiting: Uint8Array[][] = entries.map(() => [])
  const write = async (bytes: Uint8Array) => {
    if (bytes.byteLength > 0) await writeChecked(sink, bytes)
  }
  const open = async (index: number) => {
    const { bytes, crc } = form.before?.(index) ?? { bytes: nothing, crc: 0 }
    await write(bytes)
    checksums[index] = crc
  }
  const put = async (index: number, values: Uint8Array) => {
    checksums[index] = crc32(values, checksums[index])
    await write(values)
  }
  return {
    write: async (index, bytes) => {
      if (index === 0 && received[0] === 0) await open(0)
      received[index]! += bytes.byteLength
      const values = form.values?.(index, bytes) ?? bytes
      if (index === 0) await put(0, values)
      else waiting[index]!.push(values)
    },
    done: async () => {
      for (const [index, entry] of entries.entries()) {
        const expected = tensorBytes(entry.dtype, entry.shape)
        if (received[index] !== expected)
          throw new Error(`${entry.name}: expected ${expected} bytes, got ${received[index]}`)
        if (index > 0 || expected === 0) await open(index)
        for (const values of waiting[index]!) await put(index, values)
        await write(form.after?.(index, checksums[index]!) ?? nothing)
        written.push({ outline: form.outline?.(index) ?? entry, crc: checksums[index]! })
      }
    },
    undo: () => sink.truncate(start),
  }
}
