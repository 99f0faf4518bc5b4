/** The attacks of `npm run stress`, one by one; each gives a line with what was counted. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attackCache, type Cached, cachedProgram, cachedRun } from './damaged-cache.ts'
import { drawer } from './draw.ts'
import { flood } from './host/floods.ts'
import { attackWithFrames } from './host/frames.ts'
import { type StressedHost, startHost } from './host/hosts.ts'
import { attackWithSwaps } from './host/swaps.ts'
import { cutPower, cutSettings } from './power/cuts.ts'

const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))

export interface Attacks {
  frames(count: number): Promise<string>
  floods(scale: number): Promise<string>
  swaps(rounds: number): Promise<string>
  cache(rounds: number): Promise<string>
  /** The same without a process for each run. */
  cacheOfDriver(rounds: number): Promise<string>
  cuts(points: number): Promise<string>
  end(): Promise<void>
}

/** A host that serves a small model, and a model for the cache. */
export async function prepareAttacks(seed: number): Promise<Attacks> {
  const home = mkdtempSync(join(tmpdir(), 'ghostsvd-attacks-'))
  const served = join(home, 'served')
  mkdirSync(served)
  const model = join(served, 'model.safetensors')
  const made = spawnSync(process.execPath, [cli, 'sample', model, '--layers', '1', '--hidden', '128'], {
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(made.stderr)
  let started: StressedHost | undefined
  const host = async () => {
    started ??= await startHost(served, home)
    return started
  }
  const cache = async (cached: Cached, count: number) => {
    const { rounds, kinds } = await attackCache(cached, count, drawer(seed, 1))
    return `${rounds} damaged caches of ${kinds} kinds: the same bytes each time`
  }
  return {
    frames: async (count) => {
      const { sent, answered, closed } = await attackWithFrames(await host(), count, drawer(seed, 0))
      return `${sent} frames: ${answered} answered, ${closed} pages closed for what they sent, the host lives`
    },
    floods: async (scale) => {
      const found = await flood(await host(), scale)
      return found.map(({ what, count, grewMB }) => `${count} ${what}: ${grewMB.toFixed(0)} MB more`).join('; ')
    },
    swaps: async (rounds) => {
      const { used, refused } = await attackWithSwaps(await host(), served, home, rounds)
      return `${rounds} uses of a folder that is swapped meanwhile: ${used} as they should be, ${refused} refused, nothing outside reached`
    },
    cache: (rounds) => cache(cachedProgram(model, home), rounds),
    cacheOfDriver: (rounds) => cache(cachedRun(home), rounds),
    cuts: async (points) => {
      const lines: string[] = []
      for (const kind of ['file', 'folder', 'replaced'] as const) {
        const each = Math.ceil(points / 3)
        const { resumed, wrong } = await cutPower(kind, each, seed)
        if (wrong.length > 0) throw new Error(wrong.join('\n'))
        lines.push(`${each} power cuts of a run (${kind}): ${resumed} resumed, 0 wrong`)
      }
      const settings = await cutSettings(points, seed)
      if (settings.length > 0) throw new Error(settings.join('\n'))
      return `${lines.join('; ')}; ${points} of settings: 0 wrong`
    },
    end: async () => {
      await started?.end()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
