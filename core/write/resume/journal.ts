/**
 * What a run has finished, beside its output: a line for each tensor, over all files of the run in order. Lines are written after the tensors
 * they describe would survive a power cut, and an interrupted run resumes after the last whole line. Each ends with its own CRC-32: one
 * that does not fit ends the journal. The journal is never given a name of its own; it lives as a partial file and goes with the run.
 */

import { z } from 'zod'
import { type TensorOutcome, tensorOutcomeSchema } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import { crc32 } from '../../formats/archives/crc32.ts'
import type { ByteSink, OutputFolder } from '../../io.ts'
import { usesDevice } from '../../kernels/gpu/adapter.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { type Foreign, fileName, foreign } from '../../messages/text.ts'
import { toChecksums } from '../bits.ts'

/** Raised whenever what stands in a journal changes its shape. */
const VERSION = 3

const lineSchema = z.strictObject({
  outcome: tensorOutcomeSchema,
  end: z.number().int(),
  sourceCrc: z.number().int().nullable(),
  checksums: z.array(z.number().int()),
  arithmetic: z.string(),
})

export interface JournalLine {
  readonly outcome: TensorOutcome
  /** Length of its file after this tensor. */
  readonly end: number
  /** CRC-32 of the source's values; null where the output leaves them out. */
  readonly sourceCrc: number | null
  /** CRC-32 of each written entry. */
  readonly checksums: readonly number[]
  /** The class of whatever computed it. */
  readonly arithmetic: string
}

/** What tells a run from any other that could have left something under the same name. */
export interface RunIdentity {
  readonly sourceHash: string
  readonly recipe: string
  readonly part: string
  readonly version: string
  /** Fused or unfused, and for products of a GPU its name and driver: results differ in the last bit. */
  readonly arithmetic: string
  /** SHA-256 of the files with everything that will stand in them. */
  readonly layout: string
}

/** What every version's head begins with. */
const numberSchema = z.looseObject({ journal: z.number() })

const headSchema = z.strictObject({
  journal: z.literal(VERSION),
  sourceHash: z.string(),
  recipe: z.string(),
  part: z.string(),
  version: z.string(),
  arithmetic: z.string(),
  layout: z.string(),
})

/** Beside which output it lies. */
interface JournalPlace {
  readonly folder: OutputFolder
  readonly name: string
}

const NEWLINE = 10
const BRACE = 123
/** A line has 430 to 650 bytes, by the length of its tensor's name and reason; what exceeds the space that was taken is appended. */
const LINE_BYTES = 800

export interface Journal {
  /** What is finished and safe. */
  readonly finished: readonly JournalLine[]
  /** Whether an earlier run had written more of it than could be read. */
  readonly damaged: boolean
  /** Returns when the lines would survive a power cut. What they describe was synced before. */
  save(lines: readonly JournalLine[]): Promise<void>
  /** Drops all lines from `count` on: what they describe is missing. */
  forget(count: number): Promise<void>
  /** Leaves it for the next run. */
  suspend(): Promise<void>
  remove(): Promise<void>
}

export function journalName(output: string): string {
  return `${output}.journal`
}

/**
 * Whether these bytes are a journal, whatever of it was damaged: one whole line is proof, since no other file ends its lines with their CRC-32.
 * Looks at the beginning; a journal of which not one of the first thousand lines is whole is none that helps.
 */
export function isJournal(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(0, 1000 * LINE_BYTES))
  return text.split('\n', 1000).some((line) => {
    const end = line.lastIndexOf(' ')
    return line.startsWith('{') && end > 0 && checksumOf(line.slice(0, end)) === line.slice(end + 1)
  })
}

/** Of how many finished tensors the journal that these bytes are speaks. Cheap: lines are counted, not read. */
export function countFinished(journal: Uint8Array): number {
  let count = -1
  // The head is no tensor; space that was taken for lines to come begins with no brace, a line that was cut short has no end.
  for (let at = 0; journal[at] === BRACE; count++) {
    const end = journal.indexOf(NEWLINE, at)
    if (end < 0) break
    at = end + 1
  }
  return Math.max(0, count)
}

/**
 * Takes its space at once, with empty lines: when the disk is full in the middle of a run, what is finished can still be noted.
 * `outputBytes` have to fit beside it.
 * @throws AppError `cannot-write` in the name of the output
 */
export async function newJournal(
  { folder, name }: JournalPlace,
  identity: RunIdentity,
  expected: { readonly tensors: number; readonly outputBytes: number },
): Promise<Journal> {
  const head = encoded({ journal: VERSION, ...identity })
  const byteLength = head.byteLength + expected.tensors * LINE_BYTES
  try {
    const sink = await folder.create(journalName(name), byteLength + expected.outputBytes)
    try {
      await sink.write(head)
      await sink.write(emptyLines(byteLength - head.byteLength))
      return journalOn(sink, [], head.byteLength, false)
    } catch (error) {
      await sink.abort()
      throw error
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, inNameOf(error.said, name), error.details)
  }
}

/** What is wrong with a journal is said of the output, which is what its user knows. */
function inNameOf(said: readonly Message[], name: string): Message[] {
  const journal = fileName(journalName(name))
  return said.map((each) =>
    each.values.name === journal ? { ...each, values: { ...each.values, name: fileName(name) } } : each,
  )
}

/**
 * What an earlier run left of its journal: one to resume, how that run differed, or that it cannot be read; null where there is none.
 * @throws AppError `bad-request` where one of the two has its products from a GPU and the other not from the same: what took hours is not thrown away for that
 */
export async function earlierJournal(
  { folder, name }: JournalPlace,
  identity: RunIdentity,
): Promise<Journal | keyof RunIdentity | 'damaged' | null> {
  const sink = await folder.resume(journalName(name), 0)
  if (!sink) return null
  const { head, foreign: ofAnother, lines, byteLength, damaged } = parse(await sink.read(0, sink.byteLength))
  if (head && head.arithmetic !== identity.arithmetic && [head, identity].some((each) => usesDevice(each.arithmetic))) {
    await sink.suspend()
    const [before, now] = [head, identity].map((each) => foreign(each.arithmetic)) as [Foreign, Foreign]
    throw new AppError('bad-request', say('run.other-device', { name: fileName(name), before, now }))
  }
  const differs = head && (Object.keys(identity) as (keyof RunIdentity)[]).find((key) => head[key] !== identity[key])
  if (!head || differs) {
    await sink.abort()
    return differs ?? (ofAnother ? 'version' : 'damaged')
  }
  // What was cut short goes, the space stays.
  await sink.overwrite(byteLength, emptyLines(sink.byteLength - byteLength))
  return journalOn(sink, lines, byteLength, damaged)
}

/** Whether an earlier run left one. */
export async function hasJournal({ folder, name }: JournalPlace): Promise<boolean> {
  const sink = await folder.resume(journalName(name), 0)
  await sink?.suspend()
  return sink !== null
}

/** @param start where the lines to come go */
function journalOn(sink: ByteSink, left: readonly JournalLine[], start: number, damaged: boolean): Journal {
  const finished = [...left]
  let safeLength = start
  return {
    finished,
    damaged,
    save: async (lines) => {
      if (lines.length === 0) return
      const text = concat(lines.map(encoded))
      const reserved = Math.min(text.byteLength, sink.byteLength - safeLength)
      await sink.overwrite(safeLength, text.subarray(0, reserved))
      if (reserved < text.byteLength) await sink.write(text.subarray(reserved))
      await sink.sync()
      safeLength += text.byteLength
      for (const line of lines) finished.push(line)
    },
    forget: async (count) => {
      const dropped = byteLengthOf(finished.splice(count).map(encoded))
      safeLength -= dropped
      await sink.overwrite(safeLength, emptyLines(dropped))
    },
    suspend: () => sink.suspend(),
    remove: () => sink.abort(),
  }
}

function emptyLines(byteLength: number): Uint8Array {
  return new Uint8Array(byteLength).fill(NEWLINE)
}

/** The value, a space, and the CRC-32 of what stands before it. */
function encoded(value: unknown): Uint8Array {
  const text = JSON.stringify(value)
  return new TextEncoder().encode(`${text} ${checksumOf(text)}\n`)
}

function checksumOf(text: string): string {
  return toChecksums([crc32(new TextEncoder().encode(text))])
}

function byteLengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(byteLengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

interface Parsed {
  readonly head: RunIdentity | null
  /** Whether it was written in the form of another version: what follows its number is not for this one to read. */
  readonly foreign: boolean
  readonly lines: JournalLine[]
  readonly byteLength: number
  /** Whether whole lines follow the one that ended it: what is cut short by a crash has none after it. */
  readonly damaged: boolean
}

/** The head and the whole lines after it, up to the first that was cut short or is not what was written. */
function parse(bytes: Uint8Array): Parsed {
  const lines: JournalLine[] = []
  let head: RunIdentity | null = null
  let foreign = false
  let at = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
    const text = new TextDecoder().decode(bytes.subarray(at, end))
    if (!head) {
      foreign = (parseLine(numberSchema, text)?.journal ?? VERSION) !== VERSION
      head = foreign ? null : parseLine(headSchema, text)
      if (!head) break
    } else {
      const line = parseLine(lineSchema, text)
      if (!line) break
      lines.push(line as JournalLine)
    }
    at = end + 1
  }
  const rest = new TextDecoder().decode(bytes.subarray(at)).split('\n').slice(1)
  return { head, foreign, lines, byteLength: at, damaged: rest.some((text) => text !== '') }
}

function parseLine<T>(schema: z.ZodType<T>, text: string): T | null {
  const end = text.lastIndexOf(' ')
  if (checksumOf(text.slice(0, end)) !== text.slice(end + 1)) return null
  try {
    return schema.parse(JSON.parse(text.slice(0, end)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
