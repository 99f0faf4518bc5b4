/**
 * One pass over two models side by side: norms of both and of their difference, NaN and Inf, and the checksum of the difference, which the run then
 * need not look for. What is found is kept with the sketches of the two.
 */
import type { BothValues } from '../../adapters/difference.ts'
import type { DifferenceFile, PairModel } from '../../adapters/difference-model.ts'
import { isDifferent, type Pair } from '../../adapters/pairs.ts'
import type { JobContext } from '../../matrix/context.ts'
import { findOnce } from '../../matrix/facts.ts'
import { withKnownScans } from '../../matrix/known.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { SketchCache } from '../../sketch-cache/sketch-cache.ts'
import { elementCount, hasComputableDType } from '../../tensor.ts'

/** Squares of Frobenius norms, over the finite values. */
export interface PairFacts {
  readonly base: number
  readonly tuned: number
  readonly difference: number
  readonly nanCount: number
  readonly infCount: number
}

/** What is found of the same two models cut for other loaders is another source's: rows may be in another order. */
export function ofThisCut(host: JobContext, { difference }: DifferenceFile<PairModel>): JobContext {
  // What the first pass finds has to last until the run asks for it.
  const sketches = host.sketches ?? { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: '' }
  return { ...host, sketches: { ...sketches, sourceHash: sourceOfCut(sketches.sourceHash, difference) } }
}

/** Said once. */
export function sourceOfCut(sourceHash: string, { cut }: Pick<PairModel, 'cut'>): string {
  return sourceHash.endsWith(` ${cut}`) ? sourceHash : `${sourceHash} ${cut}`
}

/** By name; pairs whose values cannot be compared are left out. */
export async function pairFacts(
  file: DifferenceFile<PairModel>,
  context: JobContext,
): Promise<ReadonlyMap<string, PairFacts>> {
  const { pairs, values } = file.difference
  const tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]))
  const compared = pairs.filter((pair) => isDifferent(pair) && sameShape(pair))
  const total = compared.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0)
  const facts = new Map<string, PairFacts>()
  let done = 0
  const scans = new Map<string, number>()
  const compare = async (pair: Pair) => {
    const found = await findOnce(context, ['pair', pair.name], async () => comparedValues(pair, values, context))
    facts.set(pair.name, found)
    scans.set(pair.name, found.crc)
    return found
  }
  await withKnownScans(
    context,
    async ({ name }) => {
      const { nanCount, infCount, crc } = await compare(pairs.find((pair) => pair.name === name)!)
      return { nanCount, infCount, crc }
    },
    async (scan) => {
      for (const pair of compared) {
        context.checkCancelled()
        context.report({ type: 'progress', phase: 'plan', tensor: pair.name, done, total })
        const tensor = tensors.get(pair.name)!
        if (hasComputableDType(tensor)) await scan(tensor)
        if (!facts.has(pair.name)) await compare(pair)
        done += 4 * elementCount(pair.shape)
      }
    },
  )
  return facts
}

/** Tensors of other shapes have no difference. */
function sameShape({ base, tuned, shape }: Pair): boolean {
  const rowsOf = (runs: Pair['base']) => runs.reduce((sum, { rows }) => sum + rows, 0)
  const cols = elementCount(shape.slice(1))
  return (
    rowsOf(base) === rowsOf(tuned) &&
    [...base, ...tuned].every(({ tensor }) => elementCount(tensor.shape.slice(1)) === cols)
  )
}

async function comparedValues(
  pair: Pair,
  values: (pair: Pair, start: number, end: number) => Promise<BothValues>,
  context: JobContext,
): Promise<PairFacts & { readonly crc: number }> {
  const count = elementCount(pair.shape)
  const step = READ_BYTES / 4
  const sums = { base: 0, tuned: 0, difference: 0, nanCount: 0, infCount: 0 }
  let crc = 0
  for (let start = 0; start < count; start += step) {
    context.checkCancelled()
    const both = await values(pair, start, Math.min(count, start + step))
    const { base, tuned, difference, D } = comparedPiece(both)
    sums.base += base
    sums.tuned += tuned
    if (Number.isFinite(difference)) sums.difference += difference
    else countNonFinite(D, sums)
    crc = context.crc32(new Uint8Array(D.buffer, D.byteOffset, D.byteLength), crc)
  }
  return { ...sums, crc }
}

/**
 * D = tuned - base in F32, and the sums of squares of the three in f64, in one pass: each value is fetched once, which is four times as fast as a pass
 * for each. Two sums side by side keep the adder busy.
 */
function comparedPiece({ base, tuned }: BothValues) {
  const D = new Float32Array(tuned.length)
  let [b0, b1, t0, t1, d0, d1] = [0, 0, 0, 0, 0, 0]
  const even = tuned.length - (tuned.length % 2)
  for (let i = 0; i < even; i += 2) {
    const b = base[i]!
    const t = tuned[i]!
    const d = Math.fround(t - b)
    D[i] = d
    b0 += b * b
    t0 += t * t
    d0 += d * d
    const c = base[i + 1]!
    const u = tuned[i + 1]!
    const e = Math.fround(u - c)
    D[i + 1] = e
    b1 += c * c
    t1 += u * u
    d1 += e * e
  }
  if (even < tuned.length) {
    const b = base[even]!
    const t = tuned[even]!
    const d = Math.fround(t - b)
    D[even] = d
    b0 += b * b
    t0 += t * t
    d0 += d * d
  }
  return { base: b0 + b1, tuned: t0 + t1, difference: d0 + d1, D }
}

function countNonFinite(values: Float32Array, sums: { difference: number; nanCount: number; infCount: number }): void {
  for (const value of values) {
    if (Number.isNaN(value)) sums.nanCount++
    else if (!Number.isFinite(value)) sums.infCount++
    else sums.difference += value * value
  }
}
