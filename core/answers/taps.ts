/**
 * Sums over what flows into layers: for each tapped value the sum of x xt over all its vectors x (of x^2 alone where they are long), which is
 * what our statistics hold (docs/formats.md). In f64, vector by vector.
 */
import { numbersOf, type Value } from './value.ts'

/** How vectors lie in a value. */
export type VectorLayout =
  /** Along the last axis: X in X W. */
  | { readonly kind: 'rows' }
  /** Along the last but one: X in W X. */
  | { readonly kind: 'columns' }
  /** What each place of a convolution sees, [channels, ...kernel]. */
  | {
      readonly kind: 'patches'
      readonly kernel: readonly number[]
      readonly strides: readonly number[]
      readonly dilations: readonly number[]
      /** At the beginning of each axis, then at the end of each; null: as many as keep the size over stride, the odd one there. */
      readonly pads: readonly number[] | 'end' | 'begin'
    }

export interface Tap {
  /** An input of the model or one of its outputs. */
  readonly value: string
  readonly layout: VectorLayout
  /** The weights that meet it. */
  readonly weights: readonly string[]
  /** Of a vector. */
  readonly width: number
}

export interface TapSums {
  readonly weights: readonly string[]
  readonly width: number
  /** Vectors. */
  readonly count: number
  /** [width, width], symmetric; null above `widestGram`. */
  readonly gram: Float64Array | null
  /** Of squares, [width]. */
  readonly squares: Float64Array
}

/** 128 MiB of sums. */
const widestGram = 4096
/** Of one value of one sample, evenly chosen: the neighbouring places of a convolution say nearly the same. */
const mostVectors = 2048
/** Vectors that are added together, so that the sums pass through the cache once for all of them. */
const together = 8

export interface SumsOfTaps {
  /** @throws RangeError for a value whose vectors are not as wide as the tap's */
  add(taps: readonly Tap[], values: Readonly<Record<string, Value>>): void
  result(): TapSums[]
}

export function sumsOfTaps(): SumsOfTaps {
  const sums = new Map<
    string,
    { weights: readonly string[]; width: number; count: number; gram: Float64Array | null; squares: Float64Array }
  >()
  return {
    add: (taps, values) => {
      for (const { value, layout, weights, width } of taps) {
        const found = values[value]
        if (!found || found.bytes.byteLength === 0) continue
        const key = weights.join('\n')
        const kept = sums.get(key) ?? {
          ...{ weights, width, count: 0 },
          gram: width <= widestGram ? new Float64Array(width * width) : null,
          squares: new Float64Array(width),
        }
        sums.set(key, kept)
        const vectors = vectorsOf(found, layout, width)
        kept.count += vectors.length / width
        addSquares(kept.squares, vectors)
        if (kept.gram) addGram(kept.gram, vectors, width)
      }
    },
    result: () =>
      [...sums.values()].map(({ gram, ...rest }) => ({ ...rest, gram: gram && mirrored(gram, rest.width) })),
  }
}

/** One behind the other. */
function vectorsOf(value: Value, layout: VectorLayout, width: number): Float64Array {
  const numbers = numbersOf(value)
  if (layout.kind === 'patches') return patches(numbers, value.dims, layout, width)
  const axis = value.dims.length === 1 || layout.kind === 'rows' ? -1 : -2
  if (value.dims.at(axis) !== width)
    throw new RangeError(`vectors of ${value.dims.at(axis)} where ${width} are expected`)
  const inner = axis === -1 ? 1 : value.dims.at(-1)!
  const count = numbers.length / width
  const chosen = evenly(count)
  const found = new Float64Array(chosen.length * width)
  for (const [i, vector] of chosen.entries()) {
    const start = Math.floor(vector / inner) * inner * width + (vector % inner)
    for (let j = 0; j < width; j++) found[i * width + j] = numbers[start + j * inner]!
  }
  return found
}

/** Indices of at most `mostVectors` of so many. */
function evenly(count: number): number[] {
  const taken = Math.min(count, mostVectors)
  return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken))
}

/** What places of a convolution see of [batch, channels, ...sizes], zeros beyond the border. */
function patches(
  numbers: Float64Array,
  dims: readonly number[],
  { kernel, strides, dilations, pads }: Extract<VectorLayout, { kind: 'patches' }>,
  width: number,
): Float64Array {
  const [batch = 1, channels = 1, ...sizes] = dims
  const taps = kernel.reduce((product, size) => product * size, 1)
  if (channels * taps !== width) throw new RangeError(`vectors of ${channels * taps} where ${width} are expected`)
  const spans = kernel.map((size, axis) => (size - 1) * dilations[axis]! + 1)
  const [begins, places] = bordersOf(sizes, spans, strides, pads)
  const perImage = places.reduce((product, size) => product * size, 1)
  const chosen = evenly(batch * perImage)
  const found = new Float64Array(chosen.length * width)
  const planes = sizes.reduce((product, size) => product * size, 1)
  const steps = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((product, size) => product * size, 1))
  for (const [i, vector] of chosen.entries()) {
    const image = Math.floor(vector / perImage)
    const place = indicesOf(vector % perImage, places)
    for (let tap = 0; tap < taps; tap++) {
      const offsets = indicesOf(tap, kernel)
      let at = 0
      let inside = true
      for (const [axis, size] of sizes.entries()) {
        const position = place[axis]! * strides[axis]! + offsets[axis]! * dilations[axis]! - begins[axis]!
        inside &&= position >= 0 && position < size
        at += position * steps[axis]!
      }
      if (!inside) continue
      for (let channel = 0; channel < channels; channel++)
        found[i * width + channel * taps + tap] = numbers[(image * channels + channel) * planes + at]!
    }
  }
  return found
}

/** Where each axis begins before its first value, and how many places it has. */
function bordersOf(
  sizes: readonly number[],
  spans: readonly number[],
  strides: readonly number[],
  pads: readonly number[] | 'end' | 'begin',
): [number[], number[]] {
  const begins: number[] = []
  const places: number[] = []
  for (const [axis, size] of sizes.entries()) {
    if (typeof pads === 'string') {
      const count = Math.ceil(size / strides[axis]!)
      const missing = Math.max(0, (count - 1) * strides[axis]! + spans[axis]! - size)
      begins.push(pads === 'end' ? Math.floor(missing / 2) : Math.ceil(missing / 2))
      places.push(count)
    } else {
      begins.push(pads[axis]!)
      const whole = size + pads[axis]! + pads[axis + sizes.length]!
      places.push(Math.max(0, Math.floor((whole - spans[axis]!) / strides[axis]!) + 1))
    }
  }
  return [begins, places]
}

function indicesOf(flat: number, sizes: readonly number[]): number[] {
  const found: number[] = []
  let rest = flat
  for (const size of sizes.toReversed()) {
    found.push(rest % size)
    rest = Math.floor(rest / size)
  }
  return found.reverse()
}

function addSquares(squares: Float64Array, vectors: Float64Array): void {
  const width = squares.length
  for (let i = 0; i < vectors.length; i += width)
    for (let j = 0; j < width; j++) squares[j]! += vectors[i + j]! * vectors[i + j]!
}

/** The upper triangle. Cost: n^2 / 2 multiplications a vector. */
function addGram(gram: Float64Array, vectors: Float64Array, width: number): void {
  const count = vectors.length / width
  for (let first = 0; first < count; first += together) {
    const last = Math.min(count, first + together)
    for (let row = 0; row < width; row++) {
      const at = row * width
      for (let k = first; k < last; k++) {
        const from = k * width
        const factor = vectors[from + row]!
        if (factor === 0) continue
        for (let col = row; col < width; col++) gram[at + col]! += factor * vectors[from + col]!
      }
    }
  }
}

function mirrored(gram: Float64Array, width: number): Float64Array {
  const whole = gram.slice()
  for (let row = 1; row < width; row++)
    for (let col = 0; col < row; col++) whole[row * width + col] = whole[col * width + row]!
  return whole
}
