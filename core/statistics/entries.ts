/**
 * What files of statistics hold, whichever tool wrote them: for a matrix, mean squares of its inputs (d), or their second moments (H = E[x xt]), or a
 * factor of those. Told by content:
 *
 *   imatrix    llama.cpp's GGUF and its older .dat: `<t>.in_sum2` and `<t>.counts`, per expert
 *   sums       ours: `<t>.gram` [n, n] and/or `<t>.sum2` [n], with `<t>.count`; sums over samples, undivided; stacks have a leading dimension
 *   relaxml    `{layer}_{qkv|o|up|down}.pt`: flatH, the lower triangle by rows, and mu; H = sym(flatH) + mu mut
 *   factors    SVD-LLM's profile, {layer: {name: lower Cholesky factor}}
 *   covariance PEFT's CorDA, {module: covariance}, each sample divided by its largest entry: its norm is not absolute
 */
import { decodeFloat64 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { badFile, overLimit, shapeText } from '../formats/reading/refusal.ts'
import { quoted } from '../messages/text.ts'
import type { StatisticsForm } from '../statistics-forms.ts'
import { elementCount, hasComputableDType, type TensorInfo } from '../tensor.ts'

/** Of a full H: 8 n^2 bytes of it are in memory while it is factorized. */
const maxWidth = 20_480

/** Mean squares of n inputs, their n x n second moments (row-major, symmetric), or C of H = C Ct (lower triangle). */
export interface Moments {
  readonly kind: 'diagonal' | 'full' | 'factor'
  readonly values: Float64Array
}

export interface Entry {
  /** As the file calls what it belongs to. */
  readonly name: string
  readonly kind: Moments['kind']
  /** Inputs of one matrix; null where the file only says how many those of all its matrices are. */
  readonly width: number | null
  /** Matrices it speaks of; null where the file does not say. */
  readonly matrices: number | null
  /** width x matrices, of mean squares. */
  readonly length: number
  /** Counted for one of its matrices, without reading more than counts; null where the file does not say. */
  samples(index: number): Promise<number | null>
  /** Of one of its matrices, with n inputs, where samples were counted. @throws AppError `bad-file` for values that no inputs have */
  load(index: number, n: number): Promise<Moments>
}

export interface StatisticsFile {
  readonly form: StatisticsForm
  readonly entries: readonly Entry[]
}

/** Reads names and shapes; values when they are asked for. null for a file that holds none. @throws AppError `bad-file`, `over-limit` */
export function readStatistics(file: WeightFile): StatisticsFile | null {
  const byName = new Map(file.tensors.map((tensor) => [tensor.name, tensor]))
  const ending = (tail: string) => file.tensors.filter(({ name }) => name.endsWith(tail) && name !== tail)
  const squares = ending('.in_sum2')
  if (squares.length > 0) return { form: 'imatrix', entries: squares.map((sum) => imatrixEntry(file, sum, byName)) }
  const sums = [...new Set([...ending('.gram'), ...ending('.sum2')].map(({ name }) => name.replace(/\.\w+$/, '')))]
  if (sums.length > 0) return { form: 'sums', entries: sums.map((name) => sumsEntry(file, name, byName)) }
  const flat = file.tensors.filter(({ name }) => /(^|\.)flatH$/.test(name))
  if (flat.length > 0) return { form: 'relaxml', entries: flat.map((tensor) => hessianEntry(file, tensor, byName)) }
  if (file.format !== 'pytorch') return null
  const square = file.tensors.filter(({ shape }) => shape.length === 2 && shape[0] === shape[1] && shape[0]! > 0)
  if (square.length === 0 || square.length < file.tensors.length) return null
  const byLayer = square.every(({ name }) => /^\d+\./.test(name))
  const kind = byLayer ? 'factor' : 'full'
  return {
    form: byLayer ? 'factors' : 'covariance',
    entries: square.map((tensor) => squareEntry(file, tensor, kind)),
  }
}

function imatrixEntry(file: WeightFile, sum: TensorInfo, byName: ReadonlyMap<string, TensorInfo>): Entry {
  const name = sum.name.slice(0, -'.in_sum2'.length)
  const where = placeOf(file, name)
  const counts = byName.get(`${name}.counts`)
  if (!counts) throw badFile(where, `its ${quoted(`${name}.counts`)}`, 'none')
  const stored = { sum: numeric(where, sum), counts: numeric(where, counts) }
  // The .dat form has one number of calls, and all experts one behind the other.
  const together = file.format === 'imatrix'
  const matrices = together ? null : elementCount(counts.shape)
  const width = together ? null : (sum.shape.at(-1) ?? 0)
  const length = elementCount(sum.shape)
  const all = once(async () => decodeFloat64(stored.counts.dtype, await file.read(stored.counts)))
  const countOf = async (index: number) => asCount(where, (await all())[together ? 0 : index])
  if (matrices !== null && (matrices < 1 || length !== matrices * width!))
    throw badFile(
      where,
      `sums of ${matrices} matrices`,
      `${shapeText(sum.shape)} and counts ${shapeText(counts.shape)}`,
    )
  return {
    name,
    kind: 'diagonal',
    width,
    matrices,
    length,
    samples: countOf,
    load: async (index, n) => {
      const values = await valuesOf(file, stored.sum, index * n, n)
      return { kind: 'diagonal', values: meanSquares(where, values, await countOf(index)) }
    },
  }
}

function sumsEntry(file: WeightFile, name: string, byName: ReadonlyMap<string, TensorInfo>): Entry {
  const where = placeOf(file, name)
  const counted = byName.get(`${name}.count`)
  if (!counted) throw badFile(where, `its ${quoted(`${name}.count`)}`, 'none')
  const gram = byName.get(`${name}.gram`)
  const sum = gram ?? byName.get(`${name}.sum2`)!
  const stored = numeric(where, sum)
  const axes = gram ? 2 : 1
  const width = sum.shape.at(-1) ?? 0
  const stack = sum.shape.length > axes ? sum.shape[0]! : 1
  if (sum.shape.length < axes || sum.shape.length > axes + 1 || width < 1 || (gram && sum.shape.at(-2) !== width))
    throw badFile(where, gram ? 'sums [n, n]' : 'sums [n]', shapeText(sum.shape))
  const counts = elementCount(counted.shape)
  if (counts !== 1 && counts !== stack)
    throw badFile(where, 'one count, or one for each matrix', shapeText(counted.shape))
  if (gram) refuseWidth(where, width)
  const all = once(async () => wholeNumbers(where, counted, await file.read(counted)))
  const countOf = async (index: number) => asCount(where, (await all())[counts === 1 ? 0 : index])
  return {
    name,
    kind: gram ? 'full' : 'diagonal',
    width,
    matrices: stack,
    length: stack * width,
    samples: countOf,
    load: async (index) => {
      const count = await countOf(index)
      const size = gram ? width * width : width
      const values = await valuesOf(file, stored, index * size, size)
      if (!gram) return { kind: 'diagonal', values: meanSquares(where, values, count) }
      for (let i = 0; i < values.length; i++) values[i]! /= count
      return { kind: 'full', values: symmetric(where, values, width) }
    },
  }
}

function hessianEntry(file: WeightFile, flat: TensorInfo, byName: ReadonlyMap<string, TensorInfo>): Entry {
  const prefix = flat.name.slice(0, -'flatH'.length)
  // A file of its own is told by its name.
  const name = prefix === '' ? (file.shards[0]?.fileName ?? '').replace(/\.\w+$/, '') : prefix.slice(0, -1)
  const where = placeOf(file, name)
  const stored = numeric(where, flat)
  const count = elementCount(flat.shape)
  const width = Math.round((Math.sqrt(8 * count + 1) - 1) / 2)
  if (flat.shape.length !== 1 || width < 1 || (width * (width + 1)) / 2 !== count)
    throw badFile(where, 'a lower triangle of n (n + 1) / 2 values', shapeText(flat.shape))
  refuseWidth(where, width)
  const mu = byName.get(`${prefix}mu`)
  const mean = mu && numeric(where, mu)
  if (mean && elementCount(mean.shape) !== width)
    throw badFile(where, `a mean of ${width} values`, shapeText(mean.shape))
  return {
    name,
    kind: 'full',
    width,
    matrices: 1,
    length: width,
    samples: async () => null,
    load: async () => {
      const values = await valuesOf(file, stored, 0, count)
      const means = mean ? await valuesOf(file, mean, 0, width) : new Float64Array(width)
      const H = new Float64Array(width * width)
      for (let i = 0, at = 0; i < width; i++)
        for (let j = 0; j <= i; j++, at++) {
          const value = values[at]! + means[i]! * means[j]!
          H[i * width + j] = value
          H[j * width + i] = value
        }
      return { kind: 'full', values: symmetric(where, H, width) }
    },
  }
}

function squareEntry(file: WeightFile, tensor: TensorInfo, kind: 'full' | 'factor'): Entry {
  const where = placeOf(file, tensor.name)
  const stored = numeric(where, tensor)
  const width = tensor.shape[0]!
  refuseWidth(where, width)
  return {
    name: tensor.name,
    kind,
    width,
    matrices: 1,
    length: width,
    samples: async () => null,
    load: async () => {
      const values = await valuesOf(file, stored, 0, width * width)
      return { kind, values: kind === 'full' ? symmetric(where, values, width) : lowerTriangle(where, values, width) }
    },
  }
}

function placeOf(file: WeightFile, name: string): string {
  return `${file.shards[0]?.fileName ?? ''}: statistics of ${quoted(name)}`
}

/** Counts of a stack are asked for one by one, and lie together. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => {
    found ??= read()
    return found
  }
}

function refuseWidth(where: string, width: number): void {
  if (width > maxWidth)
    throw overLimit(where, 'inputs with all their products', maxWidth, width, '8 n^2 bytes are in memory')
}

function numeric(where: string, tensor: TensorInfo) {
  if (!hasComputableDType(tensor)) throw badFile(where, 'values in floating point', tensor.storedAs ?? tensor.dtype)
  if (elementCount(tensor.shape) === 0) throw badFile(where, 'values', shapeText(tensor.shape))
  return tensor
}

/** A fresh array of `count` values from `first` on. */
async function valuesOf(file: WeightFile, tensor: ReturnType<typeof numeric>, first: number, count: number) {
  const size = tensor.byteLength / elementCount(tensor.shape)
  return decodeFloat64(tensor.dtype, await file.read(tensor, first * size, (first + count) * size))
}

function asCount(where: string, count: number | undefined): number {
  if (count !== undefined && count >= 0 && Number.isFinite(count)) return count
  throw badFile(where, 'a count of samples', count === undefined ? 'none' : describeNumber(count))
}

/** A count may be written as an integer. */
function wholeNumbers(where: string, tensor: TensorInfo, bytes: Uint8Array): number[] {
  if (hasComputableDType(tensor)) return Array.from(decodeFloat64(tensor.dtype, bytes))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = {
    I64: (i: number) => Number(view.getBigInt64(8 * i, true)),
    U64: (i: number) => Number(view.getBigUint64(8 * i, true)),
    I32: (i: number) => view.getInt32(4 * i, true),
    U32: (i: number) => view.getUint32(4 * i, true),
  }[tensor.dtype as string]
  if (!read) throw badFile(where, 'a count', tensor.dtype)
  return Array.from({ length: elementCount(tensor.shape) }, (_, i) => read(i))
}

function meanSquares(where: string, sums: Float64Array, count: number): Float64Array {
  for (let i = 0; i < sums.length; i++) {
    const sum = sums[i]!
    if (!(sum >= 0 && sum < Number.POSITIVE_INFINITY))
      throw badFile(where, 'sums of squares', `${describeNumber(sum)} for input ${i}`)
    sums[i] = sum / count
  }
  return sums
}

/** Products of inputs are symmetric, and none is larger than the root of its squares' product: half a percent is left to F16 and to rounding. */
const slack = 5e-3

function symmetric(where: string, H: Float64Array, n: number): Float64Array {
  const roots = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const square = H[i * n + i]!
    if (!(square >= 0 && square < Number.POSITIVE_INFINITY))
      throw badFile(where, 'squares on the diagonal', `${describeNumber(square)} at ${i}`)
    roots[i] = Math.sqrt(square)
  }
  const largest = roots.reduce((most, root) => Math.max(most, root), 0)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const [a, b] = [H[i * n + j]!, H[j * n + i]!]
      const most = roots[i]! * roots[j]!
      // Beside the largest, what rounding in F32 sums leaves.
      const allowed = slack * most + 2 ** -20 * largest ** 2
      if (!(Math.abs(a - b) <= allowed && Math.abs(a) <= most + allowed))
        throw badFile(
          where,
          'a symmetric matrix of products',
          `${describeNumber(a)} and ${describeNumber(b)} at ${i}, ${j}`,
        )
      H[i * n + j] = (a + b) / 2
      H[j * n + i] = (a + b) / 2
    }
  return H
}

function lowerTriangle(where: string, C: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const value = C[i * n + j]!
      if (!Number.isFinite(value) || (j > i && value !== 0) || (j === i && value < 0))
        throw badFile(where, 'the lower triangle of a Cholesky factor', `${describeNumber(value)} at ${i}, ${j}`)
    }
  return C
}

function describeNumber(value: number): string {
  if (!Number.isFinite(value)) return 'no number'
  return Math.abs(value) < 1e15 ? String(value) : `a ${value < 0 ? 'negative ' : ''}number beyond 10^15`
}
