/**
 * A small transformer-shaped model made on the spot: a first minute for users, an oracle for tests. Only + - * / and square roots are
 * used, one rounding each, so every machine makes the same bytes.
 *
 * Tensors (vocabulary 256, hidden h, all 2-D but the norms):
 *   model.embed_tokens.weight [256, h]                    lm_head.weight [256, h]                 model.norm.weight [h]
 *   model.layers.L.self_attn.{q,k,v,o}_proj.weight [h, h]
 *   model.layers.L.mlp.{gate,up}_proj.weight [4h, h]      model.layers.L.mlp.down_proj.weight [h, 4h]
 *   model.layers.L.{input,post_attention}_layernorm.weight [h]
 *
 * Known singular values: sampleSpectrum() below, for i = 1 .. min(m, n) and t = (L + 1) / (layers + 1) (1/2 outside the layers):
 *   s_i = g ((1 - t) i^-a + t i^-b),   g such that ||W||_F = 0.02 sqrt(m n)
 *   q, k: a = 1, b = 2     v, o: 1/4, 1/2     gate, up: 1/4, 3/4     down: 1/2, 3/4     embedding, head: 1/4, 1/2
 * so that early layers have flatter spectra than late ones, no two roles agree on a rank, and an error of 5 % is in reach for some.
 *
 * W = U diag(s) Vt with U and V products of log2(size) stages of plane rotations, each pairing entries 2^stage apart by an angle of its
 * own: orthogonal, dense, and applied in O(m n log(m n)). The f32 entries are rounded once a stage, so the true singular values are within
 * (stages + 1) 2^-24 ||W||_F of s (and 2^-9 ||W||_F more for BF16); in practice far closer.
 */

import type { JobOf, SampleReport } from '../contract.ts'
import { AppError } from '../errors.ts'
import { encode } from '../formats/dtype.ts'
import type { GaussianKey } from '../kernels/kernels.ts'
import { philox4x32 } from '../kernels/philox.ts'
import type { JobContext } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import { gaussianKey } from '../svd/random.ts'
import { refuseToReplace, whileHolding } from '../write/compression.ts'
import { createSafetensors } from '../write/encodings/safetensors-output.ts'
import type { TensorWriter } from '../write/encodings/weights-output.ts'
import type { FilesOf } from './files.ts'

type SampleJob = JobOf<'sample'>

const VOCABULARY = 256

/** The largest matrix, 4h x h in f32, lies in memory whole. */
const LARGEST_MATRIX_BYTES = 2 ** 32

/** Left rotations work on this many columns at a time, so that a strip of 8192 rows stays in the cache. */
const STRIP = 32

/** Values are encoded and written in pieces of this many. */
const PIECE = 1 << 20

/** i^-quarters/4 by square roots alone. */
const powers = {
  1: (i: number) => 1 / Math.sqrt(Math.sqrt(i)),
  2: (i: number) => 1 / Math.sqrt(i),
  3: (i: number) => 1 / (Math.sqrt(i) * Math.sqrt(Math.sqrt(i))),
  4: (i: number) => 1 / i,
  8: (i: number) => 1 / (i * i),
} as const
type Quarters = keyof typeof powers

export interface SampleTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Exponents in quarters and their blend; null for a vector of ones. */
  readonly spectrum: { readonly slow: Quarters; readonly fast: Quarters; readonly blend: number } | null
}

/** Every tensor of the model in file order. */
export function sampleTensors({ layers, hidden }: Pick<SampleJob, 'layers' | 'hidden'>): SampleTensor[] {
  const matrix = (name: string, rows: number, cols: number, slow: Quarters, fast: Quarters, blend: number) => ({
    name: `${name}.weight`,
    shape: [rows, cols],
    spectrum: { slow, fast, blend },
  })
  const norm = (name: string) => ({ name: `${name}.weight`, shape: [hidden], spectrum: null })
  const wide = 4 * hidden
  const layer = (index: number): SampleTensor[] => {
    const at = `model.layers.${index}`
    const blend = (index + 1) / (layers + 1)
    return [
      norm(`${at}.input_layernorm`),
      matrix(`${at}.self_attn.q_proj`, hidden, hidden, 4, 8, blend),
      matrix(`${at}.self_attn.k_proj`, hidden, hidden, 4, 8, blend),
      matrix(`${at}.self_attn.v_proj`, hidden, hidden, 1, 2, blend),
      matrix(`${at}.self_attn.o_proj`, hidden, hidden, 1, 2, blend),
      norm(`${at}.post_attention_layernorm`),
      matrix(`${at}.mlp.gate_proj`, wide, hidden, 1, 3, blend),
      matrix(`${at}.mlp.up_proj`, wide, hidden, 1, 3, blend),
      matrix(`${at}.mlp.down_proj`, hidden, wide, 2, 3, blend),
    ]
  }
  return [
    matrix('model.embed_tokens', VOCABULARY, hidden, 1, 2, 0.5),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    norm('model.norm'),
    matrix('lm_head', VOCABULARY, hidden, 1, 2, 0.5),
  ]
}

/** The singular values a matrix of the sample was made with, descending; see the head comment. */
export function sampleSpectrum({ shape, spectrum }: SampleTensor): Float64Array {
  const [rows = 0, cols = 0] = shape
  if (!spectrum) return new Float64Array(0)
  const { slow, fast, blend } = spectrum
  const values = Float64Array.from(
    { length: Math.min(rows, cols) },
    (_, i) => (1 - blend) * powers[slow](i + 1) + blend * powers[fast](i + 1),
  )
  const norm = Math.sqrt(values.reduceRight((sum, value) => sum + value * value, 0))
  const gain = (0.02 * Math.sqrt(rows * cols)) / norm
  return values.map((value) => value * gain)
}

/** @throws AppError `would-overwrite`, `over-limit`, `cannot-write`, `cancelled` */
export async function writeSample(
  { target: { folder, name } }: FilesOf<'sample'>,
  job: SampleJob,
  context: JobContext,
): Promise<SampleReport> {
  await refuseToReplace({ folder, name }, job.force)
  const largest = 16 * Math.max(job.hidden * job.hidden, (VOCABULARY * job.hidden) / 4)
  if (largest > LARGEST_MATRIX_BYTES) {
    throw new AppError(
      'over-limit',
      say('request.sample-too-large', { hidden: job.hidden, bytes: largest, limit: LARGEST_MATRIX_BYTES }),
    )
  }
  const tensors = sampleTensors(job)
  const outlines = tensors.map((tensor) => ({ name: tensor.name, dtype: job.dtype, shape: tensor.shape }))
  const metadata = new Map([
    ['format', 'pt'],
    ['ghostsvd.sample', `layers ${job.layers}, hidden ${job.hidden}, seed ${job.seed}`],
  ])
  return whileHolding({ folder, name }, async () => {
    const output = await createSafetensors(folder, name, outlines, metadata, context.crc32)
    try {
      for (const [done, tensor] of tensors.entries()) {
        context.checkCancelled()
        context.report({ type: 'progress', phase: 'sample', tensor: tensor.name, done, total: tensors.length })
        const writer = output.begin([outlines[done]!])
        await writeValues(writer, valuesOf(tensor, job, context), job, context)
        await writer.done()
      }
      await output.complete(metadata)
      return { output: name, tensors: tensors.length, bytes: await output.close() }
    } catch (error) {
      await output.abort()
      throw error
    }
  })
}

async function writeValues(writer: TensorWriter, values: Float32Array, job: SampleJob, context: JobContext) {
  for (let start = 0; start < values.length; start += PIECE) {
    context.checkCancelled()
    await writer.write(0, encode(job.dtype, values.subarray(start, start + PIECE)).bytes)
  }
}

function valuesOf(tensor: SampleTensor, job: SampleJob, context: JobContext): Float32Array {
  const [rows = 0, cols = 0] = tensor.shape
  if (!tensor.spectrum) return new Float32Array(rows).fill(1)
  const key = gaussianKey(context.sha256, job.seed, tensor.name)
  const W = new Float32Array(rows * cols)
  const s = sampleSpectrum(tensor)
  const right = rotations(key, 1, cols)
  for (let i = 0; i < s.length; i++) {
    // Row i = s_i e_i Vt.
    W[i * cols + i] = s[i]!
    rotate(W, right, i * cols, 1, 1)
  }
  const left = rotations(key, 0, rows)
  for (let start = 0; start < cols; start += STRIP) {
    context.checkCancelled()
    rotate(W, left, start, cols, Math.min(STRIP, cols - start))
  }
  return W
}

/** A pairing of entries `first` and `second`, and the cosine and sine of its angle, for every rotation of every stage in order. */
interface Rotations {
  readonly pairs: Int32Array
  readonly angles: Float64Array
}

function rotations(key: GaussianKey, side: number, size: number): Rotations {
  const pairs: number[] = []
  const angles: number[] = []
  for (let stride = 1; stride < size; stride *= 2) {
    for (let first = 0; first + stride < size; first++) {
      if (first & stride) continue
      const [a, b] = philox4x32(key, pairs.length, side)
      // The half-angle's tangent t in [1/4, 3/4): cos = (1 - t^2) / (1 + t^2), sin = 2 t / (1 + t^2), and no trigonometry.
      const t = 0.25 + a * 2 ** -33
      const sine = (2 * t) / (1 + t * t)
      pairs.push(first, first + stride)
      angles.push((1 - t * t) / (1 + t * t), b & 1 ? sine : -sine)
    }
  }
  return { pairs: Int32Array.from(pairs), angles: Float64Array.from(angles) }
}

/** All stages on `width` neighboring vectors whose entry e lies at `offset + e * stride` and the following. */
function rotate(W: Float32Array, { pairs, angles }: Rotations, offset: number, stride: number, width: number): void {
  for (let p = 0; p < pairs.length; p += 2) {
    const first = offset + pairs[p]! * stride
    const second = offset + pairs[p + 1]! * stride
    const cosine = angles[p]!
    const sine = angles[p + 1]!
    for (let c = 0; c < width; c++) {
      const a = W[first + c]!
      const b = W[second + c]!
      W[first + c] = cosine * a + sine * b
      W[second + c] = cosine * b - sine * a
    }
  }
}
