/**
 * The effective factors of a module: B (out x r) and A (r x in) with D = B A all of what a loader adds, its scale included. LoHa and LoKr are no
 * such product; their D is formed whole, one module at a time.
 */

import { AppError } from '../errors.ts'
import { decodeFloat32 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { badFile } from '../formats/reading/refusal.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import { type AdapterModule, type FactorTensor, matrixOf } from './adapter.ts'

/** The largest weights of published models, tables of embeddings, have 2^30 entries; factors of a few bytes could ask for any number. */
const maxProduct = 2 ** 28

/** Row-major. */
export interface Factors {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  /** rows x rank */
  readonly B: Float32Array
  /** rank x cols */
  readonly A: Float32Array
}

/** null for LoHa and LoKr. */
export async function factorsOf(file: WeightFile, module: AdapterModule): Promise<Factors | null> {
  const { kind, tensors, scale, rank } = module
  const { rows, cols } = matrixOf(module)
  const get = (role: string) => valuesOf(file, tensors.get(role)!)
  if (kind === 'lora') {
    const [down, up] = [await get('down'), await get('up')]
    const mid = tensors.get('mid')
    const A = mid ? throughMid(await valuesOf(file, mid), down, rank, cols) : down
    return { rows, cols, rank, B: scaled(up, scale), A }
  }
  if (kind === 'table') {
    const [down, up] = [await get('down'), await get('up')]
    return { rows, cols, rank, B: scaled(down, scale), A: transpose(up, cols, rank) }
  }
  if (kind === 'embedding') {
    // D = (B A)t = At Bt
    const [down, up] = [await get('embedding-down'), await get('embedding-up')]
    return { rows, cols, rank, B: scaled(transpose(down, rank, rows), scale), A: transpose(up, cols, rank) }
  }
  return null
}

/** D of a LoHa or LoKr, rows x cols. */
export async function productOf(file: WeightFile, module: AdapterModule): Promise<Float32Array> {
  const { kind, tensors, scale } = module
  const { rows, cols } = matrixOf(module)
  if (rows * cols > maxProduct)
    throw new AppError('over-limit', say('adapter.too-large', { name: foreign(module.name), rows, cols }))
  const get = (role: string) => valuesOf(file, tensors.get(role)!)
  if (kind === 'loha') {
    const first = multiplied(await get('hada_w1_a'), await get('hada_w1_b'), rows, cols)
    const second = multiplied(await get('hada_w2_a'), await get('hada_w2_b'), rows, cols)
    for (let i = 0; i < first.length; i++) first[i] = first[i]! * second[i]! * scale
    return first
  }
  const w1 = await kroneckerFactor(file, tensors, 'w1')
  const w2 = await kroneckerFactor(file, tensors, 'w2')
  const D = new Float32Array(rows * cols)
  for (let i = 0; i < w1.rows; i++)
    for (let j = 0; j < w1.cols; j++) {
      const weight = w1.values[i * w1.cols + j]! * scale
      for (let p = 0; p < w2.rows; p++)
        for (let q = 0; q < w2.cols; q++)
          D[(i * w2.rows + p) * cols + j * w2.cols + q] = weight * w2.values[p * w2.cols + q]!
    }
  return D
}

async function kroneckerFactor(file: WeightFile, tensors: ReadonlyMap<string, FactorTensor>, side: 'w1' | 'w2') {
  const whole = tensors.get(`lokr_${side}`)
  if (whole) {
    const [rows = 1, ...rest] = whole.shape
    return { rows, cols: rest.reduce((product, size) => product * size, 1), values: await valuesOf(file, whole) }
  }
  const [a, b] = [tensors.get(`lokr_${side}_a`)!, tensors.get(`lokr_${side}_b`)!]
  const [rows, cols] = [a.shape[0]!, b.shape[1]!]
  return { rows, cols, values: multiplied(await valuesOf(file, a), await valuesOf(file, b), rows, cols) }
}

/** The core between the factors goes into A: A[j, i, k] = sum over p of mid[j, p, k] down[p, i]. */
function throughMid(mid: Float32Array, down: Float32Array, rank: number, cols: number): Float32Array {
  const inputs = down.length / rank
  const kernel = cols / inputs
  const A = new Float32Array(rank * cols)
  for (let j = 0; j < rank; j++)
    for (let p = 0; p < rank; p++)
      for (let k = 0; k < kernel; k++) {
        const weight = mid[(j * rank + p) * kernel + k]!
        for (let i = 0; i < inputs; i++) A[j * cols + i * kernel + k]! += weight * down[p * inputs + i]!
      }
  return A
}

function multiplied(a: Float32Array, b: Float32Array, rows: number, cols: number): Float32Array {
  const rank = a.length / rows
  const product = new Float32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let p = 0; p < rank; p++) {
      const weight = a[i * rank + p]!
      for (let j = 0; j < cols; j++) product[i * cols + j]! += weight * b[p * cols + j]!
    }
  return product
}

function scaled(values: Float32Array, scale: number): Float32Array {
  return scale === 1 ? values : values.map((value) => value * scale)
}

/** rows x cols to cols x rows. */
function transpose(values: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = values[i * cols + j]!
  return out
}

async function valuesOf(file: WeightFile, tensor: FactorTensor): Promise<Float32Array> {
  const values = decodeFloat32(tensor.dtype, await file.read(tensor))
  // Their sum is no number where one of them is none; that of finite ones in f64 always is.
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  if (!Number.isFinite(sum)) throw badFile(tensor.name, 'finite values', 'some that are not')
  return values
}
