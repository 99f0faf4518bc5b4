/**
 * Inputs for a model: drawn from its shapes and types, or taken from arrays of the user's. Drawn ones say little of answers: they are what
 * they are called.
 */
import { AppError } from '../errors.ts'
import { encode } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { normalPair, philox4x32 } from '../kernels/philox.ts'
import { say } from '../messages/english.ts'
import { fileName, quoted } from '../messages/text.ts'
import { usualSize } from '../open-sizes.ts'
import { elementCount, type TensorInfo, tensorBytes } from '../tensor.ts'
import { isValueType, mostValueBytes, type Slot, type Value, type ValueType, valueTypes } from './value.ts'

export type Feeds = Readonly<Record<string, Value>>

/** Whole numbers stay below this: every vocabulary has as many. */
const largestNumber = 100
/** Of all inputs of a sample together. */
const mostElements = 1 << 27
/** Drawn and encoded at once. */
const pieceElements = 1 << 16

/**
 * @param sizes of dimensions by the names that the model gives them, or of `input.axis` where it gives none
 * @throws AppError `unsupported` for types that are not passed on, `over-limit`
 */
export function drawnInputs(
  slots: readonly Slot[],
  seed: number,
  sample: number,
  sizes: Readonly<Record<string, number>> = {},
): Feeds {
  let total = 0
  const inputs = slots.map((slot) => {
    const { name, type } = slot
    if (!isValueType(type))
      throw new AppError('unsupported', say('answers.input-type', { input: quoted(name), type: quoted(type) }))
    const dims = dimsOf(slot, sizes)
    total += elementCount(dims)
    if (!(total <= mostElements))
      throw new AppError(
        'over-limit',
        say('answers.input-size', { input: quoted(name), count: total, most: mostElements }),
      )
    return { name, type, dims }
  })
  return Object.fromEntries(
    inputs.map(({ name, type, dims }, index) => [
      name,
      { type, dims, bytes: drawValues(name, type, elementCount(dims), [seed, 1000 * sample + index]) },
    ]),
  )
}

function dimsOf({ name, shape }: Slot, sizes: Readonly<Record<string, number>>): number[] {
  return shape.map((size, axis) => {
    if (typeof size === 'number' && size >= 0) return size
    const given = sizeGiven(sizes, String(size)) ?? sizeGiven(sizes, `${name}.${axis}`)
    return given ?? usualSize(axis, shape.length)
  })
}

/** A model may call its sizes what every object has. */
function sizeGiven(sizes: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(sizes, name) ? sizes[name] : undefined
}

/** Normal numbers, small whole ones, true; ones for a mask and zeros for types of tokens, which are what models take. */
function drawValues(name: string, type: ValueType, count: number, key: readonly [number, number]): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(valueTypes[type], [count]))
  if (type === 'bool') return bytes.fill(1)
  const fixed = /mask/i.test(name) ? 1 : /type/i.test(name) ? 0 : null
  for (let start = 0; start < count; start += pieceElements) {
    const values = new Float64Array(Math.min(pieceElements, count - start))
    if (type === 'float32' || type === 'float64' || type === 'float16') {
      for (let i = 0; i < values.length; i += 2) {
        const pair = normalPair(key, 0, (start + i) / 2)
        values[i] = pair[0]
        if (i + 1 < values.length) values[i + 1] = pair[1]
      }
      bytes.set(encode(valueTypes[type], values).bytes, tensorBytes(valueTypes[type], [start]))
    } else {
      for (let i = 0; i < values.length; i++) values[i] = fixed ?? philox4x32(key, start + i, 7)[0] % largestNumber
      bytes.set(wholeNumbers(type, values), tensorBytes(valueTypes[type], [start]))
    }
  }
  return bytes
}

function wholeNumbers(
  type: Exclude<ValueType, 'float32' | 'float64' | 'float16' | 'bool'>,
  values: Float64Array,
): Uint8Array {
  const kinds = {
    int64: () => BigInt64Array.from([...values].map(BigInt)),
    uint64: () => BigUint64Array.from([...values].map(BigInt)),
    int32: () => Int32Array.from(values),
    uint32: () => Uint32Array.from(values),
    int16: () => Int16Array.from(values),
    uint16: () => Uint16Array.from(values),
    int8: () => Int8Array.from(values),
    uint8: () => Uint8Array.from(values),
  }
  return new Uint8Array(kinds[type]().buffer)
}

/**
 * The samples of a file, each read when it is asked for: arrays under the names of the inputs, or a single array for a model of one input; of several samples
 * each array has its number behind the name (`x.0`, `x.1`, ...).
 * @throws AppError `bad-request` for an input that has none, or one of another type or shape; `over-limit` for more than a model is handed at once
 */
export function givenInputs(file: WeightFile, slots: readonly Slot[]): (() => Promise<Feeds>)[] {
  const byName = new Map(file.tensors.map((tensor) => [tensor.name, tensor]))
  const only = slots.length === 1 && file.tensors.length === 1 ? file.tensors[0] : undefined
  const isNumbered = slots.some(({ name }) => !byName.has(name) && byName.has(`${name}.0`))
  if (!isNumbered) return [sampleOf(file, slots, (name) => byName.get(name) ?? only)]
  const samples: (() => Promise<Feeds>)[] = []
  // An input that is the same for all may stand there once.
  const at = (name: string, sample: number) => byName.get(`${name}.${sample}`)
  for (let sample = 0; slots.some(({ name }) => at(name, sample)); sample++)
    samples.push(sampleOf(file, slots, (name) => at(name, sample) ?? byName.get(name)))
  return samples
}

function sampleOf(
  file: WeightFile,
  slots: readonly Slot[],
  find: (name: string) => TensorInfo | undefined,
): () => Promise<Feeds> {
  const found = slots.map((slot) => {
    const tensor = find(slot.name)
    if (!tensor) {
      const name = fileName(file.shards[0]?.fileName ?? '')
      throw new AppError('bad-request', say('answers.no-input', { name, input: quoted(slot.name) }))
    }
    return { name: slot.name, tensor, type: typeFor(tensor, slot) }
  })
  // Before a byte is read: an open size may be given any length by a file with a hole in it.
  const bytes = found.reduce((sum, { tensor }) => sum + tensor.byteLength, 0)
  if (bytes > mostValueBytes) {
    const name = fileName(file.shards[0]?.fileName ?? '')
    throw new AppError('over-limit', say('answers.inputs-too-large', { name, bytes, most: mostValueBytes }))
  }
  return async () => {
    const arrays: [string, Value][] = []
    for (const { name, tensor, type } of found)
      arrays.push([name, { type, dims: tensor.shape, bytes: await file.read(tensor) }])
    return Object.fromEntries(arrays)
  }
}

/** The type of an input as the runtime calls it. @throws AppError `bad-request` where the array is of another, or of another shape */
function typeFor(tensor: TensorInfo, { name, type, shape }: Slot): ValueType {
  const fits =
    shape.length === tensor.shape.length &&
    shape.every((size, axis) => typeof size !== 'number' || size < 0 || size === tensor.shape[axis])
  if (!isValueType(type) || valueTypes[type] !== tensor.dtype || !fits)
    throw new AppError(
      'bad-request',
      say('answers.input-differs', {
        input: quoted(name),
        wanted: quoted(`${type} [${shape.join(', ')}]`),
        got: quoted(`${tensor.dtype} [${tensor.shape.join(', ')}]`),
      }),
    )
  return type
}
