/**
 * `npm run package:time -- PROGRAM`: from the start to a usable page, five times, of a packed application and of `ghostsvd serve` in turns,
 * and the memory they then have. Medians; run it on a machine that does nothing else.
 */
import { resolve } from 'node:path'
import { findBrowser } from '../e2e/set-up/find-program.ts'
import { type Started, startApplication, startServe } from './drive.ts'

const runs = 5
const [program] = process.argv.slice(2)
if (program === undefined) throw new Error('Name the program of a packed application.')
const browser = findBrowser()
if (browser === null) throw new Error('No Chromium for the page of ghostsvd serve.')
const cli = resolve(import.meta.dirname, '../../out/main/cli.js')
const ways: Readonly<Record<string, () => Promise<Started>>> = {
  application: () => startApplication(resolve(program)),
  serve: () => startServe(cli, browser),
}

const seconds: Record<string, number[]> = {}
const megabytes: Record<string, number[]> = {}
for (let run = 0; run < runs; run++) {
  for (const [name, start] of Object.entries(ways)) {
    const started = await start()
    seconds[name] = [...(seconds[name] ?? []), started.elapsedMs / 1000]
    megabytes[name] = [...(megabytes[name] ?? []), (started.memoryBytes() ?? Number.NaN) / 1e6]
    await started.end()
  }
}
for (const name of Object.keys(ways)) {
  const [time, memory] = [seconds[name]!, megabytes[name]!]
  console.log(
    `${name}: ${median(time).toFixed(2)} s (${time.map((each) => each.toFixed(2)).join(' ')}), ${median(memory).toFixed(0)} MB`,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
