/**
 * One pass over two models side by side: norms of both and of their difference, NaN and Inf, and the checksum of the difference, which the run then
 * need not look for. What is found is kept with the sketches of the two.
 */
import type { DifferenceFile, PairModel } from '../../adapters/difference-model.ts'
import { isDifferent, type Pair } from '../../adapters/pair.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { findOnce } from '../../matrix/facts.ts'
import { withKnownScans } from '../../matrix/known.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { inPieces } from '../../matrix/read-ahead.ts'
import { subtractSides } from '../../matrix/sides.ts'
import { squaresOf } from '../../matrix/spectra.ts'
import { SketchCache } from '../../sketch-cache/sketch-cache.ts'
import { elementCount, hasComputableDType, type TensorInfo } from '../../tensor.ts'

/** Squares of Frobenius norms, over the entries whose difference is finite. */
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
  const comparable = new Set(file.difference.pairs.filter((pair) => isDifferent(pair) && sameShape(pair)).map(nameOf))
  const compared = file.tensors.filter(({ name }) => comparable.has(name))
  const total = compared.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const facts = new Map<string, PairFacts>()
  let done = 0
  const compare = async (tensor: TensorInfo) => {
    const found = await findOnce(context, ['pair', tensor.name], () => comparedValues(file, tensor, context))
    facts.set(tensor.name, found)
    return found
  }
  await withKnownScans(
    context,
    async (tensor) => {
      const { nanCount, infCount, crc } = await compare(tensor)
      return { nanCount, infCount, crc }
    },
    async (scan) => {
      for (const tensor of compared) {
        context.checkCancelled()
        context.report({ type: 'progress', phase: 'plan', tensor: tensor.name, done, total })
        if (hasComputableDType(tensor)) await scan(tensor)
        const { difference } = facts.get(tensor.name) ?? (await compare(tensor))
        // What a plan that keeps this tensor wants to know, without another pass over it.
        if (tensor.shape.length > 1) await squaresOf(tensor, context, async () => difference)
        done += tensor.byteLength
      }
    },
  )
  return facts
}

const nameOf = ({ name }: Pair) => name

/** Tensors of other shapes have no difference. */
function sameShape({ base, tuned, shape, stacked, unfit }: Pair): boolean {
  if (stacked !== undefined) return unfit === null
  const rowsOf = (runs: Pair['base']) => runs.reduce((sum, { rows }) => sum + rows, 0)
  const cols = elementCount(shape.slice(1))
  return (
    rowsOf(base) === rowsOf(tuned) &&
    [...base, ...tuned].every(({ tensor }) => elementCount(tensor.shape.slice(1)) === cols)
  )
}

const sumNames = ['base', 'tuned', 'difference', 'nanCount', 'infCount'] as const

async function comparedValues(
  { readSides }: WeightFile,
  tensor: TensorInfo,
  context: JobContext,
): Promise<PairFacts & { readonly crc: number }> {
  if (!readSides) throw new Error(`${tensor.name} is no difference`)
  const { kernels } = context
  const sums = { base: 0, tuned: 0, difference: 0, nanCount: 0, infCount: 0 }
  let [crc, left] = [0, elementCount(tensor.shape)]
  const mark = kernels.mark()
  try {
    // The checksum of a piece is taken while the next one is subtracted.
    const both = [0, 1].map(() => kernels.allocateFloat32(Math.min(left, READ_BYTES / 4))) as [
      Float32Array,
      Float32Array,
    ]
    let before = both[0].subarray(0, 0)
    const sumBefore = () => {
      crc = context.crc32(new Uint8Array(before.buffer, before.byteOffset, before.byteLength), crc)
    }
    for await (const sides of inPieces(tensor, readSides, context)) {
      const piece = both[0].subarray(0, left)
      const found = subtractSides(kernels, sides, piece, sumBefore)
      for (const which of sumNames) sums[which] += found[which]
      left -= piece.length
      before = piece
      both.reverse()
    }
    sumBefore()
  } finally {
    kernels.release(mark)
  }
  return { ...sums, crc }
}
