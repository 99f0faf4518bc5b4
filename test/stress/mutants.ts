/**
 * Damaged files by the million, of weights and of what else is read from others: `npm run -s stress:mutants -- [--format NAME] [--count 1000000] [--seed 1] [--only INDEX]`. Every mutant
 * opens and reads, or is refused in one sentence (test/core/formats/damage.ts); anything else is printed and ends with status 1.
 *
 * Mutant number i of a format depends on the seed and i alone, so `--only i` makes it again. All of it happens in memory. Formats take turns by pieces of
 * --seconds of computing, each in a process of its own, whose memory is measured; one that computes for a minute without a word is ended and counts as a
 * fault. What was reached is kept in the folder of --state, and the same command resumes there. No piece begins while there is a file --pause.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeWhole } from '../../main/files/write-whole.ts'
import { runPiece, type Said } from './mutants/piece.ts'
import { readers } from './mutants/readers.ts'

const { values: flags } = parseArgs({
  options: {
    format: { type: 'string' },
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    state: { type: 'string', default: join(tmpdir(), 'ghostsvd-mutants') },
    seconds: { type: 'string', default: '50' },
    pause: { type: 'string' },
    piece: { type: 'string' },
  },
})
const seed = Number(flags.seed)
const silenceMs = 60_000

interface Reached {
  readonly done: number
  readonly opened: number
  readonly slowest: { readonly ms: number; readonly index: number }
  /** Of a process that read a whole piece, beyond what it had before the first mutant. */
  readonly mostBytes: number
  /** What all pieces together have computed. */
  readonly cpuMs: number
  readonly faults: readonly { readonly index: number; readonly what: string }[]
}

const none: Reached = { done: 0, opened: 0, slowest: { ms: 0, index: 0 }, mostBytes: 0, cpuMs: 0, faults: [] }
let child: ChildProcess | undefined

/** What a process has computed; 0 where the system has no /proc, or it has ended. */
function processorMs(pid: number): number {
  try {
    const [, fields] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))!
    const [user, system] = fields!.split(' ').slice(11, 13).map(Number)
    return 10 * (user! + system!)
  } catch {
    return 0
  }
}

/** Runs a piece in a process of its own and adds what it found. */
async function piece(format: string, from: number, to: number, reached: Reached): Promise<Reached> {
  const own = fileURLToPath(import.meta.url)
  const piece = ['--seconds', flags.seconds, '--piece', `${from}:${to}`]
  child = spawn(process.execPath, [own, '--format', format, '--seed', flags.seed, ...piece], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let { opened, slowest, mostBytes, cpuMs } = reached
  const faults = [...reached.faults]
  let at = from
  let end: number | null = null
  // By its own clock: on a busy machine it may say nothing for minutes because it gets no turn.
  let [heardAt, silence] = [0, setTimeout(listen, silenceMs)]
  function listen(): void {
    const used = processorMs(child!.pid!)
    if (used - heardAt > silenceMs) child!.kill('SIGKILL')
    silence = setTimeout(listen, silenceMs)
  }
  let rest = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    heardAt = processorMs(child!.pid!)
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const said = JSON.parse(line) as Said
      if ('at' in said) at = said.at
      else if ('fault' in said) faults.push(said.fault)
      else {
        end = said.end
        opened += said.opened
        if (said.slowest.ms > slowest.ms) slowest = said.slowest
        mostBytes = Math.max(mostBytes, said.mostBytes)
        cpuMs += said.cpuMs
      }
    }
  })
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-600)
  })
  const status = await new Promise((resolve) => child!.on('close', (code, signal) => resolve(signal ?? code)))
  clearTimeout(silence)
  if (end === null) faults.push({ index: at, what: `the process ended by ${status} within 200 of it: ${complaint}` })
  // What ended it is passed over.
  return { done: end ?? Math.min(to, at + 200), opened, slowest, mostBytes, cpuMs, faults }
}

const title = (format: string, { done, opened, slowest, mostBytes, cpuMs, faults }: Reached) =>
  `${format}: ${done} mutants of seed ${seed}, ${opened} opened, ${((1000 * done) / cpuMs).toFixed(0)} a second, slowest ${slowest.ms.toFixed(0)} ms (${slowest.index}), ${(mostBytes / 1e6).toFixed(0)} MB, ${faults.length} faults`

async function all(formats: readonly string[], count: number): Promise<void> {
  mkdirSync(flags.state, { recursive: true })
  const path = (format: string) => join(flags.state, `${format.replaceAll(' ', '-')}-${seed}.json`)
  const read = (format: string): Reached => {
    try {
      return JSON.parse(readFileSync(path(format), 'utf8'))
    } catch {
      return none
    }
  }
  const states = new Map(formats.map((format) => [format, read(format)]))
  while ([...states.values()].some(({ done }) => done < count))
    for (const [format, reached] of states) {
      if (reached.done >= count) continue
      while (flags.pause !== undefined && existsSync(flags.pause)) await wait(1000)
      const next = await piece(format, reached.done, count, reached)
      for (const { index, what } of next.faults.slice(reached.faults.length)) console.log(`${format} ${index}: ${what}`)
      states.set(format, next)
      await writeWhole(path(format), JSON.stringify(next))
    }
  for (const [format, reached] of states) console.log(title(format, reached))
  if ([...states.values()].some(({ faults }) => faults.length > 0)) process.exitCode = 1
}

const formats = flags.format === undefined ? Object.keys(readers) : flags.format.split(',')
for (const format of formats)
  if (!Object.hasOwn(readers, format)) throw new Error(`${format} is none of: ${Object.keys(readers).join(', ')}`)
if (flags.piece !== undefined) {
  const [from, to] = flags.piece.split(':').map(Number)
  await runPiece(formats[0]!, seed, from!, to!, 1000 * Number(flags.seconds))
} else if (flags.only !== undefined) await runPiece(formats[0]!, seed, Number(flags.only), Number(flags.only) + 1, 1e9)
else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      child?.kill('SIGKILL')
      process.exit(1)
    })
  await all(formats, Number(flags.count))
}
