/**
 * Cuts the power of a compression at ten thousand points and resumes from each: `npm run -s stress:power -- [points] [seed]`. Ends with
 * status 1 where anything but the same bytes came of one.
 */
import { cutPower, cutSettings } from './power/cuts.ts'

const points = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? 1)
const each = Math.ceil(points / 3)
for (const kind of ['file', 'folder', 'replaced'] as const) {
  const start = performance.now()
  const { steps, resumed, finished, mixed, wrong } = await cutPower(kind, each, seed)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(
    `${kind}: ${each} crash points over ${steps} steps, ${resumed} resumed, ${finished} had finished, ${mixed} old beside new, ${wrong.length} wrong, ${seconds} s`,
  )
  for (const line of wrong.slice(0, 20)) console.log(`  ${line}`)
  if (wrong.length > 0) process.exitCode = 1
}
const settings = await cutSettings(points, seed)
console.log(`settings: ${points} crash points, ${settings.length} wrong`)
if (settings.length > 0) process.exitCode = 1
