/**
 * Damaged weight files by the million: `npm run -s stress:mutants -- [--format NAME] [--count 1000000] [--seed 1] [--only INDEX]`. Every mutant
 * opens and reads, or is refused in one sentence (test/core/formats/damage.ts); anything else is printed and ends with status 1.
 *
 * Mutant number i of a format depends on the seed and i alone, so `--only i` makes it again. Formats take turns by pieces of 20,000, each in a
 * process of its own, whose memory is measured; one that computes for a minute without a word is ended and counts as a fault. What was reached is kept
 * in the folder of --state, and the same command resumes there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openZip } from '../../core/formats/archives/zip.ts'
import { memorySource } from '../../core/io.ts'
import { writeWhole } from '../../main/files/write-whole.ts'
import { type MemberSpec, zip } from '../core/formats/archives/archives.ts'
import { openFolder } from '../core/formats/corpus.ts'
import { contents, damage, type Edit } from '../core/formats/damage.ts'
import { type Seed, seeds } from '../core/formats/seeds.ts'
import { drawer } from './draw.ts'

const { values: flags } = parseArgs({
  options: {
    format: { type: 'string' },
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    state: { type: 'string', default: join(tmpdir(), 'ghostsvd-mutants') },
    piece: { type: 'string' },
  },
})
const seed = Number(flags.seed)
const perPiece = 20_000
const silenceMs = 60_000

interface Reached {
  readonly done: number
  readonly opened: number
  readonly slowest: { readonly ms: number; readonly index: number }
  /** Of a process that read a whole piece, beyond what it had before the first mutant. */
  readonly mostBytes: number
  readonly faults: readonly { readonly index: number; readonly what: string }[]
}

/** A seed, and the members of its file where that is an archive: behind a checksum damage would never reach a reader. */
interface Parts extends Seed {
  readonly members: readonly MemberSpec[]
}

async function partsOf(each: Seed): Promise<Parts> {
  const bytes = each.files[each.name]!
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return { ...each, members: [] }
  // torch's own archives in parts are none that stand for themselves.
  const archive = await openZip(memorySource(each.name, bytes)).catch(() => null)
  if (!archive) return { ...each, members: [] }
  const members: MemberSpec[] = []
  for (const member of archive.members.values()) {
    const source = await archive.open(member)
    members.push({ name: member.name, data: await source.slice(0, source.byteLength) })
  }
  return { ...each, members }
}

function mutant(parts: readonly Parts[], index: number): { name: string; files: Record<string, Uint8Array> } {
  const draw = drawer(seed, index)
  const nat = (below: number) => Math.floor(draw() * below)
  const { name, files, members } = parts[nat(parts.length)]!
  const edits: Edit[] = Array.from({ length: 1 + nat(6) }, () => ({
    at: draw(),
    length: nat(41),
    kind: nat(8),
    value: nat(256),
  }))
  if (members.length === 0 || index % 2 === 0)
    return { name, files: { ...files, [name]: edits.reduce(damage, files[name]!) } }
  const chosen = nat(members.length)
  const changed = members.map((member, i) =>
    i === chosen ? { ...member, data: edits.reduce(damage, member.data) } : member,
  )
  return { name, files: { ...files, [name]: zip(changed) } }
}

/** In the child: mutants [from, to) of one format, a line of JSON each thousand and one for each fault. */
async function runPiece(format: string, from: number, to: number): Promise<void> {
  const parts = await Promise.all(seeds[format]!.map(partsOf))
  for (const { name, files } of parts) await contents(() => openFolder(files, name), 1e9)
  const before = process.resourceUsage().maxRSS
  let opened = 0
  let slowest = { ms: 0, index: from }
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
  for (let index = from; index < to; index++) {
    const { name, files } = mutant(parts, index)
    const cpu = process.cpuUsage()
    try {
      if ((await contents(() => openFolder(files, name), files[name]!.byteLength)) !== null) opened++
    } catch (error) {
      say({
        fault: { index, what: error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : `${error}` },
      })
    }
    const { user, system } = process.cpuUsage(cpu)
    const ms = (user + system) / 1000
    // The first ones compile the reader.
    if (ms > slowest.ms && index - from >= 50) slowest = { ms, index }
    if (index % 200 === 0) say({ at: index })
  }
  say({ opened, slowest, mostBytes: (process.resourceUsage().maxRSS - before) * 1024 })
}

const none: Reached = { done: 0, opened: 0, slowest: { ms: 0, index: 0 }, mostBytes: 0, faults: [] }
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
  child = spawn(process.execPath, [own, '--format', format, '--seed', flags.seed, '--piece', `${from}:${to}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let { opened, slowest, mostBytes } = reached
  const faults = [...reached.faults]
  let at = from
  let ended = false
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
      const said = JSON.parse(line)
      if (said.at !== undefined) at = said.at
      else if (said.fault) faults.push(said.fault)
      else {
        ended = true
        opened += said.opened
        if (said.slowest.ms > slowest.ms) slowest = said.slowest
        mostBytes = Math.max(mostBytes, said.mostBytes)
      }
    }
  })
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-600)
  })
  const status = await new Promise((resolve) => child!.on('close', (code, signal) => resolve(signal ?? code)))
  clearTimeout(silence)
  if (!ended) faults.push({ index: at, what: `the process ended by ${status} within 200 of it: ${complaint}` })
  // What ended it is passed over.
  return { done: ended ? to : Math.min(to, at + 200), opened, slowest, mostBytes, faults }
}

const title = (format: string, { done, opened, slowest, mostBytes, faults }: Reached) =>
  `${format}: ${done} mutants, ${opened} opened, slowest ${slowest.ms.toFixed(0)} ms (${slowest.index}), ${(mostBytes / 1e6).toFixed(0)} MB, ${faults.length} faults`

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
      const next = await piece(format, reached.done, Math.min(count, reached.done + perPiece), reached)
      for (const { index, what } of next.faults.slice(reached.faults.length)) console.log(`${format} ${index}: ${what}`)
      states.set(format, next)
      await writeWhole(path(format), JSON.stringify(next))
    }
  for (const [format, reached] of states) console.log(title(format, reached))
  if ([...states.values()].some(({ faults }) => faults.length > 0)) process.exitCode = 1
}

const formats = flags.format === undefined ? Object.keys(seeds) : flags.format.split(',')
for (const format of formats)
  if (!Object.hasOwn(seeds, format)) throw new Error(`${format} is none of: ${Object.keys(seeds).join(', ')}`)
if (flags.piece !== undefined) {
  const [from, to] = flags.piece.split(':').map(Number)
  await runPiece(formats[0]!, from!, to!)
} else if (flags.only !== undefined) await runPiece(formats[0]!, Number(flags.only), Number(flags.only) + 1)
else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      child?.kill('SIGKILL')
      process.exit(1)
    })
  await all(formats, Number(flags.count))
}
