/**
 * NPY, versions 1 to 3: a magic, a version, the header's length, a Python dict literal {'descr', 'fortran_order', 'shape'}, the values.
 * Source: numpy/lib/format.py. Fortran order and big-endian values are turned while they are read. Object arrays are pickles; refused.
 */

import { AppError } from '../../errors.ts'
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits, type TensorInfo } from '../../tensor.ts'
import type { Format } from '../format.ts'
import { cOrderStrides, fortranStrides, type ReadStorage, readStrided, type StridedView } from '../pytorch/strided.ts'
import { readRange } from '../reading/range.ts'
import { badFile, overLimit, shapeText, unsupported } from '../reading/refusal.ts'

/** numpy writes 128 bytes and itself refuses more than 10,000 unless told that the file is trusted; versions 2 and 3 could name 4 GB. */
const maxHeaderBytes = 65_536
const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8', { fatal: true })
/** numpy's own limit. */
const maxDimensions = 32

const magic = [0x93, 78, 85, 77, 80, 89] // \x93NUMPY

/** numpy's type codes that are dtypes of ours. */
const dtypeOfCode: Record<string, DType> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  b1: 'BOOL',
  c8: 'C64',
}
const codeOfDType = Object.fromEntries(Object.entries(dtypeOfCode).map(([code, dtype]) => [dtype, code]))

/** What a header says. */
export interface NpyHeader {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly byteLength: number
  readonly fortran: boolean
  readonly bigEndian: boolean
  /** Where the values begin. */
  readonly dataOffset: number
}

export interface NpyArray {
  readonly byteLength: number
  readonly dtype: DType
  readonly view: StridedView
  readonly bigEndian: boolean
}

/** Its values as they lie behind the header. */
export function npyArray({ dtype, shape, byteLength, fortran, bigEndian }: Omit<NpyHeader, 'dataOffset'>): NpyArray {
  const strides = fortran ? fortranStrides(shape) : cOrderStrides(shape)
  return { dtype, byteLength, bigEndian, view: { itemBytes: dtypeBits[dtype] / 8, shape, strides, offset: 0 } }
}

export const npy: Format = {
  id: 'npy',
  sniff: looksLikeNpy,
  open: async (source) => {
    const header = await readNpyHeader(source)
    const array = npyArray(header)
    const tensor: TensorInfo = {
      name: 'array',
      dtype: header.dtype,
      shape: header.shape,
      byteLength: header.byteLength,
    }
    return {
      format: 'npy',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors: [tensor],
      metadata: new Map(),
      notices: [],
      shards: [{ fileName: source.name, tensorNames: ['array'] }],
      read: async (wanted, start = 0, end = wanted.byteLength) => {
        if (wanted.name !== 'array')
          throw new AppError(
            'bad-request',
            say('formats.only-array', { where: foreign(source.name), name: quoted(wanted.name) }),
          )
        return readNpyValues(array, start, end, (from, to) =>
          readRange(source, header.dataOffset + from, header.dataOffset + to, 'values'),
        )
      },
      close: () => source.close(),
    }
  },
}

/** Whether these first bytes are those of an NPY file. */
export function looksLikeNpy(head: Uint8Array): boolean {
  return magic.every((byte, i) => head[i] === byte)
}

/** As much as nearly all headers have. */
export const npyHeadBytes = 256

/**
 * Reads and checks the header.
 * @throws AppError `bad-file`, `unsupported` (object, structured, string arrays), `over-limit`
 */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const { name, byteLength } = source
  const head = await readRange(source, 0, Math.min(npyHeadBytes, byteLength), 'header')
  const found = npyHeaderIn(name, head, byteLength)
  if (typeof found !== 'number') return found
  return npyHeaderIn(name, await readRange(source, 0, found, 'header'), byteLength) as NpyHeader
}

/**
 * The header at the beginning of `head`, the first bytes of what has `byteLength`; where it goes on behind them, how many there must be.
 * @throws AppError as `readNpyHeader`
 */
export function npyHeaderIn(where: string, head: Uint8Array, byteLength: number): NpyHeader | number {
  if (byteLength < 10) throw badFile(where, 'at least 10 bytes of NPY header', `${byteLength} bytes`)
  if (!looksLikeNpy(head)) throw badFile(where, 'the NPY magic', 'other bytes')
  const version = head[6]!
  if (version < 1 || version > 3 || head[7] !== 0)
    throw unsupported(where, say('unread.npy-version', { version: `${version}.${head[7]}` }))
  const prefix = version === 1 ? 10 : 12
  if (byteLength < prefix) throw badFile(where, `${prefix} bytes of NPY header`, `${byteLength} bytes`)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  const end = prefix + headerBytes
  if (end > byteLength)
    throw new AppError(
      'bad-file',
      say('formats.header-beyond', { where: foreign(where), bytes: byteLength, header: headerBytes }),
    )
  if (headerBytes > maxHeaderBytes)
    throw overLimit(where, 'bytes of header', maxHeaderBytes, headerBytes, 'an honest one has 128')
  if (end > head.byteLength) return end
  return checkNpyHeader(where, headerText(where, version, head.subarray(prefix, end)), end, byteLength)
}

function headerText(where: string, version: number, bytes: Uint8Array): string {
  if (version < 3) return latin1.decode(bytes)
  try {
    return utf8.decode(bytes)
  } catch {
    throw badFile(`${where}: header`, 'UTF-8 text', 'bytes that are not UTF-8')
  }
}

function checkNpyHeader(where: string, text: string, dataOffset: number, fileBytes: number): NpyHeader {
  const { descr, fortran, shape } = parseHeaderDict(where, text)
  const { dtype, bigEndian } = parseDescr(where, descr)
  if (shape.length > maxDimensions)
    throw overLimit(where, 'dimensions', maxDimensions, shape.length, 'numpy itself has no more')
  const count = checkedElementCount(shape)
  const itemBytes = dtypeBits[dtype] / 8
  const byteLength = (count ?? Number.NaN) * itemBytes
  if (!Number.isSafeInteger(byteLength))
    throw badFile(`${where}: shape`, 'whole numbers whose product is below 2^53', shapeText(shape))
  if (dataOffset + byteLength !== fileBytes)
    throw new AppError(
      'bad-file',
      say('formats.wrong-length', { where: foreign(where), needs: byteLength, has: fileBytes - dataOffset }),
    )
  return { dtype, shape, byteLength, fortran, bigEndian, dataOffset }
}

/** The three keys in any order, nothing else: a pattern, because a Python literal needs no interpreter here. */
function parseHeaderDict(where: string, text: string): { descr: string; fortran: boolean; shape: number[] } {
  const fields = new Map<string, string>()
  const field = /\s*['"](\w+)['"]\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([\dL,\s]*\))\s*(,|(?=\}))/y
  const record = /\s*['"]descr['"]\s*:\s*[[(]/y
  const open = /^\s*\{/.exec(text)
  if (!open) throw badFile(`${where}: header`, 'a dict literal', quoted(text))
  let at = open[0].length
  for (;;) {
    record.lastIndex = at
    // Fields of records nest as deep as their author likes: that there are any is all that matters.
    if (record.test(text)) throw unsupported(where, say('unread.records'))
    field.lastIndex = at
    const match = field.exec(text)
    if (!match) break
    if (fields.has(match[1]!)) throw badFile(`${where}: header`, 'every key once', `${quoted(match[1]!)} twice`)
    fields.set(match[1]!, match[2]!)
    at = field.lastIndex
  }
  if (!/^\s*\}\s*$/.test(text.slice(at)))
    throw badFile(
      `${where}: header`,
      "a dict of 'descr', 'fortran_order' and 'shape'",
      `${quoted(text.slice(at))} at byte ${at}`,
    )
  const descr = fields.get('descr')
  const fortran = fields.get('fortran_order')
  const shape = fields.get('shape')
  if (
    fields.size !== 3 ||
    descr === undefined ||
    (fortran !== 'True' && fortran !== 'False') ||
    !shape?.startsWith('(')
  )
    throw badFile(`${where}: header`, "'descr', 'fortran_order' and 'shape'", quoted(text.trim()))
  const sizes = shape
    .slice(1, -1)
    .split(',')
    .map((size) => size.trim())
  if (sizes.at(-1) === '') sizes.pop()
  // Python 2 wrote long integers as 64L.
  const dims = sizes.map((size) => (/^\d{1,16}L?$/.test(size) ? Number.parseInt(size, 10) : Number.NaN))
  return { descr: descr.slice(1, -1), fortran: fortran === 'True', shape: dims }
}

/** Our dtype for one of numpy's type codes such as `f4`; null where there is none. */
export function npyDType(code: string): DType | null {
  return Object.hasOwn(dtypeOfCode, code) ? dtypeOfCode[code]! : null
}

function parseDescr(where: string, descr: string): { dtype: DType; bigEndian: boolean } {
  const [, order, code] = /^([<>|=]?)(\w\d+)$/.exec(descr) ?? []
  const dtype = code === undefined ? null : npyDType(code)
  if (dtype) return { dtype, bigEndian: order === '>' }
  if (/^\|?O/.test(descr)) throw new AppError('unsupported', say('formats.objects', { where: foreign(where) }))
  throw new AppError('unsupported', say('formats.unknown-dtype', { where: foreign(where), dtype: quoted(descr) }))
}

/**
 * Bytes [start, end) of the values, little-endian, C order.
 * @param readStorage bytes of the values as they are stored, counted from the first
 */
export async function readNpyValues(
  array: NpyArray,
  start: number,
  end: number,
  readStorage: ReadStorage,
): Promise<Uint8Array> {
  const { itemBytes } = array.view
  if (!(start >= 0 && start <= end && end <= array.byteLength))
    throw new RangeError(`${start}..${end} is outside the array's ${array.byteLength} bytes`)
  // Whole elements first, because a range may begin inside a value whose bytes are turned.
  const first = Math.floor(start / itemBytes)
  const bytes = await readStrided(array.view, first, Math.ceil(end / itemBytes), readStorage)
  // A complex value is two reals, each with its own byte order.
  if (array.bigEndian) swapBytes(bytes, array.dtype === 'C64' ? 4 : itemBytes)
  return bytes.subarray(start - first * itemBytes, end - first * itemBytes)
}

/** Turns the bytes of each `size`-byte value around, in place. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.byteLength; at += size) bytes.subarray(at, at + size).reverse()
}

/**
 * The bytes before the values of a C-order, little-endian array: version 1, padded so that the values begin at a multiple of 64.
 * @throws AppError `unsupported` for a dtype numpy has not
 */
export function npyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  const code = codeOfDType[dtype]
  if (code === undefined) throw new AppError('unsupported', say('formats.npy-dtype', { dtype }))
  const order = dtypeBits[dtype] === 8 ? '|' : '<'
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${tuple}, }`
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64
  const bytes = new Uint8Array(length).fill(32, 10)
  bytes.set([...magic, 1, 0])
  new DataView(bytes.buffer).setUint16(8, length - 10, true)
  bytes.set(new TextEncoder().encode(dict), 10)
  bytes[length - 1] = 10
  return bytes
}
