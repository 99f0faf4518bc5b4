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
import { elementCount, type TensorInfo } from '../tensor.ts'
import { isValueType, type Slot, type Value, type ValueType, valueTypes } from './value.ts'

export type Feeds = Readonly<Record<string, Value>>

/** A size that the model leaves open. */
const openSizes = {
  /** Along the first axis: how many at once. */
  first: 1,
  /** Along the last two of four, an image's. */
  image: 64,
  /** Along any other. */
  other: 16,
} as const
/** Whole numbers stay below this: every vocabulary has as many. */
const largestNumber = 100
const mostElements = 1 << 28

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
  return Object.fromEntries(
    slots.map((slot, index) => {
      const { name, type } = slot
      if (!isValueType(type))
        throw new AppError('unsupported', say('answers.input-type', { input: quoted(name), type: quoted(type) }))
      const dims = dimsOf(slot, sizes)
      const count = elementCount(dims)
      if (!(count <= mostElements))
        throw new AppError('over-limit', say('answers.input-size', { input: quoted(name), count, most: mostElements }))
      return [name, { type, dims, bytes: drawn(name, type, count, [seed, 1000 * sample + index]) }]
    }),
  )
}

function dimsOf({ name, shape }: Slot, sizes: Readonly<Record<string, number>>): number[] {
  return shape.map((size, axis) => {
    if (typeof size === 'number' && size >= 0) return size
    const given = sizes[String(size)] ?? sizes[`${name}.${axis}`]
    if (given !== undefined) return given
    if (axis === 0) return openSizes.first
    return shape.length === 4 && axis > 1 ? openSizes.image : openSizes.other
  })
}

/** Normal numbers, small whole ones, true; ones for a mask and zeros for types of tokens, which are what models take. */
function drawn(name: string, type: ValueType, count: number, key: readonly [number, number]): Uint8Array {
  if (type === 'float32' || type === 'float64' || type === 'float16') {
    const values = new Float64Array(count)
    for (let i = 0; i < count; i += 2) {
      const pair = normalPair(key, 0, i / 2)
      values[i] = pair[0]
      if (i + 1 < count) values[i + 1] = pair[1]
    }
    return encode(valueTypes[type], values).bytes
  }
  if (type === 'bool') return new Uint8Array(count).fill(1)
  const fixed = /mask/i.test(name) ? 1 : /type/i.test(name) ? 0 : null
  const whole = Array.from({ length: count }, (_, i) => fixed ?? philox4x32(key, i, 7)[0] % largestNumber)
  return wholeNumbers(type, whole)
}

function wholeNumbers(
  type: Exclude<ValueType, 'float32' | 'float64' | 'float16' | 'bool'>,
  values: number[],
): Uint8Array {
  const kinds = {
    int64: () => BigInt64Array.from(values, BigInt),
    uint64: () => BigUint64Array.from(values, BigInt),
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
 * One sample: arrays under the names of the inputs, or a single array for a model of one input.
 * @throws AppError `bad-request` for an input that has none, or one of another type or shape
 */
export async function givenInputs(file: WeightFile, slots: readonly Slot[]): Promise<Feeds> {
  const name = fileName(file.shards[0]?.fileName ?? '')
  const found: [string, Value][] = []
  for (const slot of slots) {
    const only = slots.length === 1 && file.tensors.length === 1 ? file.tensors[0] : undefined
    const tensor = file.tensors.find((each) => each.name === slot.name) ?? only
    if (!tensor) throw new AppError('bad-request', say('answers.no-input', { name, input: quoted(slot.name) }))
    found.push([slot.name, await arrayFor(file, tensor, slot)])
  }
  return Object.fromEntries(found)
}

async function arrayFor(file: WeightFile, tensor: TensorInfo, { name, type, shape }: Slot): Promise<Value> {
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
  return { type, dims: tensor.shape, bytes: await file.read(tensor) }
}
