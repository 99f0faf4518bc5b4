/**
 * What a run has finished, beside its output: one line a tensor, each flushed to the disk after the tensor itself was. A run that was cut
 * short goes on after the last whole line. The journal is never given a name of its own; it lives as a partial file and goes with the run.
 */
import { z } from 'zod'
import { type TensorOutcome, tensorOutcomeSchema } from '../contract.ts'
import type { ByteSink, OutputFolder } from '../io.ts'

const lineSchema = z.strictObject({ outcome: tensorOutcomeSchema, end: z.number().int() })

export interface JournalLine {
  readonly outcome: TensorOutcome
  /** Length of the output after this tensor. */
  readonly end: number
}

export interface Journal {
  /** What is finished, in order: at first what an earlier run left, then also what was recorded. */
  readonly finished: readonly JournalLine[]
  /** Forgets what was finished: the output it speaks of is not there. */
  restart(): Promise<void>
  record(line: JournalLine): Promise<void>
  /** Leaves it for the next run. */
  suspend(): Promise<void>
  remove(): Promise<void>
}

export function journalName(output: string): string {
  return `${output}.journal`
}

/** `key` tells this run (source, recipe, layout) from any other: the journal of another one is replaced. */
export async function openJournal(folder: OutputFolder, output: string, key: string): Promise<Journal> {
  const name = journalName(output)
  const head = encoded({ journal: 1, key })
  const left = await folder.resume(name)
  let sink: ByteSink
  let finished: JournalLine[] = []
  if (left && sameStart(await left.read(0, left.byteLength), head)) {
    sink = left
    const { lines, byteLength } = parse(await left.read(0, left.byteLength), head.byteLength)
    finished = lines
    await sink.truncate(byteLength)
  } else {
    await left?.abort()
    sink = await folder.create(name, head.byteLength)
    await sink.write(head)
  }
  return {
    get finished() {
      return finished
    },
    restart: async () => {
      finished = []
      await sink.truncate(head.byteLength)
    },
    record: async (line) => {
      await sink.write(encoded(line))
      await sink.sync()
      finished.push(line)
    },
    suspend: () => sink.suspend(),
    remove: () => sink.abort(),
  }
}

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`)
}

function sameStart(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.byteLength >= head.byteLength && head.every((byte, i) => bytes[i] === byte)
}

/** Whole lines from `start` on, up to the first that was cut short or does not parse. */
function parse(bytes: Uint8Array, start: number): { lines: JournalLine[]; byteLength: number } {
  const lines: JournalLine[] = []
  let at = start
  for (let end = bytes.indexOf(10, at); end >= 0; end = bytes.indexOf(10, at)) {
    const line = parseLine(new TextDecoder().decode(bytes.subarray(at, end)))
    if (!line) break
    lines.push(line)
    at = end + 1
  }
  return { lines, byteLength: at }
}

function parseLine(text: string): JournalLine | null {
  try {
    const { outcome, end } = lineSchema.parse(JSON.parse(text))
    return { outcome: outcome as TensorOutcome, end }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}
