/** A piece of the mutants of a format, in a process of its own: what it found, in lines of JSON. */
import { type Mutants, mutantsOf } from './mutant.ts'

export type Said =
  /** So far it has come. */
  | { readonly at: number }
  | { readonly fault: { readonly index: number; readonly what: string } }
  | {
      /** The first one that was not looked at. */
      readonly end: number
      readonly opened: number
      readonly slowest: { readonly ms: number; readonly index: number }
      /** Beyond what the process had before the first one. */
      readonly mostBytes: number
      readonly cpuMs: number
    }

/** The first ones compile the reader: their time is not its. */
const compiling = 500

/** Mutants [from, to), or as many of them as so much computing is enough for. */
export async function runPiece(format: string, seed: number, from: number, to: number, mostMs: number): Promise<void> {
  const say = (line: Said) => process.stdout.write(`${JSON.stringify(line)}\n`)
  const mutants = await mutantsOf(format, seed)
  const before = process.resourceUsage().maxRSS
  const started = process.cpuUsage()
  // Refusals are thrown by the thousand, and most of what throwing costs is the stack, which nobody reads.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  let opened = 0
  let slowest = { ms: 0, index: from }
  let index = from
  for (; index < to; index++) {
    const start = performance.now()
    try {
      if (await mutants.read(index)) opened++
    } catch {
      Error.stackTraceLimit = stackTraceLimit
      say({ fault: { index, what: await faultOf(mutants, index) } })
      Error.stackTraceLimit = 0
    }
    // Looked at again where the clock says so: that may have been another process's turn.
    if (performance.now() - start > slowest.ms && index - from >= compiling) {
      const ms = await processorMs(mutants, index)
      if (ms > slowest.ms) slowest = { ms, index }
    }
    if (index % 200 === 0) {
      say({ at: index })
      if (spentMs(started) > mostMs) break
    }
  }
  const mostBytes = (process.resourceUsage().maxRSS - before) * 1024
  say({ end: Math.min(index + 1, to), opened, slowest, mostBytes, cpuMs: spentMs(started) })
}

/** With its stack: it was thrown without one. */
async function faultOf(mutants: Mutants, index: number): Promise<string> {
  try {
    await mutants.read(index)
    return 'a fault the first time, and none the second'
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error)
  }
}

async function processorMs(mutants: Mutants, index: number): Promise<number> {
  const before = process.cpuUsage()
  await mutants.read(index).catch(() => {})
  return spentMs(before)
}

function spentMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}
