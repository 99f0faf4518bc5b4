/**
 * Everything that may happen to runs, hosts and their files, one kind after another: `npm run build && npm run -s stress -- [times] [seed]`. Ends with status 1 where
 * anything was lost, let in, or brought the host down. `times` 1 takes some minutes; lanes.ts (cancels and kills of the engine) goes first.
 * Linux.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { prepareAttacks } from './attacks.ts'

const times = Number(process.argv[2] ?? 1)
const seed = Number(process.argv[3] ?? 1)

async function timed(what: string, act: () => Promise<string>): Promise<void> {
  const start = performance.now()
  let line: string
  try {
    line = await act()
  } catch (error) {
    line = `LOST: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    process.exitCode = 1
  }
  console.log(`${what}: ${line} (${((performance.now() - start) / 1000).toFixed(0)} s)`)
}

await timed('lanes', async () => {
  const lanes = fileURLToPath(new URL('lanes.ts', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [lanes, String(100 * times)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  const lines = stdout.trim().split('\n')
  return lines.filter((line) => /cancels answered|kills;|half-written|was left|no process/.test(line)).join('; ')
})
const attacks = await prepareAttacks(seed)
await timed('frames', () => attacks.frames(5000 * times))
await timed('floods', () => attacks.floods(12 * times))
await timed('swaps', () => attacks.swaps(2000 * times))
await timed('cache', () => attacks.cache(48 * times))
await timed('power', () => attacks.cuts(400 * times))
await attacks.end()
