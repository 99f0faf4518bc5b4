/**
 * Sketches on the disk, damaged in every way between two runs: the second one writes the bytes of a run without a cache, or uses what is whole,
 * and never believes the rest.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compressFile } from '../../core/jobs/compress.ts'
import { SketchCache } from '../../core/sketch-cache/sketch-cache.ts'
import { sketchStore } from '../../main/engine/driver/sketch-store.ts'
import { compressJob, openTensors, testContext, weights } from '../core/jobs/harness.ts'
import { memoryFolder } from '../core/memory-folder.ts'

const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))

const edited = (path: string, edit: (bytes: Buffer) => Buffer) => writeFileSync(path, edit(readFileSync(path)))
const flipped = (bytes: Buffer, at: number, bit = 1) => {
  bytes[at]! ^= bit
  return bytes
}

/** What is done to one file of the cache; `other` is another one. */
const damages: Record<string, (path: string, other: string, draw: () => number) => void> = {
  'a low bit': (path, _, draw) => edited(path, (bytes) => flipped(bytes, Math.floor(draw() * bytes.length))),
  'a bit of the header': (path, _, draw) =>
    edited(path, (bytes) => flipped(bytes, Math.floor(draw() * Math.min(200, bytes.length)))),
  '4 KB of zeros': (path, _, draw) =>
    edited(path, (bytes) => {
      const start = Math.floor(draw() * bytes.length)
      return bytes.fill(0, start, Math.min(bytes.length, start + 4096))
    }),
  'all zeros': (path) => edited(path, (bytes) => bytes.fill(0)),
  'not a number': (path) => edited(path, (bytes) => bytes.fill(0xff, Math.max(0, bytes.length - 4096))),
  'cut short': (path, _, draw) => truncateSync(path, Math.floor(draw() * statSync(path).size)),
  empty: (path) => truncateSync(path, 0),
  longer: (path) => edited(path, (bytes) => Buffer.concat([bytes, Buffer.alloc(1000, 1)])),
  'another tensor': (path, other) => copyFileSync(other, path),
  exchanged: (path, other) => {
    renameSync(path, `${path}.x`)
    renameSync(other, path)
    renameSync(`${path}.x`, other)
  },
  'a folder': (path) => {
    rmSync(path)
    mkdirSync(path)
  },
  'a link to nothing': (path) => {
    rmSync(path)
    symlinkSync('/nonexistent', path)
  },
  'a link to another file': (path) => {
    rmSync(path)
    symlinkSync(cli, path)
  },
  'a pipe': (path) => {
    rmSync(path)
    execFileSync('mkfifo', [path])
  },
  unreadable: (path) => chmodSync(path, 0),
  gone: (path) => rmSync(path),
}

export interface CacheAttack {
  readonly rounds: number
  readonly kinds: number
}

/** Sketches in a folder, and a run that uses what it finds there. */
export interface Cached {
  readonly folder: string
  /** The digest of what it writes. */
  run(): Promise<string>
}

/** The built program, which keeps its cache beside its configuration. */
export function cachedProgram(model: string, home: string): Cached {
  const cache = join(home, 'sketches')
  return {
    folder: join(cache, 'cache', 'sketches'),
    run: async () => {
      const out = join(home, 'out.safetensors')
      execFileSync(
        process.execPath,
        [cli, 'compress', model, '--out', out, '--goal-size', '60%', '--method', 'randomized', '--force'],
        {
          env: { ...process.env, GHOSTSVD_CONFIG: cache },
          stdio: ['ignore', 'ignore', 'pipe'],
          timeout: 120_000,
        },
      )
      return createHash('sha256').update(readFileSync(out)).digest('hex')
    },
  }
}

/** Its driver alone, in this process. */
export function cachedRun(home: string): Cached {
  const folder = join(home, 'driver-sketches')
  return {
    folder,
    run: async () => {
      const cache = new SketchCache({ hotTensors: 1, warmTensors: 1 }, sketchStore(folder))
      const model = await openTensors(...['a', 'b', 'c'].map((name, i) => weights(name, [120 + i, 80])))
      const target = { folder: memoryFolder('out'), name: 'out.safetensors' }
      const job = compressJob({ goalSize: 0.6, method: 'randomized' })
      await compressFile({ model, target }, job, testContext({ sketches: { cache, sourceHash: 'model' } }))
      return createHash('sha256').update(target.folder.files.get(target.name)!).digest('hex')
    },
  }
}

/** @throws where an output differs from one that was made without a cache */
export async function attackCache({ folder, run }: Cached, rounds: number, draw: () => number): Promise<CacheAttack> {
  const expected = await run()
  const kinds = Object.keys(damages)
  for (let round = 0; round < rounds; round++) {
    const kind = kinds[round % kinds.length]!
    const sketches = readdirSync(folder).map((name) => join(folder, name))
    // Half of them each time, so that whole and damaged ones meet.
    const chosen = sketches.filter((_, i) => (i + round) % 2 === 0)
    for (const path of chosen) damages[kind]!(path, chosen.find((other) => other !== path) ?? path, draw)
    const digest = await run()
    if (digest !== expected) throw new Error(`${kind}: other bytes`)
    for (const name of readdirSync(folder))
      if (!statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
        rmSync(join(folder, name), { recursive: true })
  }
  return { rounds, kinds: Math.min(rounds, kinds.length) }
}
