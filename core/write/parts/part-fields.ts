/**
 * What the header of a part says of each of its tensors, so that parts join to the bytes of one run: where it stands there, what it counts
 * for in the error of the model, and what was planned of one that could not be factorized, for which one run has left space.
 */

import { z } from 'zod'
import type { TensorOutcome } from '../../contract.ts'
import type { WeightFile } from '../../formats/format.ts'
import { badFile } from '../../formats/reading/refusal.ts'
import { alignmentOf, outputEntries } from '../../plan/entries.ts'
import { isFactorized, keepAsIs, type TensorPlan, unsettled } from '../../plan/plan.ts'
import { type DType, dtypeBits, elementCount, type TensorOutline } from '../../tensor.ts'
import { fromBits, toBits } from '../bits.ts'
import type { Compression } from '../compression.ts'

/** Metadata field: which part this is, as 3/8. */
export const PART = 'ghostsvd.part'
const TENSORS = 'ghostsvd.tensors'

/** One planned tensor of a part. */
export interface PartTensor {
  readonly name: string
  /** As in TensorPlan: its place in the whole run. */
  readonly place: number
  /** Of what was planned of it (plan/entries.ts). */
  readonly alignment: number
  /** Elements of its matrices; 0 for what is none. */
  readonly elements: number
  /** Tensors of the source: two where a scale goes with it. */
  readonly sources: number
  /** How many follow in the file. */
  readonly entries: number
  /** Of a factorized one, in full precision; null where it was kept. */
  readonly error: number | null
  /** What was to be written in place of a tensor that was kept in the end; null for all others. */
  readonly planned: readonly TensorOutline[] | null
}

/** Relative errors are about 1 at most; what has more digits than the header has space for is damage. */
const mostError = 1e9

const outlineSchema = z.strictObject({
  name: z.string(),
  dtype: z.enum(Object.keys(dtypeBits) as [DType, ...DType[]]),
  shape: z.array(z.int().nonnegative()),
})

/** Arrays, in the order of the part: a header may have a hundred thousand of them. */
const tensorsSchema = z.array(
  z.tuple([
    z.string(),
    z.int(),
    z.int(),
    z.int().nonnegative(),
    z.int(),
    z.int().nonnegative(),
    z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .nullable(),
    z.array(outlineSchema).nullable(),
  ]),
)

/** Sets the fields of a part, and removes those of another run. All numbers have their final width before the run. */
export function setPartFields(
  metadata: Map<string, string>,
  { style, part }: Pick<Compression, 'style' | 'part'>,
  plans: readonly TensorPlan[],
  outcomes: ReadonlyMap<string, TensorOutcome>,
): void {
  removePartFields(metadata)
  if (part.of === 1) return
  const tensors = plans.map((plan) => {
    const { info, view, place, scale } = plan
    const planned = outputEntries(plan, style)
    const outcome = outcomes.get(info.name)
    const failed = isFactorized(plan) && outcome?.action === 'kept'
    const written = failed ? outputEntries(keepAsIs(plan, unsettled), style) : planned
    const error = isFactorized(plan) && !failed ? toBits(outcome?.relativeError ?? 0) : null
    const elements = view ? elementCount(info.shape) : 0
    const sources = scale ? 2 : 1
    const lost = failed ? planned.map(({ name, dtype, shape }) => ({ name, dtype, shape })) : null
    return [info.name, place, alignmentOf(planned), elements, sources, written.length, error, lost]
  })
  metadata.set(PART, `${part.index}/${part.of}`)
  metadata.set(TENSORS, JSON.stringify(tensors))
}

export function removePartFields(metadata: Map<string, string>): void {
  metadata.delete(PART)
  metadata.delete(TENSORS)
}

/** The tensors of a part, in the order of its file. @throws AppError `bad-file` */
export function partTensors({ metadata, shards, tensors }: WeightFile): PartTensor[] {
  const where = `${shards[0]?.fileName ?? 'A part'}: ${TENSORS}`
  const parsed = tensorsSchema.safeParse(parseJson(metadata.get(TENSORS) ?? ''))
  if (!parsed.success) throw badFile(where, 'what this version writes of each tensor', 'something else')
  const found = parsed.data.map(
    ([name, place, alignment, elements, sources, entries, bits, planned]): PartTensor => ({
      name,
      place,
      alignment,
      elements,
      sources,
      entries,
      planned,
      error: bits === null ? null : fromBits(bits),
    }),
  )
  // Written as 64 bits, of which most others are no error.
  for (const { error } of found)
    if (error !== null && !(error >= 0 && error < mostError)) throw badFile(where, 'errors', String(error))
  const entries = found.reduce((sum, each) => sum + each.entries, 0)
  if (entries !== tensors.length) throw badFile(where, `${tensors.length} entries`, String(entries))
  return found
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
