/** A job's surroundings for tests: reference kernels, files in memory, events collected. */

import { createHash } from 'node:crypto'
import type { Job, TensorOutcome } from '../../../core/contract.ts'
import { crc32 } from '../../../core/formats/archives/crc32.ts'
import { encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { safetensorsHeader } from '../../../core/formats/safetensors.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { JobContext } from '../../../core/matrix/context.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { type ComputableDType, type DType, elementCount } from '../../../core/tensor.ts'
import { concat } from '../formats/corpus.ts'
import { bytes, node, number, opset, tensor } from '../formats/onnx/onnx-model.ts'
import { memoryFolder } from '../memory-folder.ts'

export type Reported = Parameters<JobContext['report']>[0]

export function testContext(changes: Partial<JobContext> = {}): JobContext & { readonly events: Reported[] } {
  const events: Reported[] = []
  return {
    events,
    kernels: referenceKernels(),
    report: (event) => void events.push(event),
    checkCancelled: () => {},
    peakBytes: () => 0,
    sha256: () => {
      const hash = createHash('sha256')
      return { update: (bytes) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
    },
    crc32,
    ...changes,
  }
}

export interface TestTensor {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** Decaying spectrum plus noise: rank-one terms of falling weight. */
export function weights(name: string, shape: readonly number[], dtype: ComputableDType = 'F32', scale = 1): TestTensor {
  const rows = shape[0] ?? 1
  const cols = elementCount(shape) / rows
  const directions = Array.from({ length: 12 }, (_, k) => ({
    left: Float64Array.from({ length: rows }, (_, i) => normalPair([k, 1], i, 0)[0]),
    right: Float64Array.from({ length: cols }, (_, j) => normalPair([k, 2], j, 0)[0]),
  }))
  const values = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      let sum = 0.05 * normalPair([9, name.length], i, j)[0]
      for (const [k, { left, right }] of directions.entries()) sum += (left[i]! * right[j]!) / (k + 1)
      values[i * cols + j] = sum * scale
    }
  }
  return { name, dtype, shape, bytes: encode(dtype, values).bytes }
}

export function plain(name: string, dtype: DType, shape: readonly number[], bytes: Uint8Array): TestTensor {
  return { name, dtype, shape, bytes }
}

export function fileBytes(tensors: readonly TestTensor[], metadata = new Map<string, string>()): Uint8Array {
  const header = safetensorsHeader(tensors, metadata)
  const whole = new Uint8Array(header.byteLength + tensors.reduce((sum, { bytes }) => sum + bytes.byteLength, 0))
  whole.set(header)
  let offset = header.byteLength
  for (const { bytes } of tensors) {
    whole.set(bytes, offset)
    offset += bytes.byteLength
  }
  return whole
}

/** An ONNX model with a product for each tensor. */
export async function openGraph(...tensors: readonly TestTensor[]): Promise<WeightFile> {
  const initializers = tensors.map(({ name, shape, bytes: values }) =>
    tensor({ name, dims: [...shape], fields: [bytes(9, values)] }),
  )
  const nodes = tensors.map(({ name }) => node('MatMul', ['x', name], [`y ${name}`]))
  const whole = concat(number(1, 8), bytes(7, concat(...nodes, ...initializers)), opset(13))
  return openWeightFile({ folder: memoryFolder('in', new Map([['model.onnx', whole]])), entry: 'model.onnx' })
}

export async function openTensors(...tensors: TestTensor[]): Promise<WeightFile> {
  const folder = memoryFolder('in')
  folder.files.set('model.safetensors', fileBytes(tensors))
  folder.files.set('config.json', new TextEncoder().encode('{"model_type": "test"}'))
  return openWeightFile({ folder, entry: 'model.safetensors' })
}

export function compressJob(
  params: Partial<Params> = {},
  rest: Partial<Extract<Job, { kind: 'compress' }>> = {},
): Extract<Job, { kind: 'compress' }> {
  return {
    kind: 'compress',
    files: { model: 'f' },
    target: 't',
    output: 'factors',
    params: { ...defaultParams, rank: 8, ...params },
    include: [],
    exclude: [],
    force: false,
    resume: false,
    part: null,
    ...rest,
  }
}

/** With its reason in English. */
export function outcomeOf(
  outcomes: readonly TensorOutcome[],
  name: string,
): Omit<TensorOutcome, 'reason'> & { readonly reason: string } {
  const outcome = outcomes.find((each) => each.name === name)
  if (!outcome) throw new Error(`no outcome for ${name}`)
  return { ...outcome, reason: inEnglish(outcome.reason) }
}
