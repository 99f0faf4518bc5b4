/**
 * Every byte the command line writes, as one list of hashes: run before and after a change that may not alter them, and compare.
 *
 *   node test/judge/bytes.ts [--build FOLDER] [MODEL...] > before.txt
 *
 * FOLDER is a checkout that was built (this one by default), MODEL a weight file or a folder of them, beside the sample and its shards.
 * Each line is `sha256 case`. Left out are the version, sentences, and figures of time and memory. An output is also cut short by a kill
 * and resumed, in parts and merged: both must give the bytes of one run, or the status is 1.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { build: { type: 'string', default: resolve(import.meta.dirname, '../..') } },
})
const cli = join(values.build, 'out/main/cli.js')
const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-bytes-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const environment = { ...process.env, GHOSTSVD_CONFIG: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') }
const version = (JSON.parse(readFileSync(join(values.build, 'package.json'), 'utf8')) as { version: string }).version

interface Case {
  readonly name: string
  readonly ending: string
  readonly flags: readonly string[]
}

const styles = ['factors', 'dense', 'npz', 'aguf'] as const
const ending = { factors: '.safetensors', dense: '.safetensors', npz: '.npz', aguf: '.aguf' }
const variants: readonly (readonly string[])[] = [
  ['--goal-size', '60%'],
  ['--goal-size', '60%', '--allocation', 'greedy', '--goal-weight', 'norm'],
  ['--goal-size', '60%', '--allocation', 'uniform'],
  ['--goal-error', '0.3'],
  ['--goal-energy', '0.9', '--max-rank', '48'],
  ['--goal-error', '0.3', '--goal-scope', 'model', '--min-rank', '2'],
  ['--factor-dtype', 'F32'],
  ['--factor-dtype', 'F16'],
  ['--factor-dtype', 'BF16', '--factor-layout', 'usv'],
  ['--factor-dtype', 'INT8'],
  ['--factor-dtype', 'INT8', '--int8-always'],
  ['--sparse-density', '0.02'],
  ['--method', 'exact', '--exact-route', 'jacobi'],
  ['--algorithm', 'krylov', '--tolerance', '0.001'],
  ['--output', 'dense', '--goal-error', '0.3'],
  ['--output', 'dense', '--goal-size', '90%'],
  ['--output', 'npz', '--factor-dtype', 'INT8', '--goal-size', '60%'],
  ['--exclude', '*mlp*', '--include', '*embed*'],
]
const cases: readonly Case[] = [
  ...styles.map((style) => ({ name: style, ending: ending[style], flags: ['--output', style] })),
  ...variants.map((flags) => {
    const style = flags[0] === '--output' ? (flags[1] as (typeof styles)[number]) : 'factors'
    return { name: flags.join(' '), ending: ending[style], flags }
  }),
].map((one) => ({ ...one, flags: ['--rank', '24', '--kernel', 'simd', '--no-projection-tiers', ...one.flags] }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [cli, ...args], { env: environment, stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece
  })
  const end = new Promise<Ended>((done) => child.on('close', (status) => done({ status, stdout })))
  return { child, end }
}

const ghostsvd = (...args: readonly string[]) => start(...args).end

function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** The version in a header of metadata. */
const versionField = (release: string) => `"ghostsvd.version":"${release}"`

/** Of a file, or of all files of a folder, without the version they were written by. */
function outputHash(path: string): string {
  if (!existsSync(path)) return 'nothing written'
  if (statSync(path).isDirectory())
    return sha256(
      ...readdirSync(path)
        .sort()
        .flatMap((name) => [name, outputHash(join(path, name))]),
    )
  const bytes = readFileSync(path)
  return path.endsWith('.npz') ? membersHash(bytes) : sha256(withoutVersion(bytes))
}

function withoutVersion(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(versionField(version), versionField('-'))
  return Buffer.from(text, 'latin1')
}

/** Of an archive's members, by the sizes in their local headers: the metadata among them, and so its CRC-32, names the version. */
function membersHash(bytes: Buffer): string {
  const parts: (string | Uint8Array)[] = []
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const nameLength = bytes.readUInt16LE(at + 26)
    const extraLength = bytes.readUInt16LE(at + 28)
    let length = bytes.readUInt32LE(at + 18)
    if (length === 0xffffffff) length = Number(bytes.readBigUInt64LE(at + 30 + nameLength + 4 + 8))
    const start = at + 30 + nameLength + extraLength
    parts.push(bytes.subarray(at + 30, at + 30 + nameLength), withoutVersion(bytes.subarray(start, start + length)))
    at = start + length
  }
  return sha256(...parts)
}

/** A report's names and numbers: no sentence, no time, no memory, no version. */
function figuresHash(text: string): string {
  const dropped = /seconds|Seconds|Ms$|memory|peak|version|threads|^kernel$/
  const figures: unknown = JSON.parse(text, (key, value: unknown) =>
    dropped.test(key) || (typeof value === 'string' && value.includes(' ')) ? undefined : value,
  )
  return sha256(JSON.stringify(figures))
}

let faults = 0
function say(hash: string, what: string): void {
  console.log(`${hash.padEnd(64)} ${what}`)
}

function demand(same: boolean, what: string): void {
  if (same) return
  faults++
  console.log(`DIFFERENT: ${what}`)
}

/** Lines of a journal that a run may remove at any moment. */
function journalLines(path: string): number {
  try {
    return readFileSync(path, 'utf8').split('\n').length - 1
  } catch {
    return 0
  }
}

/** Kills a run as soon as its journal speaks of a tensor, and resumes it. */
async function cutShort(model: string, out: string, flags: readonly string[]): Promise<void> {
  const run = start('compress', model, '--out', out, '--resume', ...flags)
  while (run.child.exitCode === null && journalLines(`${out}.journal.partial`) < 2) await wait(1)
  run.child.kill('SIGKILL')
  await run.end
  await ghostsvd('compress', model, '--out', out, '--resume', ...flags)
}

async function judge(model: string): Promise<void> {
  const named = basename(model)
  const out = join(folder, 'out')
  for (const threads of ['1', '2'])
    for (const { name, ending, flags } of cases) {
      rmSync(out, { recursive: true, force: true })
      mkdirSync(out)
      const what = `${named} | ${name} | ${threads} threads`
      const target = join(out, `whole${ending}`)
      const report = join(out, 'report.json')
      const recipe = join(out, 'recipe.json')
      const all = [...flags, '--threads', threads]
      const { status } = await ghostsvd(
        ...['compress', model, '--out', target, ...all, '--report', report, '--save-recipe', recipe],
      )
      if (status !== 0) {
        say(`status ${status}`, what)
        continue
      }
      const whole = outputHash(target)
      say(whole, what)
      say(figuresHash(readFileSync(report, 'utf8')), `${what} | report`)
      if (threads !== '1') continue
      say(sha256(readFileSync(recipe)), `${what} | recipe`)
      say(figuresHash((await ghostsvd('plan', model, ...all, '--json')).stdout), `${what} | plan`)
      const again = join(out, `again${ending}`)
      await cutShort(model, again, all)
      demand(outputHash(again) === whole, `${what}: resumed`)
      if (name !== 'factors') continue
      const parts = ['1/2', '2/2'].map((part) => join(out, `${part[0]}${ending}`))
      for (const [i, part] of parts.entries())
        await ghostsvd('compress', model, '--out', part, ...all, '--part', `${i + 1}/2`)
      const merged = join(out, `merged${ending}`)
      await ghostsvd('merge', ...parts, '--out', merged)
      demand(outputHash(merged) === whole, `${what}: merged`)
    }
  const converted = join(out, 'converted.safetensors')
  const { status } = await ghostsvd('convert', model, '--out', converted)
  say(status === 0 ? outputHash(converted) : `status ${status}`, `${named} | convert`)
  say(figuresHash((await ghostsvd('inspect', model, '--json')).stdout), `${named} | inspect`)
}

/** Deals a file's tensors to two shards. */
function shard(path: string, into: string): void {
  mkdirSync(into)
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>
  delete header.__metadata__
  const shards = [0, 1].map((i) => `model-0000${i + 1}-of-00002.safetensors`)
  const weightMap: Record<string, string> = {}
  for (const [i, name] of shards.entries()) {
    const parts: Uint8Array[] = []
    let offset = 0
    const entries = Object.entries(header).filter((_, at) => at % 2 === i)
    for (const [tensor, entry] of entries) {
      const [from, to] = entry.data_offsets
      parts.push(bytes.subarray(8 + length + from, 8 + length + to))
      entry.data_offsets = [offset, offset + to - from]
      offset += to - from
      weightMap[tensor] = name
    }
    const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(text.length))
    writeFileSync(join(into, name), Buffer.concat([size, text, ...parts]))
  }
  const index = { metadata: {}, weight_map: weightMap }
  writeFileSync(join(into, 'model.safetensors.index.json'), JSON.stringify(index))
}

const sample = join(folder, 'sample.safetensors')
await ghostsvd('sample', sample, '--layers', '1', '--hidden', '128')
say(sha256(readFileSync(sample)), 'sample')
const bf16 = join(folder, 'sample-bf16.safetensors')
await ghostsvd('sample', bf16, '--layers', '1', '--hidden', '128', '--dtype', 'BF16', '--seed', '2')
const shards = join(folder, 'shards')
shard(sample, shards)
const endings = ['.safetensors', '.npy', '.npz', '.pt', '.pth', '.bin', '.gguf', '.onnx']
const given = positionals.flatMap((path) =>
  statSync(path).isDirectory() && !existsSync(join(path, 'model.safetensors.index.json'))
    ? readdirSync(path)
        .filter((name) => endings.some((end) => name.endsWith(end)))
        .sort()
        .map((name) => join(path, name))
    : [path],
)
for (const model of [sample, bf16, shards, ...given]) await judge(model)
process.exitCode = faults === 0 ? 0 : 1
