/**
 * Sums over what flows into layers: for each tapped value the sum of x xt over all its vectors x (of x^2 alone where they are long), which is
 * what our statistics hold (docs/formats.md). In f64, vector by vector.
 */
import { namedValue, numbersOf, type Value } from './value.ts'

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
/** Of the sums of all taps together, 2 GiB: beyond them the widest keep those of squares alone. A file of a few kilobytes could ask for any number. */
const mostGramEntries = 2 ** 28
/** Of one value of one sample, evenly chosen: the neighbouring places of a convolution say nearly the same. */
const mostVectors = 2048
/** Of these vectors, 256 MiB: places of a convolution overlap, so there may be far more of them than numbers in the value. */
const mostEntries = 2 ** 25
/** Vectors that are added together, so that the sums pass through the cache once for all of them. */
const together = 8

export interface SumsOfTaps {
  /** @throws RangeError for a value whose vectors are not as wide as the tap's */
  add(taps: readonly Tap[], values: Readonly<Record<string, Value>>): void
  result(): TapSums[]
}

export function sumsOfTaps(): SumsOfTaps {
  /** By the weights that they are of: one that several values meet has one sum, of all of them. */
  const sums = new Map<string, Sums>()
  let sharing: Sharing | null = null
  return {
    add: (taps, values) => {
      sharing ??= sharingOf(taps)
      for (const tap of taps) {
        const found = namedValue(values, tap.value)
        if (!found || found.bytes.byteLength === 0) continue
        const vectors = vectorsOf(found, tap.layout, tap.width)
        for (const weights of sharing.groupsOf(tap)) {
          const key = JSON.stringify(weights)
          const kept = sums.get(key) ?? newSums(weights, tap.width, tap.width <= sharing.widestGram)
          sums.set(key, kept)
          kept.count += vectors.length / tap.width
          addSquares(kept.squares, vectors)
          if (kept.gram) addGram(kept.gram, vectors, tap.width)
        }
      }
    },
    result: () => {
      for (const { gram, width } of sums.values()) if (gram) mirror(gram, width)
      return [...sums.values()]
    },
  }
}

interface Sums extends TapSums {
  count: number
}

function newSums(weights: readonly string[], width: number, hasGram: boolean): Sums {
  const gram = hasGram ? new Float64Array(width * width) : null
  return { weights, width, count: 0, gram, squares: new Float64Array(width) }
}

interface Sharing {
  /** The weights of a tap in groups, each of such as meet the same values. */
  groupsOf(tap: Tap): readonly (readonly string[])[]
  /** The widest vectors of which all products are summed. */
  readonly widestGram: number
}

function sharingOf(taps: readonly Tap[]): Sharing {
  const meets = new Map<string, number[]>()
  for (const [i, { weights }] of taps.entries())
    for (const weight of weights) {
      const of = meets.get(weight) ?? []
      of.push(i)
      meets.set(weight, of)
    }
  const groups = new Map<string, { readonly weights: string[]; readonly width: number }>()
  for (const [weight, of] of meets) {
    const group = groups.get(of.join()) ?? { weights: [], width: taps[of[0]!]!.width }
    group.weights.push(weight)
    groups.set(of.join(), group)
  }
  const ofWidth = new Map<number, number>()
  for (const { width } of groups.values()) ofWidth.set(width, (ofWidth.get(width) ?? 0) + 1)
  let [entries, widest] = [0, 0]
  for (const [width, count] of [...ofWidth].sort(([a], [b]) => a - b)) {
    entries += width * width * count
    if (width > widestGram || entries > mostGramEntries) break
    widest = width
  }
  // By weight, once: a weight that every tap meets has a list of all of them.
  const groupOf = new Map([...groups.values()].flatMap(({ weights }) => weights.map((weight) => [weight, weights])))
  return { groupsOf: ({ weights }) => [...new Set(weights.map((weight) => groupOf.get(weight)!))], widestGram: widest }
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
  const chosen = evenly(count, width)
  const found = new Float64Array(chosen.length * width)
  for (const [i, vector] of chosen.entries()) {
    const start = Math.floor(vector / inner) * inner * width + (vector % inner)
    for (let j = 0; j < width; j++) found[i * width + j] = numbers[start + j * inner]!
  }
  return found
}

/** Indices of at most `mostVectors` of so many, fewer where they are long. */
function evenly(count: number, width: number): number[] {
  const taken = Math.min(count, mostVectors, Math.max(1, Math.floor(mostEntries / width)))
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
  const chosen = evenly(batch * perImage, width)
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

/** The upper triangle into the lower one, which nothing else writes. */
function mirror(gram: Float64Array, width: number): void {
  for (let row = 1; row < width; row++)
    for (let col = 0; col < row; col++) gram[row * width + col] = gram[col * width + row]!
}
