/**
 * The parts of a run put together: the bytes are those of a run that was not split. Parts are cut along what names and shapes say, one run
 * orders by what is written in the end, and leaves space for what it could not factorize: so each part says these things of its tensors
 * (part-fields.ts).
 */

import { modelError } from '../../curves/model-error.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import { badFile } from '../../formats/reading/refusal.ts'
import type { ReadingContext } from '../../matrix/checksum.ts'
import { say } from '../../messages/english.ts'
import { fileName, foreign } from '../../messages/text.ts'
import { alignedOrder } from '../../plan/entries.ts'
import { type Part, parsePart } from '../../plan/parts.ts'
import type { TensorInfo } from '../../tensor.ts'
import { fromChecksums, toChecksums } from '../bits.ts'
import { copyValues } from '../compress-tensor.ts'
import { type CompressionTarget, refuseToReplace, whileHolding } from '../compression.ts'
import { createSafetensors } from '../encodings/safetensors-output.ts'
import {
  CHECKSUMS,
  DEVICE,
  DIGEST,
  ERROR,
  ERRORS,
  errorsText,
  fixedWidth,
  namedTexts,
  RECIPE,
  SOURCE,
  TIES,
  VERSION,
} from '../metadata.ts'
import { isDigest, joinedDigest } from '../source-digest.ts'
import { PART, type PartTensor, partTensors, removePartFields } from './part-fields.ts'

/** The parts in any order, and where they are put together. */
export interface MergeFiles {
  readonly parts: readonly WeightFile[]
  readonly target: CompressionTarget
}

export interface MergeReport {
  readonly output: string
  readonly parts: number
  /** Of the model. */
  readonly tensors: number
  readonly bytes: number
  readonly relativeError: number
}

/** @throws AppError `bad-request` for parts that do not belong together or are not complete, `bad-file` for damaged ones, `would-overwrite`, `cannot-write` */
export async function mergeParts(
  { parts: files, target: { folder, name } }: MergeFiles,
  { force }: { readonly force: boolean },
  context: ReadingContext,
): Promise<MergeReport> {
  await refuseToReplace({ folder, name }, force)
  const parts = inOrder(files)
  const pieces = alignedOrder(parts.flatMap(piecesOf))
  const error = modelErrorOf(pieces, tiesOf(parts))
  const planned = joinedMetadata(parts, pieces, 0, ({ error, planned }) => error !== null || planned !== null)
  const metadata = joinedMetadata(parts, pieces, error, ({ error }) => error !== null)
  const entries = pieces.flatMap(({ planned, written }) => planned ?? written)
  planned.set(CHECKSUMS, toChecksums(entries.map(() => 0)))
  return whileHolding({ folder, name }, async () => {
    const output = await createSafetensors(folder, name, entries, planned, context.crc32)
    try {
      for (const { file, written, checksums } of pieces) {
        for (const [i, info] of written.entries())
          if ((await copyValues(file, info, output, context)) !== checksums[i]) throw damaged(file, info)
      }
      await output.complete(metadata)
      const bytes = await output.close()
      const tensors = pieces.reduce((sum, { sources }) => sum + sources, 0)
      return { output: name, parts: parts.length, tensors, bytes, relativeError: Number(metadata.get(ERROR)) }
    } catch (error) {
      await output.abort()
      throw error
    }
  })
}

function inOrder(files: readonly WeightFile[]): WeightFile[] {
  const first = files[0]?.metadata
  const numbered = files.map((file) => ({ file, part: partNumber(file) }))
  const of = numbered[0]?.part.of ?? 0
  for (const { file } of numbered) {
    for (const key of [RECIPE, SOURCE, VERSION, DEVICE]) {
      if (file.metadata.get(key) !== first?.get(key)) {
        throw new AppError('bad-request', say('merge.differ', { field: foreign(key) }))
      }
    }
  }
  const sorted = [...numbered].sort((a, b) => a.part.index - b.part.index)
  const found = sorted.map(({ part }) => part.index)
  if (found.length !== of || found.some((index, i) => index !== i + 1)) {
    throw new AppError('bad-request', say('merge.parts', { of, found }))
  }
  return sorted.map(({ file }) => file)
}

function digestOf({ metadata, shards }: WeightFile): string {
  const text = metadata.get(DIGEST) ?? ''
  if (isDigest(text)) return text
  throw badFile(`${shards[0]?.fileName ?? 'A part'}: ${DIGEST}`, 'hexadecimal digits', 'something else')
}

function damaged({ shards }: WeightFile, { name }: TensorInfo): AppError {
  const part = shards[0]?.fileName ?? 'A part'
  return new AppError('bad-file', say('merge.changed', { part: fileName(part), name: foreign(name) }))
}

function partNumber(file: WeightFile): Part {
  const text = file.metadata.get(PART)
  if (!text) throw new AppError('bad-request', say('merge.no-part', { name: fileName(file.shards[0]?.fileName ?? '') }))
  return parsePart(text)
}

/** A tensor of the run with what its part holds of it. */
interface Piece extends PartTensor {
  readonly file: WeightFile
  readonly written: readonly TensorInfo[]
  /** CRC-32 of each. */
  readonly checksums: readonly number[]
}

function piecesOf(file: WeightFile): Piece[] {
  const checksums = fromChecksums(file.metadata.get(CHECKSUMS) ?? '')
  let at = 0
  return partTensors(file).map((tensor) => {
    const start = at
    at += tensor.entries
    return { ...tensor, file, written: file.tensors.slice(start, at), checksums: checksums.slice(start, at) }
  })
}

/** Names of tensors with that of the one whose storage they share. */
function tiesOf(parts: readonly WeightFile[]): Map<string, string> {
  return new Map(parts.flatMap((part) => [...tiesOfPart(part)]))
}

function tiesOfPart({ metadata, shards }: WeightFile): Map<string, string> {
  const found = namedTexts(metadata.get(TIES) ?? '{}')
  if (found) return found
  throw badFile(`${shards[0]?.fileName ?? 'A part'}: ${TIES}`, 'names by names', 'something else')
}

/** As one run reckons it, in the order of its file: every matrix, each storage once; what was kept counts 0. */
function modelErrorOf(pieces: readonly Piece[], ties: ReadonlyMap<string, string>): number {
  const seen = new Set<string>()
  const first = pieces.filter(({ name }) => {
    const storage = ties.get(name) ?? name
    return !seen.has(storage) && seen.add(storage)
  })
  return modelError(
    first
      .filter(({ elements }) => elements > 0)
      .map(({ elements, error }) => ({ entries: elements, error: error ?? 0 })),
  )
}

/** The header's fields as one run writes them, with the errors of the tensors that are `listed`. */
function joinedMetadata(
  parts: readonly WeightFile[],
  pieces: readonly Piece[],
  error: number,
  listed: (piece: Piece) => boolean,
): Map<string, string> {
  const metadata = new Map(parts[0]!.metadata)
  removePartFields(metadata)
  metadata.set(ERROR, fixedWidth(error))
  metadata.set(ERRORS, errorsText(pieces.filter(listed).map(({ name, error }) => [name, error ?? 0])))
  metadata.set(CHECKSUMS, toChecksums(pieces.flatMap(({ checksums }) => checksums)))
  metadata.set(DIGEST, joinedDigest(parts.map(digestOf)))
  if (metadata.has(TIES)) {
    const ties = tiesOf(parts)
    const inOrder = pieces.flatMap(({ name }) => (ties.has(name) ? [[name, ties.get(name)]] : []))
    metadata.set(TIES, JSON.stringify(Object.fromEntries(inOrder)))
  }
  return metadata
}
