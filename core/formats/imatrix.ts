/**
 * llama.cpp's importance matrix before it was GGUF: a count, then for each matrix its name, how often it was called, and a mean of squares of its
 * inputs times that number; behind them, in newer files, the number of chunks and the name of the text. No magic, no checksum.
 * It is shown under the names that the GGUF form has: `<name>.in_sum2` and `<name>.counts`. Experts stand one behind the other.
 * Source: llama.cpp, tools/imatrix (`save_imatrix_legacy`), common/imatrix-loader.
 */
import type { ByteSource } from '../io.ts'
import { quoted } from '../messages/text.ts'
import type { TensorInfo } from '../tensor.ts'
import type { Format } from './format.ts'
import { cursorOver } from './reading/cursor.ts'
import { readRange } from './reading/range.ts'
import { type ReadableTensor, weightFileOf } from './reading/readable.ts'
import { badFile, overLimit } from './reading/refusal.ts'

/** The largest models have about 2,000 matrices. */
const maxEntries = 65_536
/** ggml's own limit is 64. */
const maxNameBytes = 256
/** Experts times inputs: 256 x 18,432 is the most that is known. */
const maxValues = 67_108_864

export const imatrix: Format = {
  id: 'imatrix',
  sniff: (head) => {
    if (head.byteLength < 20) return false
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
    const [entries, length] = [view.getInt32(0, true), view.getInt32(4, true)]
    if (entries < 1 || entries > maxEntries || length < 1 || length > maxNameBytes) return false
    // Without a magic the first name has to be one of ggml's.
    const name = new TextDecoder('latin1').decode(head.subarray(8, 8 + length))
    return /^[\w.-]+\.weight$/.test(name)
  },
  open: async (source) => {
    const { readables, metadata } = await readEntries(source)
    return weightFileOf(source.name, readables, {
      format: 'imatrix',
      safety: 'safe',
      totalBytes: source.byteLength,
      metadata,
      notices: [],
      close: () => source.close(),
    })
  },
}

async function readEntries(
  source: ByteSource,
): Promise<{ readables: ReadableTensor[]; metadata: ReadonlyMap<string, string> }> {
  const where = source.name
  const cursor = cursorOver(source, 0, source.byteLength)
  const number = async (what: string, least: number, most: number) => {
    await cursor.need(4)
    const value = cursor.u32() | 0
    if (value < least) throw badFile(where, `${what} of at least ${least}`, String(value))
    if (value > most) throw overLimit(where, what, most, value, 'no published model comes near it')
    return value
  }
  const text = async (what: 'names' | 'datasets', most: number) => {
    const length = await number(`bytes of ${what}`, 0, most)
    await cursor.need(length)
    return new TextDecoder().decode(cursor.bytes(length))
  }
  const entries = await number('entries', 1, maxEntries)
  const readables: ReadableTensor[] = []
  const names = new Set<string>()
  for (let i = 0; i < entries; i++) {
    const name = await text('names', maxNameBytes)
    if (name === '') throw badFile(where, 'a name of a matrix', 'none')
    if (names.has(name)) throw badFile(where, 'every matrix once', `${quoted(name)} twice`)
    names.add(name)
    const calls = await number('calls', 0, 2 ** 31 - 1)
    const values = await number('values', 1, maxValues)
    const start = cursor.position
    cursor.skip(4 * values)
    readables.push(inFile(source, `${name}.in_sum2`, start, values), single(`${name}.counts`, calls))
  }
  const metadata = new Map([['general.type', 'imatrix']])
  if (cursor.position === source.byteLength) return { readables, metadata }
  metadata.set('imatrix.chunk_count', String(await number('chunks', 0, 2 ** 31 - 1)))
  metadata.set('imatrix.datasets', await text('datasets', 65_536))
  if (cursor.position !== source.byteLength)
    throw badFile(where, `${cursor.position} bytes, the end of the name of its text`, `${source.byteLength} bytes`)
  return { readables, metadata }
}

function infoOf(name: string, count: number): TensorInfo {
  return { name, dtype: 'F32', shape: [1, count], byteLength: 4 * count }
}

function inFile(source: ByteSource, name: string, at: number, count: number): ReadableTensor {
  return {
    info: infoOf(name, count),
    read: (start, end) => readRange(source, at + start, at + end, `tensor ${quoted(name)}`),
  }
}

function single(name: string, value: number): ReadableTensor {
  const bytes = new Uint8Array(Float32Array.of(value).buffer)
  return { info: infoOf(name, 1), read: async (start, end) => bytes.slice(start, end) }
}
