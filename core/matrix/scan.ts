/**
 * NaN and Inf in a tensor, found before anything is planned in bytes: such a tensor is kept unchanged, so its place in the output is that
 * of the original. The one pass over all values; their checksum comes out of it as well,
 * and what a load would look for again.
 */
import { decodeFloat64 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { applyScale, readScale } from '../formats/quantized/fp8-scale.ts'
import { discard } from '../io.ts'
import type { Kernels, WeightDType, WeightStatistics } from '../kernels/kernels.ts'
import { mergeStatistics, noStatistics, sumBlockRows } from '../svd/operand.ts'
import {
  type ComputableDType,
  type ComputableTensor,
  dtypeBits,
  elementCount,
  isComputable,
  type Magnitudes,
  matrixView,
  type TensorInfo,
} from '../tensor.ts'
import { type ReadingContext, scaleChecksum } from './checksum.ts'
import type { JobContext } from './context.ts'
import { isWeightDType, READ_BYTES, storedRows } from './load.ts'
import { oneAhead, piecesOf } from './read-ahead.ts'

export interface NonFinite {
  readonly nanCount: number
  readonly infCount: number
}

/** Exponent mask and sign-less pattern of infinity, by dtype: above it is NaN. E4M3 has a NaN and no infinity. */
const infinityPattern = {
  F64: 0x7ff00000,
  F32: 0x7f800000,
  F16: 0x7c00,
  BF16: 0x7f80,
  F8_E5M2: 0x7c,
  F8_E4M3: 0x7e,
} as const satisfies Record<ComputableDType, number>

/** What one pass over a tensor finds. */
export interface Scan extends NonFinite {
  /** Of what decides its values (checksum.ts). */
  readonly crc: number
  /** Of each of its matrices, to the bits that an operand finds; where the kernels read its values as they are stored. */
  readonly magnitudes?: readonly Magnitudes[]
}

type ScanContext = ReadingContext & Pick<JobContext, 'kernels'>

export async function scanValues(file: WeightFile, tensor: ComputableTensor, context: ScanContext): Promise<Scan> {
  const blocks = blocksOf(tensor, context.kernels)
  return blocks ? scanBlocks(file, tensor, blocks, context) : scanPieces(file, tensor, context)
}

/** The blocks of rows over which an operand sums (operand.ts). */
interface Block {
  /** Of the matrix. */
  readonly index: number
  readonly rows: number
  readonly cols: number
  /** Where it lies among the tensor's bytes. */
  readonly from: number
  readonly to: number
}

/** A block waits in memory, the next one beside it. */
const MOST_BLOCK_BYTES = 8 << 20

/** Null for what kernels do not read as it is stored, and where a block is too large to be read ahead. */
function blocksOf(tensor: ComputableTensor, kernels: Kernels): Iterable<Block> | null {
  const view = matrixView(tensor)
  if (!view || tensor.scale || !isWeightDType(tensor.dtype)) return null
  const { rows, cols, count } = view
  const rowBytes = (cols * dtypeBits[tensor.dtype]) / 8
  const height = Math.min(rows, sumBlockRows(kernels))
  return height * rowBytes > MOST_BLOCK_BYTES ? null : inOrder()

  function* inOrder(): Generator<Block> {
    for (let index = 0; index < count; index++)
      for (let start = 0; start < rows; start += height) {
        const end = Math.min(rows, start + height)
        const [from, to] = storedRows(tensor, view!, index, [start, end])
        yield { index, rows: end - start, cols, from, to }
      }
  }
}

async function scanBlocks(
  file: WeightFile,
  tensor: ComputableTensor,
  blocks: Iterable<Block>,
  { kernels, crc32, checkCancelled }: ScanContext,
): Promise<Scan> {
  const dtype = tensor.dtype as WeightDType
  const matrices: WeightStatistics[] = []
  let crc = 0
  const read = async (block: Block) => ({ ...block, bytes: await file.read(tensor, block.from, block.to) })
  for await (const { index, rows, cols, bytes } of oneAhead(blocks, read)) {
    checkCancelled()
    // Nothing is awaited in between: a matrix that is computed meanwhile has the same stack of memory.
    const mark = kernels.mark()
    try {
      const data = kernels.allocateBytes(bytes.byteLength)
      data.set(bytes)
      const found = kernels.statistics({ rows, cols, dtype, data, scale: 1 }, () => {
        crc = crc32(bytes, crc)
      })
      matrices[index] = mergeStatistics(matrices[index] ?? noStatistics, found)
    } finally {
      kernels.release(mark)
    }
    discard(bytes)
  }
  const total = (of: (each: WeightStatistics) => number) => matrices.reduce((sum, each) => sum + of(each), 0)
  const nonFinite = { nanCount: total((each) => each.nanCount), infCount: total((each) => each.infCount) }
  const magnitudes = matrices.map(({ sumOfSquares, maxAbs }) => ({ sumOfSquares, maxAbs }))
  return { ...nonFinite, crc, ...(!hasNonFinite(nonFinite) && { magnitudes }) }
}

async function scanPieces(file: WeightFile, tensor: ComputableTensor, context: ReadingContext): Promise<Scan> {
  let nanCount = await nanOfScale(file, tensor)
  let infCount = 0
  let crc = await scaleChecksum(file, tensor, context)
  for await (const bytes of piecesOf(file, tensor, context)) {
    const found = countIn(tensor.dtype, bytes)
    crc = context.crc32(bytes, crc)
    discard(bytes)
    nanCount += found.nanCount
    infCount += found.infCount
  }
  return { nanCount, infCount, crc }
}

/** The largest values of what comes with factors. */
const largestCode: Partial<Readonly<Record<ComputableDType, number>>> = { F8_E4M3: 448, F8_E5M2: 57_344 }
const largestFloat = (2 - 2 ** -23) * 2 ** 127

/**
 * Values whose factor is NaN or Inf, or takes the largest of them beyond F32, which no code shows: as many as a block has for each such factor, so too many
 * at the edges.
 */
async function nanOfScale(file: WeightFile, tensor: ComputableTensor): Promise<number> {
  const grid = await readScale(file, tensor)
  const most = largestFloat / (largestCode[tensor.dtype] ?? 1)
  const bad = grid ? grid.factors.reduce((count, factor) => count + (Math.abs(factor) <= most ? 0 : 1), 0) : 0
  return bad === 0 ? 0 : Math.min(elementCount(tensor.shape), bad * elementCount(grid!.blocks))
}

export function hasNonFinite({ nanCount, infCount }: NonFinite): boolean {
  return nanCount > 0 || infCount > 0
}

/** NaN and Inf among the values of `bytes`. */
function countIn(dtype: ComputableDType, bytes: Uint8Array): NonFinite {
  if (dtype === 'F64') return countWideIn(aligned(bytes, 8), infinityPattern.F64)
  return mayHoldNonFinite(dtype, bytes) ? countEach(dtype, bytes) : { nanCount: 0, infCount: 0 }
}

/** The exponents in a word of values, and what carries one that is all ones into its sign. E4M3: all but the sign, since only that is NaN. */
const exponents = {
  F32: { mask: 0x7f800000, carry: 0x00800000 },
  F16: { mask: 0x7c007c00, carry: 0x04000400 },
  BF16: { mask: 0x7f807f80, carry: 0x00800080 },
  F8_E5M2: { mask: 0x7c7c7c7c, carry: 0x04040404 },
  F8_E4M3: { mask: 0x7f7f7f7f, carry: 0x01010101 },
} as const satisfies Record<Exclude<ComputableDType, 'F64'>, { readonly mask: number; readonly carry: number }>

/** False for all but a few tensors, and found out a word at a time: BF16 six times as fast as value by value. */
function mayHoldNonFinite(dtype: keyof typeof exponents, bytes: Uint8Array): boolean {
  const { mask, carry } = exponents[dtype]
  const words = new Uint32Array(...aligned(bytes, 4))
  const rest = new Uint8Array(4)
  rest.set(bytes.subarray(4 * words.length))
  // A carry ends in the sign, where the mask has left nothing: none reaches the next value. Four chains keep the adder busy.
  let a = (new Uint32Array(rest.buffer)[0]! & mask) + carry
  let [b, c, d] = [0, 0, 0]
  let i = 0
  for (const end = words.length - 3; i < end; i += 4) {
    a |= (words[i]! & mask) + carry
    b |= (words[i + 1]! & mask) + carry
    c |= (words[i + 2]! & mask) + carry
    d |= (words[i + 3]! & mask) + carry
  }
  for (; i < words.length; i++) a |= (words[i]! & mask) + carry
  return ((a | b | c | d) & (mask + carry)) !== 0
}

/** Value by value. */
function countEach(dtype: keyof typeof exponents, bytes: Uint8Array): NonFinite {
  const infinity = infinityPattern[dtype]
  const codes =
    dtype === 'F32'
      ? new Uint32Array(...aligned(bytes, 4))
      : dtype === 'F16' || dtype === 'BF16'
        ? new Uint16Array(...aligned(bytes, 2))
        : bytes
  const magnitude = dtype === 'F32' ? 0x7fffffff : dtype === 'F16' || dtype === 'BF16' ? 0x7fff : 0x7f
  let nanCount = 0
  let infCount = 0
  for (let i = 0; i < codes.length; i++) {
    const pattern = codes[i]! & magnitude
    if (pattern > infinity) nanCount++
    else if (pattern === infinity && dtype !== 'F8_E4M3') infCount++
  }
  return { nanCount, infCount }
}

/** F64 by its upper words; a NaN may differ from infinity in the lower word alone. */
function countWideIn([buffer, offset, count]: ReturnType<typeof aligned>, infinity: number): NonFinite {
  const words = new Uint32Array(buffer, offset, 2 * count)
  let nanCount = 0
  let infCount = 0
  for (let i = 0; i < count; i++) {
    const upper = words[2 * i + 1]! & 0x7fffffff
    if (upper < infinity) continue
    if (upper === infinity && words[2 * i] === 0) infCount++
    else nanCount++
  }
  return { nanCount, infCount }
}

/** Arguments of a typed array over the whole elements of `bytes`. */
function aligned(bytes: Uint8Array, size: number): [ArrayBuffer, number, number] {
  const own = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  return [own.buffer as ArrayBuffer, own.byteOffset, Math.floor(own.byteLength / size)]
}

/** sum of the squares of all finite values, scale included, in f64; 0 for what is not floating-point. */
export async function sumOfSquares(file: WeightFile, tensor: TensorInfo, context: JobContext): Promise<number> {
  if (!isComputable(tensor.dtype)) return 0
  const grid = await readScale(file, tensor)
  let sum = 0
  for (let start = 0; start < tensor.byteLength; start += READ_BYTES) {
    context.checkCancelled()
    const bytes = await file.read(tensor, start, Math.min(tensor.byteLength, start + READ_BYTES))
    const values = decodeFloat64(tensor.dtype, bytes)
    if (grid) applyScale(values, (8 * start) / dtypeBits[tensor.dtype], grid)
    for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) sum += values[i]! * values[i]!
  }
  return sum
}
