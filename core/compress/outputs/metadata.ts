/** The metadata of an output file: who wrote it, from what, by which recipe, with which errors. */
import type { TensorOutcome } from '../../contract.ts'
import { version } from '../../version.ts'
import type { Compression } from '../compression.ts'
import { isFactorized, type TensorPlan } from '../plan/plan.ts'
import { toBits } from './bits.ts'

/** Metadata field: names of tensors whose storage was that of another, with that other's name. Both are in the file. */
export const TIES = 'ghostsvd.ties'

/** Numbers have a fixed width, and nothing names a time or a path: the bytes are known before the run. */
export function outputMetadata(
  { file, style, recipe, source, part }: Compression,
  plans: readonly TensorPlan[],
  error: number,
  outcomes: readonly TensorOutcome[],
): Map<string, string> {
  const metadata = new Map(style.copiesKept ? file.metadata : [])
  const factorized = plans.filter(isFactorized)
  if (style.format) metadata.set('format', style.format)
  for (const [key, value] of style.metadata?.(factorized) ?? []) metadata.set(key, value)
  metadata.set('ghostsvd.version', version)
  metadata.set('ghostsvd.recipe', recipe)
  metadata.set('ghostsvd.source', source)
  metadata.set('ghostsvd.error', fixedWidth(error))
  // One number for each tensor that was to be factorized; the one that could not is left out, which spaces after the header make up for.
  const failed = new Set(outcomes.filter(({ action }) => action === 'kept').map(({ name }) => name))
  const errors = new Map(outcomes.map(({ name, relativeError }) => [name, relativeError ?? 0]))
  const listed = factorized.filter(({ info }) => !failed.has(info.name))
  metadata.set(
    'ghostsvd.errors',
    JSON.stringify(Object.fromEntries(listed.map(({ info }) => [info.name, fixedWidth(errors.get(info.name) ?? 0)]))),
  )
  // In every part of a source that has any, so that parts join to the header of one run.
  metadata.delete(TIES)
  if (file.tensors.some(({ sharesStorageWith }) => sharesStorageWith !== undefined)) {
    const ties = plans.flatMap(({ info }) =>
      info.sharesStorageWith === undefined ? [] : [[info.name, info.sharesStorageWith]],
    )
    metadata.set(TIES, JSON.stringify(Object.fromEntries(ties)))
  }
  if (part.of > 1) {
    metadata.set('ghostsvd.part', `${part.index}/${part.of}`)
    const bits = listed.map(({ info }) => [info.name, toBits(errors.get(info.name) ?? 0)])
    metadata.set('ghostsvd.bits', JSON.stringify(Object.fromEntries(bits)))
  }
  return metadata
}

/** `1.234567e-01`: twelve characters for every number from 1e-99 to 9e99 that is not negative. */
export function fixedWidth(value: number): string {
  const [digits, exponent] = value.toExponential(6).split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}
