/**
 * What a run has finished, beside its output: a line for each tensor, over all files of the run in order. Lines are written after the tensors
 * they speak of would survive a power cut, and a run that was cut short goes on after the last whole line. The journal is never given a name
 * of its own; it lives as a partial file and goes with the run.
 */
import { z } from 'zod'
import { type TensorOutcome, tensorOutcomeSchema } from '../contract.ts'
import type { ByteSink, OutputFolder } from '../io.ts'

const lineSchema = z.strictObject({
  outcome: tensorOutcomeSchema,
  end: z.number().int(),
  checksums: z.array(z.number().int()),
})

export interface JournalLine {
  readonly outcome: TensorOutcome
  /** Length of its file after this tensor. */
  readonly end: number
  /** Of each written entry, where the file's format wants them at its end. */
  readonly checksums: readonly number[]
}

/** What tells a run from any other that could have left something under the same name. */
export interface RunIdentity {
  readonly source: string
  readonly recipe: string
  readonly part: string
  readonly version: string
  /** Fused or unfused: results differ in the last bit. */
  readonly arithmetic: string
  /** SHA-256 of the files with everything that will stand in them. */
  readonly layout: string
}

const headSchema = z.strictObject({
  journal: z.literal(1),
  source: z.string(),
  recipe: z.string(),
  part: z.string(),
  version: z.string(),
  arithmetic: z.string(),
  layout: z.string(),
})

export interface Journal {
  /** What is finished and safe. */
  readonly finished: readonly JournalLine[]
  /** Returns when the lines would survive a power cut. What they speak of has been synced before. The first ones make the file. */
  save(lines: readonly JournalLine[]): Promise<void>
  /** Drops all lines from `count` on: what they speak of is not there. */
  forget(count: number): Promise<void>
  /** Leaves it for the next run. */
  suspend(): Promise<void>
  remove(): Promise<void>
}

export function journalName(output: string): string {
  return `${output}.journal`
}

/** A journal that is not there until its first line is. */
export function newJournal(folder: OutputFolder, output: string, identity: RunIdentity): Journal {
  return journalOn(null, [], encoded({ journal: 1, ...identity }), (byteLength) =>
    folder.create(journalName(output), byteLength),
  )
}

/** What an earlier run left of its journal: one to go on with, or in what that run differed; null where there is none that can be read. */
export async function earlierJournal(
  folder: OutputFolder,
  output: string,
  identity: RunIdentity,
): Promise<Journal | keyof RunIdentity | null> {
  const sink = await folder.resume(journalName(output), 0)
  if (!sink) return null
  const { head, lines, byteLength } = parse(await sink.read(0, sink.byteLength))
  const differs = head && (Object.keys(identity) as (keyof RunIdentity)[]).find((key) => head[key] !== identity[key])
  if (!head || differs) {
    await sink.abort()
    return differs ?? null
  }
  await sink.truncate(byteLength)
  return journalOn(sink, lines, encoded({ journal: 1, ...identity }), () => Promise.resolve(sink))
}

function journalOn(
  opened: ByteSink | null,
  left: readonly JournalLine[],
  head: Uint8Array,
  create: (byteLength: number) => Promise<ByteSink>,
): Journal {
  let sink = opened
  const finished = [...left]
  /** Of the head and the finished lines: beyond it may lie what could not be written whole. */
  let safeLength = opened?.byteLength ?? 0
  return {
    finished,
    save: async (lines) => {
      if (lines.length === 0) return
      const text = joined(safeLength === 0 ? [head, ...lines.map(encoded)] : lines.map(encoded))
      sink ??= await create(text.byteLength)
      if (sink.byteLength > safeLength) await sink.truncate(safeLength)
      await sink.write(text)
      await sink.sync()
      safeLength = sink.byteLength
      finished.push(...lines)
    },
    forget: async (count) => {
      const dropped = finished.splice(count).map(encoded)
      safeLength -= byteLengthOf(dropped)
      await sink?.truncate(safeLength)
    },
    suspend: async () => sink?.suspend(),
    remove: async () => sink?.abort(),
  }
}

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`)
}

function byteLengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(byteLengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/** The head and the whole lines after it, up to the first that was cut short or does not parse. */
function parse(bytes: Uint8Array): { head: RunIdentity | null; lines: JournalLine[]; byteLength: number } {
  const lines: JournalLine[] = []
  let head: RunIdentity | null = null
  let at = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    const text = new TextDecoder().decode(bytes.subarray(at, end))
    if (!head) {
      head = parsed(headSchema, text)
      if (!head) break
    } else {
      const line = parsed(lineSchema, text)
      if (!line) break
      lines.push(line as JournalLine)
    }
    at = end + 1
  }
  return { head, lines, byteLength: at }
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
