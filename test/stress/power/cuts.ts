/**
 * A compression whose power goes at any of its steps, and what the next run makes of whatever the disk may hold then: the same bytes, resumed
 * or from the start. What has its final name is whole, also for somebody who never runs it again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import timers from 'node:timers/promises'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import { writeWhole } from '../../../main/files/write-whole.ts'
import { compressJob, fileBytes, plain, testContext, weights } from '../../core/jobs/harness.ts'
import { memoryFolder } from '../../core/memory-folder.ts'
import { type Image, imageAfter, layOut, readImage, recordDisk } from './disk.ts'

export interface Cuts {
  readonly points: number
  /** Of the run: moments at which the power may go. */
  readonly steps: number
  /** Points after which the next run found a finished tensor, and after which the output was there already. */
  readonly resumed: number
  readonly finished: number
  /** Points after which files of the old output and of the new one lie beside each other. */
  readonly mixed: number
  /** What was wrong, point by point. */
  readonly wrong: readonly string[]
}

const name = 'out'
const tensors = [
  ...['a', 'b', 'c', 'd'].map((each, i) => weights(each, [10 + i, 12])),
  plain('kept', 'I32', [3], new Uint8Array(12).fill(7)),
]

/** `folder`: in three shards, whose output is a folder. `replaced`: over an earlier output of them, at another rank. */
export type Kind = 'file' | 'folder' | 'replaced'

async function openModel(kind: Kind) {
  const folder = memoryFolder('in')
  if (kind === 'file') {
    folder.files.set('model.safetensors', fileBytes(tensors))
    return openWeightFile({ folder, entry: 'model.safetensors' })
  }
  const shardOf = (i: number) => `model-0000${(i % 3) + 1}-of-00003.safetensors`
  for (const shard of [0, 1, 2]) folder.files.set(shardOf(shard), fileBytes(tensors.filter((_, i) => i % 3 === shard)))
  const index = { metadata: {}, weight_map: Object.fromEntries(tensors.map((tensor, i) => [tensor.name, shardOf(i)])) }
  const entry = 'model.safetensors.index.json'
  folder.files.set(entry, new TextEncoder().encode(JSON.stringify(index)))
  return openWeightFile({ folder, entry })
}

/** By a clock that runs fast enough for a run of milliseconds to save its progress again and again, and with waits that are over at once. */
async function inFastTime<T>(act: () => Promise<T>): Promise<T> {
  const [real, wait] = [performance.now, timers.setTimeout]
  let now = 0
  performance.now = () => {
    now += 700
    return now
  }
  timers.setTimeout = (async () => {}) as unknown as typeof wait
  syncBuiltinESMExports()
  try {
    return await act()
  } finally {
    performance.now = real
    timers.setTimeout = wait
    syncBuiltinESMExports()
  }
}

async function compress(folder: string, kind: Kind, resume: boolean, rank = 2): Promise<string[]> {
  const model = await openModel(kind)
  const force = !resume || kind === 'replaced'
  const target = { folder: outputFolder(folder, { overwrite: force, sources: [] }), name }
  const output = kind === 'file' ? 'factors' : 'dense'
  const job = compressJob({ rank, method: 'exact' }, { resume, force, output })
  const { notices } = await inFastTime(() => compressFile({ model, target }, job, testContext()))
  return notices.map(({ key }) => key)
}

/** Draws from [0, 1), the same for a seed: xorshift32. */
function draws(seed: number): () => number {
  let state = (seed * 2654435761) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** Locks name the process that wrote them, and that one lives on in this test: after a power cut it does not. */
function afterBoot(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  return text.startsWith('{"id"') ? Buffer.from(text.replace(/"started":"[^"]*/, '"started":"before'), 'latin1') : bytes
}

function same(a: Image | Uint8Array | undefined, b: Image | Uint8Array | undefined): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
  return (
    a !== undefined && b !== undefined && a.size === b.size && [...a].every(([key, value]) => same(value, b.get(key)))
  )
}

/**
 * @param points how many, spread over all steps of the run
 * @param syncs false for a disk that lies
 */
export async function cutPower(kind: Kind, points: number, seed: number, syncs = true): Promise<Cuts> {
  const top = mkdtempSync(join(tmpdir(), 'ghostsvd-power-'))
  try {
    const whole = join(top, 'whole')
    layOut(whole, new Map(), (bytes) => bytes)
    const recording = recordDisk(whole)
    let [first, old] = [0, undefined as Image | undefined]
    try {
      if (kind === 'replaced') {
        await compress(whole, kind, false, 3)
        old = readImage(whole)
        first = recording.steps.length
      }
      await compress(whole, kind, true)
    } finally {
      recording.stop()
    }
    const expected = readImage(whole)
    const wrong: string[] = []
    let [resumed, finished, mixed] = [0, 0, 0]
    for (let point = 0; point < points; point++) {
      const steps = first + Math.round((point * (recording.steps.length - first)) / Math.max(1, points - 1))
      const random = draws(seed + point + 1)
      const image = imageAfter(recording, steps, random, syncs)
      const folder = join(top, String(point))
      layOut(folder, image, afterBoot)
      const where = `${kind}, point ${point} of seed ${seed}, after ${steps} steps`
      if (image.has(name)) {
        if (same(image.get(name), expected.get(name))) finished++
        else if (!old) wrong.push(`${where}: what has the final name is not whole`)
        else if (!same(image.get(name), old.get(name))) mixed++
      }
      try {
        const notices = await compress(folder, kind, random() < 0.8)
        if (notices.includes('run.resumed')) resumed++
        if (!same(readImage(folder), expected))
          wrong.push(`${where}: ${[...readImage(folder).keys()].join(', ')} differ`)
      } catch (error) {
        wrong.push(`${where}: ${String(error)} among ${[...image.keys()].join(', ')}`)
      }
      rmSync(folder, { recursive: true })
    }
    return { points, steps: recording.steps.length - first, resumed, finished, mixed, wrong }
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}

/** Settings that are written again and again, and what is read after the power went: a whole version of them, never less. */
export async function cutSettings(points: number, seed: number): Promise<readonly string[]> {
  const top = mkdtempSync(join(tmpdir(), 'ghostsvd-power-'))
  const versions = Array.from({ length: 6 }, (_, i) => Buffer.from(`{"version":${i},"text":"${'x'.repeat(1000 * i)}"}`))
  try {
    const recording = recordDisk(top)
    try {
      for (const version of versions) await writeWhole(join(top, 'settings.json'), version)
    } finally {
      recording.stop()
    }
    const wrong: string[] = []
    for (let point = 0; point < points; point++) {
      const steps = Math.round((point * recording.steps.length) / Math.max(1, points - 1))
      const found = imageAfter(recording, steps, draws(seed + point + 1)).get('settings.json')
      if (found && !versions.some((version) => same(found, Uint8Array.from(version))))
        wrong.push(`settings, point ${point} of seed ${seed}, after ${steps} steps: not a whole version`)
    }
    return wrong
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}
