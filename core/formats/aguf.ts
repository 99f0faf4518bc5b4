/**
 * .aguf, version 2: the file of factors that the prototype of this product wrote. A configuration in JSON, then layers, then in each its
 * matrices as U diag(S) Vt, U and V in F32 or INT8 with one scale, and a sparse part that is added. Little-endian, no padding, no checksum.
 * A matrix is shown as the product, which is computed in panels of rows as it is read, in f64 and rounded once.
 */

import type { ByteSource } from '../io.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { quoted } from '../messages/text.ts'
import type { TensorInfo } from '../tensor.ts'
import { uniqueNames } from '../unique-names.ts'
import { decodeFloat64 } from './dtype.ts'
import type { Format, WeightFile } from './format.ts'
import { type Cursor, cursorOver } from './reading/cursor.ts'
import { readRange } from './reading/range.ts'
import { readByName } from './reading/readable.ts'
import { badFile, overLimit, unsupported } from './reading/refusal.ts'
import { type JsonLimits, visitStrictJson } from './reading/strict-json.ts'

/** Read into memory whole; honest ones have a few KB. */
const maxConfigBytes = 16_000_000
/** As for other formats: no published model comes near it. */
const maxMatrices = 150_000
/** Rows or columns: the largest vocabularies have 3e5. A few bytes of rank 1 could claim a terabyte. */
export const maxDimension = 4_194_304
/** Places of sparse entries that are held against the shape when the file is opened; beyond them when they are read. */
const checkedAtOpening = 1_000_000
/** Of V in f64 at a time, and of U. */
const panelBytes = 32 * 2 ** 20
const utf8 = new TextDecoder()
const configLimits: JsonLimits = {
  maxDepth: 32,
  maxArrayLength: 1_000_000,
  maxElements: 1_000_000,
  maxKeys: 300_000,
  maxTextBytes: maxConfigBytes,
}
const nameBytes = 8
/** Its name, rank, rows, columns and kind of factors. */
const headBytes = nameBytes + 11
const scaleBytes = 4

/** Where one matrix lies; places of its parts follow from that (`partsOf`). Hostile files have very many of them. */
interface Matrix {
  readonly info: TensorInfo
  readonly form: Form
  readonly u: number
  readonly scaleU: number
  readonly scaleV: number
  /** Of the sparse part: pairs of row and column, then values. */
  readonly entries: number
}

/** What is said of factors of a rank: the same of all of them. */
interface Form extends Required<Pick<TensorInfo, 'storedAs' | 'storedRank' | 'remark'>> {
  readonly rank: number
  readonly int8: boolean
}

interface Parts extends Matrix {
  readonly rank: number
  readonly int8: boolean
  readonly rows: number
  readonly cols: number
  readonly s: number
  readonly v: number
  readonly sparse: number
}

function partsOf(matrix: Matrix): Parts {
  const { info, form, u, entries } = matrix
  const { rank, int8 } = form
  const [rows = 0, cols = 0] = info.shape
  const entryBytes = int8 ? 1 : 4
  const s = u + rows * rank * entryBytes + scaleBytes
  const v = s + 4 * rank
  const mark = v + cols * rank * entryBytes + scaleBytes
  return { ...matrix, rank, int8, rows, cols, s, v, sparse: mark + 1 + (entries > 0 ? 4 : 0) }
}

export const aguf: Format = {
  id: 'aguf',
  sniff: (head) => head[0] === 65 && head[1] === 71 && head[2] === 85 && head[3] === 70,
  open: async (source) => {
    const { matrices, metadata, notices } = await readHeader(source)
    const tensors = Array.from(matrices.values(), ({ info }) => info)
    return {
      format: 'aguf',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors,
      metadata,
      notices,
      shards: [{ fileName: source.name, tensorNames: tensors.map(({ name }) => name) }],
      read: readByName(source.name, matrices, (matrix, start, end) => readProduct(source, partsOf(matrix), start, end)),
      close: () => source.close(),
    } satisfies WeightFile
  },
}

async function readHeader(
  source: ByteSource,
): Promise<{ matrices: ReadonlyMap<string, Matrix>; metadata: Map<string, string>; notices: Message[] }> {
  const where = source.name
  const cursor = cursorOver(source, 0, source.byteLength)
  await cursor.need(12)
  cursor.skip(4)
  const version = cursor.u32()
  if (version !== 2) throw unsupported(where, say('unread.aguf-version', { version }))
  const metadata = await readConfig(cursor, where)
  await cursor.need(4)
  const layers = cursor.u32()
  // One without matrices has a few bytes, or none of its own in a file with a hole.
  if (layers > maxMatrices) throw overLimit(where, 'layers', maxMatrices, layers, 'no published model comes near it')
  const matrices = new Map<string, Matrix>()
  const names = uniqueNames({ has: (name) => matrices.has(name), add: () => {} })
  const renamed = { count: 0, first: '' }
  let unchecked = checkedAtOpening
  /** Of the last one: most have it as well. */
  let shape: readonly number[] = []
  for (let layer = 0; layer < layers; layer++) {
    await cursor.need(8)
    const index = cursor.u32()
    const count = cursor.u32()
    if (matrices.size + count > maxMatrices)
      throw overLimit(where, 'matrices', maxMatrices, matrices.size + count, 'no published model comes near it')
    // Most of them lie in the window: only what is not there yet is waited for, and only a refusal makes its words.
    for (let i = 0; i < count; i++) {
      if (!cursor.has(headBytes)) await cursor.need(headBytes)
      const wanted = `layers.${index}.${nameOf(cursor.bytes(nameBytes))}`
      const name = names(wanted)
      if (name !== wanted && renamed.count++ === 0) renamed.first = name
      const { rank, rows, cols, int8 } = readShape(cursor, where, name)
      const u = cursor.position
      cursor.skip(rows * rank * (int8 ? 1 : 4))
      if (!cursor.has(scaleBytes)) await cursor.need(scaleBytes)
      const scaleU = readScale(cursor, where, name)
      cursor.skip(rank * 4 + cols * rank * (int8 ? 1 : 4))
      if (!cursor.has(scaleBytes + 1)) await cursor.need(scaleBytes + 1)
      const scaleV = readScale(cursor, where, name)
      let entries = 0
      if (flag(cursor, where, name, 'mark of a sparse part')) {
        await cursor.need(4)
        entries = cursor.u32()
        cursor.skip(entries * 10)
      }
      const form = formOf(rank, int8)
      const { storedAs, storedRank, remark } = form
      if (shape[0] !== rows || shape[1] !== cols) shape = [rows, cols]
      const [byteLength, storedBytes] = [rows * cols * 4, cursor.position - u]
      const info: TensorInfo = { name, dtype: 'F32', shape, byteLength, storedAs, storedRank, remark, storedBytes }
      const matrix = { info, form, u, scaleU, scaleV, entries }
      matrices.set(name, matrix)
      unchecked -= entries
      if (entries > 0 && unchecked >= 0) await visitSparse(source, partsOf(matrix), () => {})
    }
  }
  if (cursor.position !== source.byteLength)
    throw badFile(where, `${cursor.position} bytes, the end of its last matrix`, `${source.byteLength}`)
  if (matrices.size === 0) throw badFile(where, 'matrices', 'none')
  return { matrices, metadata, notices: noticesOf(matrices, renamed) }
}

function noticesOf(
  matrices: ReadonlyMap<string, Matrix>,
  renamed: { readonly count: number; readonly first: string },
): Message[] {
  const dtypes = new Set<'INT8' | 'F32'>()
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (const { form } of matrices.values()) {
    least = Math.min(least, form.rank)
    most = Math.max(most, form.rank)
    dtypes.add(form.int8 ? 'INT8' : 'F32')
  }
  const stored = say('formats.matrices-as-factors', { least, most, dtypes: [...dtypes] })
  if (renamed.count === 0) return [stored]
  return [stored, say('formats.names-cut', { count: renamed.count, some: quoted(renamed.first) })]
}

async function readConfig(cursor: Cursor, where: string): Promise<Map<string, string>> {
  const length = cursor.u32()
  if (length > maxConfigBytes)
    throw overLimit(where, 'bytes of configuration', maxConfigBytes, length, 'it is read into memory whole')
  await cursor.need(length)
  const metadata = new Map<string, string>()
  visitStrictJson(cursor.bytes(length).slice(), `${where}: configuration`, configLimits, (key, value) => {
    if (typeof value !== 'object') metadata.set(key, String(value))
  })
  return metadata
}

/** UTF-8 up to the first NUL; a cut may have split the last character. */
function nameOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)).replace(/\ufffd+$/, '')
}

const inFile = (where: string, name: string) => `${where}: ${quoted(name)}`

function readShape(cursor: Cursor, where: string, name: string) {
  const rank = cursor.u8() + 256 * cursor.u8()
  const rows = cursor.u32()
  const cols = cursor.u32()
  if (rows > maxDimension) throw tooLong(inFile(where, name), 'rows', rows)
  if (cols > maxDimension) throw tooLong(inFile(where, name), 'columns', cols)
  if (rank < 1 || rank > Math.min(rows, cols))
    throw badFile(inFile(where, name), `a rank from 1 to ${Math.min(rows, cols)} (${rows} x ${cols})`, `${rank}`)
  return { rank, rows, cols, int8: flag(cursor, where, name, 'kind of factors') }
}

const forms = new Map<number, Form>()

function formOf(rank: number, int8: boolean): Form {
  const key = 2 * rank + Number(int8)
  const known = forms.get(key)
  if (known) return known
  const dtype = int8 ? 'INT8' : 'F32'
  const form = { rank, int8, storedAs: dtype, storedRank: rank, remark: say('formats.stored-factors', { rank, dtype }) }
  // As few as honest files have.
  if (forms.size < 1000) forms.set(key, form)
  return form
}

function tooLong(where: string, what: string, size: number) {
  return overLimit(where, what, maxDimension, size, 'no published matrix comes near it')
}

function flag(cursor: Cursor, where: string, name: string, what: string): boolean {
  const value = cursor.u8()
  if (value > 1) throw badFile(inFile(where, name), `0 or 1 as ${what}`, `${value}`)
  return value === 1
}

function readScale(cursor: Cursor, where: string, name: string): number {
  const value = cursor.f32()
  if (!Number.isFinite(value)) throw badFile(inFile(where, name), 'a finite scale', 'one that is not')
  return value
}

/** Bytes [start, end) of the product, in panels of the rows they touch. */
async function readProduct(source: ByteSource, matrix: Parts, start: number, end: number): Promise<Uint8Array> {
  const { cols, rank } = matrix
  const rowBytes = 4 * cols
  const firstRow = Math.floor(start / rowBytes)
  const lastRow = Math.ceil(end / rowBytes)
  const out = new Float32Array((lastRow - firstRow) * cols)
  const height = Math.max(1, Math.floor(panelBytes / (8 * Math.max(rank, cols))))
  const singular = decodeFloat64('F32', await readRange(source, matrix.s, matrix.s + 4 * rank, 'singular values'))
  for (let row = firstRow; row < lastRow; row += height) {
    const rows = Math.min(height, lastRow - row)
    const panel = await productRows(source, matrix, singular, row, rows)
    out.set(panel, (row - firstRow) * cols)
  }
  const from = firstRow * rowBytes
  return new Uint8Array(out.buffer).subarray(start - from, end - from)
}

/** `count` rows of the product from row `first` on. */
async function productRows(
  source: ByteSource,
  matrix: Parts,
  singular: Float64Array,
  first: number,
  count: number,
): Promise<Float64Array> {
  const { cols, rank, u, v, scaleU, scaleV } = matrix
  const scaled = await factorRows(source, matrix, u, first, count)
  for (let i = 0; i < scaled.length; i++) scaled[i] = scaled[i]! * scaleU * singular[i % rank]! * scaleV
  const sums = new Float64Array(count * cols)
  const width = Math.max(1, Math.floor(panelBytes / (8 * rank)))
  for (let column = 0; column < cols; column += width) {
    const columns = Math.min(width, cols - column)
    const other = transposed(await factorRows(source, matrix, v, column, columns), columns, rank)
    for (let i = 0; i < count; i++) {
      const at = i * cols + column
      for (let k = 0; k < rank; k++) {
        const factor = scaled[i * rank + k]!
        for (let j = 0, from = k * columns; j < columns; j++) sums[at + j] = sums[at + j]! + factor * other[from + j]!
      }
    }
  }
  await visitSparse(source, matrix, (row, column, value) => {
    if (row >= first && row < first + count) sums[(row - first) * cols + column]! += value
  })
  return sums
}

/** Rows of U or of V, count x rank, without their scale. */
async function factorRows(
  source: ByteSource,
  { rank, int8 }: Parts,
  base: number,
  first: number,
  count: number,
): Promise<Float64Array> {
  const rowBytes = rank * (int8 ? 1 : 4)
  const bytes = await readRange(source, base + first * rowBytes, base + (first + count) * rowBytes, 'factors')
  return int8
    ? Float64Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    : new Float64Array(decodeFloat64('F32', bytes))
}

function transposed(values: Float64Array, rows: number, cols: number): Float64Array {
  const out = new Float64Array(values.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = values[i * cols + j]!
  return out
}

/** Entries of the sparse part in their order, some at a time. @throws AppError `bad-file` for one outside the matrix */
async function visitSparse(
  source: ByteSource,
  { info, rows, cols, sparse, entries }: Parts,
  visit: (row: number, column: number, value: number) => void,
): Promise<void> {
  const step = 65_536
  for (let at = 0; at < entries; at += step) {
    const count = Math.min(step, entries - at)
    const places = await readRange(source, sparse + 8 * at, sparse + 8 * (at + count), 'sparse part')
    const valuesAt = sparse + 8 * entries + 2 * at
    const values = decodeFloat64('F16', await readRange(source, valuesAt, valuesAt + 2 * count, 'sparse part'))
    const view = new DataView(places.buffer, places.byteOffset)
    for (let i = 0; i < count; i++) {
      const row = view.getInt32(8 * i, true)
      const column = view.getInt32(8 * i + 4, true)
      if (!(row >= 0 && row < rows && column >= 0 && column < cols))
        throw badFile(
          `${source.name}: ${quoted(info.name)}`,
          `sparse entries inside ${rows} x ${cols}`,
          `one at row ${row}, column ${column}`,
        )
      visit(row, column, values[i]!)
    }
  }
}
