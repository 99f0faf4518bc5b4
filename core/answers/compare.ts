/**
 * How far the outputs of two models are from each other on the same inputs, and how long both took. An output may be anything; where its last axis
 * can be that of classes, it is also said how often both prefer the same one.
 */
import type { ClassAgreement, OutputDifference, Spread } from '../contract/answers.ts'
import { numbersOf, type Value } from './value.ts'

/** Collects one output over all samples. */
export interface DifferenceOf {
  /** @throws RangeError for values of different sizes */
  add(original: Value, compressed: Value): void
  result(): OutputDifference
}

export function differenceOf(name: string): DifferenceOf {
  let [errors, originals, others, products, notFinite] = [0, 0, 0, 0, 0]
  let largest: number | null = null
  let dims: readonly number[] | null = null
  let classes: { rows: number; sameFirst: number; firstAmongFive: number } | null = null
  return {
    add: (original, compressed) => {
      const [a, b] = [numbersOf(original), numbersOf(compressed)]
      if (a.length !== b.length) throw new RangeError(`${name}: ${a.length} numbers against ${b.length}`)
      dims ??= original.dims
      let [error, norm] = [0, 0]
      for (let i = 0; i < a.length; i++) {
        const [x, y] = [a[i]!, b[i]!]
        if (!(Number.isFinite(x) && Number.isFinite(y))) {
          // A mask's -Inf in both is the same answer.
          if (!Object.is(x, y)) notFinite++
          continue
        }
        error += (x - y) ** 2
        norm += x ** 2
        others += y ** 2
        products += x * y
      }
      errors += error
      originals += norm
      if (norm > 0) largest = Math.max(largest ?? 0, Math.sqrt(error / norm))
      const agreement = a.length > 0 && looksLikeClasses(original) ? agreementOf(a, b, original.dims.at(-1)!) : null
      if (!agreement) return
      classes ??= { rows: 0, sameFirst: 0, firstAmongFive: 0 }
      classes.rows += agreement.rows
      classes.sameFirst += agreement.sameFirst
      classes.firstAmongFive += agreement.firstAmongFive
    },
    result: () => {
      const known = notFinite === 0 && originals > 0
      return {
        name,
        dims: dims ?? [],
        notFinite,
        relativeError: known ? Math.sqrt(errors / originals) : null,
        largestError: known ? largest : null,
        cosine: known && others > 0 ? products / Math.sqrt(originals) / Math.sqrt(others) : null,
        classes,
      }
    },
  }
}

/** Floating-point rows [n, classes] or [batch, positions, classes]: logits, or what a softmax makes of them. */
export function looksLikeClasses({ type, dims }: Value): boolean {
  return type.startsWith('float') && (dims.length === 2 || dims.length === 3) && dims.at(-1)! > 1
}

function agreementOf(a: Float64Array, b: Float64Array, classes: number): ClassAgreement {
  const rows = a.length / classes
  let [sameFirst, firstAmongFive] = [0, 0]
  for (let row = 0; row < rows; row++) {
    const at = row * classes
    let first = 0
    for (let i = 1; i < classes; i++) if (a[at + i]! > a[at + first]!) first = i
    // A model that answers NaN agrees with nobody.
    if (Number.isNaN(b[at + first]!)) continue
    // Of equal entries the first counts as the larger, in both.
    let larger = 0
    for (let i = 0; i < classes; i++)
      if (!(b[at + i]! < b[at + first]! || (b[at + i]! === b[at + first]! && i >= first))) larger++
    if (larger === 0) sameFirst++
    if (larger < 5) firstAmongFive++
  }
  return { rows, sameFirst, firstAmongFive }
}

/** Median and middle half. @throws RangeError for none */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}
