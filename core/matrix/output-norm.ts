/**
 * From what is known of a matrix's inputs to the C that weighs its errors, C Ct = H.
 *
 *   mean squares d   C = diag(sqrt(d + 0.01 mean d))
 *   H                C of H + 1e-3 mean(diag H) I: lower, by Cholesky; by Cholesky with pivots where that is singular all the same
 *   a factor         C as it is
 *
 * The mean of H's diagonal is that of its eigenvalues. What is added keeps a direction that no sample had from weighing nothing: norms by this C are those
 * of regularized outputs, and called that.
 */
import { badFile } from '../formats/reading/refusal.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { quoted } from '../messages/text.ts'
import type { Moments } from '../statistics/entries.ts'
import type { ModelStatistics, TensorStatistics } from '../statistics/statistics.ts'
import type { Weighting } from '../svd/weighted-operand.ts'

/** Of the mean of d, and of H's eigenvalues. */
const DIAGONAL_SHARE = 0.01
const FULL_SHARE = 1e-3

/** What errors by it are. */
export const normNotice = (): Message => say('statistics.norm', { squares: DIAGONAL_SHARE, moments: FULL_SHARE })

/** The norm of outputs that a job measures in, for what its statistics cover. */
export interface OutputNorm {
  /** Which statistics these are: 64 hexadecimal digits (write/source-hash.ts). */
  readonly hash: string
  readonly statistics: ModelStatistics
  /**
   * C for matrix `index` of a tensor, in the kernels' memory until the caller's mark; null for one that is not covered.
   * @throws AppError `bad-file`, `out-of-memory`
   */
  of(name: string, index: number, kernels: Kernels): Promise<Weighting | null>
}

/**
 * C is made when a matrix asks for it, width^2 numbers and up to width^3 / 3 flop; the last one is kept, outside the kernels' memory.
 * @param hash of the file of statistics (write/source-hash.ts)
 */
export function outputNormBy(statistics: ModelStatistics, hash: string): OutputNorm {
  /** The last one: projections with the same input come one after another, and C of a large H takes seconds. */
  let last: { readonly key: string; readonly factor: Factor } | null = null
  return {
    hash,
    statistics,
    of: async (name, index, kernels) => {
      const found = statistics.of(name)
      if (!found) return null
      const key = `${found.entry} ${index}`
      if (last?.key !== key) last = { key, factor: await factorOf(found, index, kernels) }
      return inMemory(last.factor, found, kernels)
    },
  }
}

/** C in f32, scaled; of a full one row-major, not in the kernels' memory. */
interface Factor {
  readonly C: Float32Array
  readonly scale: number
  readonly lengths: Float64Array | null
}

function inMemory({ C, scale, lengths }: Factor, { side, width }: TensorStatistics, kernels: Kernels): Weighting {
  if (!lengths) return { kind: 'diagonal', side, width, scale, C }
  const data = kernels.allocateFloat32(width * width)
  data.set(C)
  return { kind: 'full', side, width, scale, C: { rows: width, cols: width, data }, lengths }
}

async function factorOf(found: TensorStatistics, index: number, kernels: Kernels): Promise<Factor> {
  const moments = await found.load(index)
  const { width } = found
  const none = () => badFile(quoted(found.entry), 'inputs that are not all zero', 'zeros')
  if (moments.kind === 'diagonal') {
    const mean = moments.values.reduce((sum, value) => sum + value, 0) / width
    if (!(mean > 0)) throw none()
    const C = moments.values.map((value) => Math.sqrt(value + DIAGONAL_SHARE * mean))
    return { ...scaled(C), lengths: null }
  }
  const C = moments.kind === 'factor' ? moments.values : choleskyOf(moments, width, kernels, none)
  const found32 = scaled(C)
  const lengths = new Float64Array(width)
  for (let i = 0; i < width; i++) {
    let sum = 0
    for (let j = 0; j < width; j++) sum += C[i * width + j]! ** 2
    lengths[i] = Math.sqrt(sum) * found32.scale
  }
  return { ...found32, lengths }
}

/** In f32, times the power of two that brings the largest entry into [1, 2): small activations, and those of 1e30, keep all their digits. */
function scaled(C: Float64Array): { C: Float32Array; scale: number } {
  let largest = 0
  for (let i = 0; i < C.length; i++) largest = Math.max(largest, Math.abs(C[i]!))
  let exponent = largest === 0 ? 0 : Math.floor(Math.log2(largest))
  // Math.log2 may be off by one next to a power of two.
  if (2 ** exponent > largest) exponent--
  const scale = 2 ** -Math.max(-1000, Math.min(1000, exponent))
  const values = new Float32Array(C.length)
  for (let i = 0; i < C.length; i++) values[i] = C[i]! * scale
  return { C: values, scale }
}

function choleskyOf({ values: H }: Moments, n: number, kernels: Kernels, none: () => Error): Float64Array {
  let trace = 0
  for (let i = 0; i < n; i++) trace += H[i * n + i]!
  if (!(trace > 0)) throw none()
  const mark = kernels.mark()
  try {
    const G = kernels.allocateFloat64(n * n)
    G.set(H)
    for (let i = 0; i < n; i++) G[i * n + i]! += (FULL_SHARE * trace) / n
    const regular = G.slice()
    if (!kernels.cholesky(G, n)) return pivotedCholesky(regular, n)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) regular[i * n + j] = j <= i ? G[i * n + j]! : 0
    return regular
  } finally {
    kernels.release(mark)
  }
}

/**
 * C with C Ct = H for a singular H, in its place: Cholesky with the largest pivot first, to the last one above rounding; the columns beyond are zero. Not a
 * triangle, since the rows stand as they stood. Higham, Accuracy and Stability of Numerical Algorithms, 10.3. n r^2 flop.
 */
export function pivotedCholesky(H: Float64Array, n: number): Float64Array {
  const C = new Float64Array(n * n)
  const left = Float64Array.from({ length: n }, (_, i) => H[i * n + i]!)
  const done = new Uint8Array(n)
  const tolerance = n * 2 ** -52 * left.reduce((most, value) => Math.max(most, value), 0)
  for (let k = 0; k < n; k++) {
    let pivot = -1
    for (let i = 0; i < n; i++) if (!done[i] && left[i]! > (pivot < 0 ? tolerance : left[pivot]!)) pivot = i
    if (pivot < 0) break
    done[pivot] = 1
    const root = Math.sqrt(left[pivot]!)
    C[pivot * n + k] = root
    const row = C.subarray(pivot * n, pivot * n + k)
    for (let i = 0; i < n; i++) {
      if (done[i]) continue
      let sum = H[i * n + pivot]!
      const other = i * n
      for (let p = 0; p < k; p++) sum -= C[other + p]! * row[p]!
      const entry = sum / root
      C[other + k] = entry
      left[i]! -= entry ** 2
    }
  }
  return C
}
