/**
 * Runs that are killed and resumed, by the built command line: `npm run build && npm run -s stress:resume -- [rounds]`.
 *
 * Kills with SIGKILL, at random moments, the engine, the command line, or both, and every other time the run that goes on as well. Then
 * `--resume` (a resize, which has none: the same again) has to give the bytes of an uninterrupted run, leave nothing beside them, and not have touched
 * the source. Takes turns at the kinds of output, extractions and a resize among them; parts are merged at the end. `-- 10 extract` takes the kinds whose
 * names begin so. Ends with status 1 at the first thing out of order. Linux only: it finds the engine in /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { decodeFloat32, encode } from '../../core/formats/dtype.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { safetensorsHeader } from '../../core/formats/safetensors.ts'
import type { ComputableDType } from '../../core/tensor.ts'
import { pickSource } from '../../main/files/files.ts'

const rounds = Number(process.argv[2] ?? 10)
const chosen = process.argv[3] ?? ''
const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-resume-'))
const outputs = join(folder, 'out')
mkdirSync(outputs)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const environment = { ...process.env, GHOSTSVD_CONFIG: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') }

const single = join(folder, 'model.safetensors')
const shards = join(folder, 'shards')
/** No projection tiers: a finished sketch on disk would make the second run too short to hit. */
const common = ['--rank', '32', '--method', 'randomized', '--n-iter', '12', '--no-projection-tiers', '--threads', '1']
const base = join(folder, 'base.safetensors')
const tuned = join(folder, 'tuned.safetensors')
const adapter = join(folder, 'adapter')
const compress = (source: string, ...flags: string[]) => ['compress', source, ...common, ...flags]
const extract = (...flags: string[]) => ['extract', base, tuned, ...common, ...flags]
const allKinds: Record<string, readonly string[]> = {
  factors: compress(single),
  shards: compress(shards, '--output', 'dense'),
  aguf: compress(single, '--output', 'aguf'),
  npz: compress(single, '--output', 'npz'),
  part: compress(single, '--part', '1/2'),
  'extract to a folder': extract('--to', 'peft'),
  'extract to a file': extract('--to', 'comfy'),
  'extract part 1': extract('--to', 'comfy', '--part', '1/2'),
  'extract part 2': extract('--to', 'comfy', '--part', '2/2'),
  resize: ['resize', adapter, '--rank', '8'],
}
const kinds = Object.fromEntries(Object.entries(allKinds).filter(([kind]) => kind.startsWith(chosen)))
const victims = ['engine', 'command line', 'both'] as const

interface Started {
  readonly child: ChildProcess
  readonly end: Promise<{ status: number | null; stdout: string; stderr: string }>
}

function ghostsvd(...args: string[]): Started {
  const child = spawn(process.execPath, [cli, ...args, '--json'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece
    })
  const end = new Promise<Awaited<Started['end']>>((resolve) =>
    child.on('close', (status) => resolve({ status, ...text })),
  )
  return { child, end }
}

const begin = (kind: string, out: string) => ghostsvd(...kinds[kind]!, '--out', out)
const resume = (kind: string, out: string) =>
  ghostsvd(...kinds[kind]!, '--out', out, ...(kind === 'resize' ? [] : ['--resume']))

async function succeeds({ end }: Started): Promise<string> {
  const { status, stdout, stderr } = await end
  if (status !== 0) fail(`status ${status}: ${stderr}`)
  return stdout
}

/** The sample's tensors over three files, as large models come. */
async function makeShards(): Promise<void> {
  const file = await openWeightFile(await pickSource(single, 'file'))
  mkdirSync(shards)
  for (let shard = 0; shard < 3; shard++) {
    const mine = file.tensors.filter((_, i) => i % 3 === shard)
    const values: Uint8Array[] = []
    for (const tensor of mine) values.push(await file.read(tensor))
    const name = `model-0000${shard + 1}-of-00003.safetensors`
    writeFileSync(join(shards, name), Buffer.concat([safetensorsHeader(mine, file.metadata), ...values]))
  }
  await file.close()
}

/** The sample's matrices under names that every loader has a place for, and the same a hundredth larger, rounded: a fine-tune of sorts. */
async function makePair(): Promise<void> {
  const file = await openWeightFile(await pickSource(single, 'file'))
  const matrices = file.tensors.filter(({ shape }) => shape.length === 2)
  const named = matrices.map((tensor, i) => ({ ...tensor, name: `double_blocks.${i}.img_attn.proj.weight` }))
  for (const [path, factor] of [
    [base, 1],
    [tuned, 1.01],
  ] as const) {
    const values: Uint8Array[] = []
    for (const tensor of matrices) {
      const dtype = tensor.dtype as ComputableDType
      const own = decodeFloat32(dtype, await file.read(tensor))
      values.push(
        encode(
          dtype,
          own.map((value) => factor * value),
        ).bytes,
      )
    }
    writeFileSync(path, Buffer.concat([safetensorsHeader(named, new Map()), ...values]))
  }
  await file.close()
}

/** SHA-256 of a file, or of a folder's files with their names. */
function digest(path: string): string {
  const hash = createHash('sha256')
  if (statSync(path).isFile()) return hash.update(readFileSync(path)).digest('hex')
  for (const name of readdirSync(path).sort()) hash.update(name).update(readFileSync(join(path, name)))
  return hash.digest('hex')
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It had ended a moment before.
  }
}

const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** Bytes of a file, of a folder's files, or 0. */
function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.size ?? 0
  // It may get its name at this very moment.
  const names = existsSync(path) ? readdirSync(path) : []
  return names.reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** Kills a running command once it has written so much, or before it has written anything. Resolves when nothing of it lives any more. */
async function strike({ child, end }: Started, victim: (typeof victims)[number], out: string, bytes: number) {
  let ended = false
  void end.then(() => {
    ended = true
  })
  while (!ended && sizeOf(`${out}.partial`) < bytes) await wait(2)
  await wait(20 * Math.random())
  const engines = childrenOf(child.pid!)
  if (victim !== 'engine') kill(child.pid!)
  if (victim !== 'command line') for (const engine of engines) kill(engine)
  await end
  for (const since = performance.now(); engines.some(isAlive); await wait(5))
    if (performance.now() - since > 5000) fail(`engine ${engines.join()} outlived the command line by 5 s`)
}

function fail(reason: string): never {
  console.error(reason)
  process.exit(1)
}

await succeeds(ghostsvd('sample', single, '--layers', '4', '--hidden', '512'))
await makeShards()
await makePair()
await succeeds(ghostsvd(...extract('--to', 'peft'), '--out', adapter))
const read = [single, shards, base, tuned, adapter]
const sources = read.map(digest).join()
const expected: Record<string, { readonly digest: string; readonly bytes: number }> = {}
for (const kind of Object.keys(kinds)) {
  const out = join(folder, `whole-${kind}`)
  const started = performance.now()
  await succeeds(begin(kind, out))
  expected[kind] = { digest: digest(out), bytes: sizeOf(out) }
  console.log(`${kind}: ${sizeOf(out)} bytes, uninterrupted in ${(performance.now() - started).toFixed(0)} ms`)
}
const seen = { kills: 0, left: 0, tensors: 0 }
for (const victim of victims) {
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(kinds)
    const kind = names[round % names.length]!
    const what = `${kind}, ${victim} killed, round ${round}`
    const out = join(outputs, 'out')
    for (let strikes = 1 + (round % 2); strikes > 0; strikes--) {
      await strike(resume(kind, out), victim, out, Math.random() * expected[kind]!.bytes)
      seen.kills++
    }
    const left = readdirSync(outputs).sort().join(' ')
    const report = JSON.parse(await succeeds(resume(kind, out))) as { notices: string[] }
    const wentOn = Number(/Resumed after (\d+)/.exec(report.notices.join())?.[1] ?? 0)
    if (left.includes('journal')) seen.left++
    seen.tensors += wentOn
    console.log(`${what}: left ${left || 'nothing'}; went on after ${wentOn} tensors`)
    if (digest(out) !== expected[kind]!.digest) fail(`${what}: other bytes than an uninterrupted run`)
    if (readdirSync(outputs).join() !== 'out') fail(`${what}: ${readdirSync(outputs).join(', ')} is there`)
    if (read.map(digest).join() !== sources) fail(`${what}: the source has changed`)
    rmSync(out, { recursive: true })
  }
}
if ('extract part 2' in kinds && 'extract to a file' in kinds) {
  const [one, two, merged] = ['whole-extract part 1', 'whole-extract part 2', 'merged'].map((name) =>
    join(folder, name),
  )
  await succeeds(ghostsvd('merge', one!, two!, '--out', merged!))
  if (digest(merged!) !== expected['extract to a file']!.digest) fail('parts of an extraction: merged to other bytes')
}
console.log(
  `${seen.kills} kills; ${seen.left} times finished tensors were left, ${seen.tensors} tensors were not computed again; always the bytes of an uninterrupted run, nothing beside them, the source untouched`,
)
