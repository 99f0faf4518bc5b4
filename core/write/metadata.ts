/** The metadata of an output file: who wrote it, from what, by which recipe, with which errors and checksums. */

import type { TensorOutcome } from '../contract.ts'
import { jsonObject } from '../json-object.ts'
import { deviceOfRun } from '../matrix/factorize-matrix.ts'
import { outputEntries } from '../plan/entries.ts'
import { isFactorized, type TensorPlan } from '../plan/plan.ts'
import { encodings } from '../styles.ts'
import { version } from '../version.ts'
import { toChecksums } from './bits.ts'
import type { Compression } from './compression.ts'
import { setPartFields } from './parts/part-fields.ts'
import { sourceDigest } from './source-digest.ts'

/** Metadata fields: which version wrote the file, by which recipe (recipe-hash.ts), from which weights (source-hash.ts). */
export const VERSION = 'ghostsvd.version'
export const RECIPE = 'ghostsvd.recipe'
export const SOURCE = 'ghostsvd.source'

/** Metadata field: names of tensors whose storage was that of another, with that other's name. Both are in the file. */
export const TIES = 'ghostsvd.ties'

/** Metadata field: the error of each factorized tensor, and of each weight kept in INT8, in the order of the file. */
export const ERRORS = 'ghostsvd.errors'

/** Metadata field: the error of the model. */
export const ERROR = 'ghostsvd.error'

/** Metadata field: CRC-32 of the bytes of each tensor in the file, in order, eight hexadecimal digits each. Members of an archive have their own. */
export const CHECKSUMS = 'ghostsvd.checksums'

/** Metadata field: the whole name of each matrix whose name the format cuts, by the one that readers show. */
export const NAMES = 'ghostsvd.names'

/** Metadata field: which values of the source the file was made from (source-digest.ts). */
export const DIGEST = 'ghostsvd.digest'

/** Metadata field: the GPU that was to make the products of some of its tensors; absent where none was. */
export const DEVICE = 'ghostsvd.device'

/** What is known of a file when all its tensors are written. */
export interface WrittenFacts {
  /** Of the model. */
  readonly error: number
  readonly outcomes: readonly TensorOutcome[]
  /** CRC-32 of the source's values, for each plan; null where the output leaves the tensor out. */
  readonly sourceCrcs: readonly (number | null)[]
  /** CRC-32 of each entry. */
  readonly checksums: readonly number[]
}

export function errorsText(errors: readonly (readonly [string, number])[]): string {
  return JSON.stringify(Object.fromEntries(errors.map(([name, error]) => [name, fixedWidth(error)])))
}

/** What a field of texts by names holds; null where it holds something else: a header can be damaged where no checksum covers it. */
export function namedTexts(field: string): Map<string, string> | null {
  const members = jsonObject(field)
  if (!members) return null
  const found = new Map<string, string>()
  for (const [name, text] of Object.entries(members)) {
    if (typeof text !== 'string') return null
    found.set(name, text)
  }
  return found
}

/** Numbers have a fixed width, and nothing names a time or a path: the bytes are known before the run, when nothing is `written`. */
export function outputMetadata(
  compression: Compression,
  plans: readonly TensorPlan[],
  written: WrittenFacts | null = null,
): Map<string, string> {
  const { file, style, recipe, sourceHash, context } = compression
  const { error = 0, outcomes = [] } = written ?? {}
  const metadata = new Map(style.copiesKept ? file.metadata : [])
  const factorized = plans.filter(isFactorized)
  if (style.format) metadata.set('format', style.format)
  for (const [key, value] of style.metadata?.(factorized) ?? []) metadata.set(key, value)
  metadata.set(VERSION, version)
  metadata.set(RECIPE, recipe)
  metadata.set(SOURCE, sourceHash)
  metadata.set(ERROR, fixedWidth(error))
  // One number for each tensor that was to be factorized; the one that could not is left out, which spaces after the header make up for.
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.name, outcome]))
  const errors = plans
    .filter(
      (plan) =>
        plan.denseInt8 !== undefined || (isFactorized(plan) && outcomeOf.get(plan.info.name)?.action !== 'kept'),
    )
    .map(({ info }): [string, number] => [info.name, outcomeOf.get(info.name)?.relativeError ?? 0])
  metadata.set(ERRORS, errorsText(errors))
  metadata.delete(DEVICE)
  // One that was lost in the middle is in no kernels any more, but in what it made.
  const made = outcomes.find((outcome) => outcome.device !== undefined)?.device
  const device = deviceOfRun(plans, context.kernels) ?? made
  if (device !== undefined) metadata.set(DEVICE, device)
  metadata.delete(CHECKSUMS)
  if (encodings[style.encoding].listsChecksums) {
    const planned = () => plans.flatMap((plan) => outputEntries(plan, style)).map(() => 0)
    metadata.set(CHECKSUMS, toChecksums(written?.checksums ?? planned()))
  }
  const tensors = plans.flatMap(({ info }, i) => {
    const crc = written?.sourceCrcs[i] ?? null
    return crc === null ? [] : [{ ...info, crc }]
  })
  metadata.set(DIGEST, sourceDigest(tensors, context))
  // In every part of a source that has any, so that parts join to the header of one run.
  metadata.delete(TIES)
  if (file.tensors.some(({ sharesStorageWith }) => sharesStorageWith !== undefined)) {
    const ties = plans.flatMap(({ info }) =>
      info.sharesStorageWith === undefined ? [] : [[info.name, info.sharesStorageWith]],
    )
    metadata.set(TIES, JSON.stringify(Object.fromEntries(ties)))
  }
  setPartFields(metadata, compression, plans, outcomeOf)
  return metadata
}

/** `1.234567e-01`: twelve characters for every number from 1e-99 to 9e99 that is not negative. */
export function fixedWidth(value: number): string {
  const [digits, exponent] = value.toExponential(6).split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}
