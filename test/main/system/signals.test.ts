/** A process ends when it is told to, whatever file it waits for. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { can } from '../../system.ts'

const signals = new URL('../../../main/system/signals.ts', import.meta.url).href

/** Says "ready", waits for the writer of a pipe if it is given one, and ends with status 7 when it hears SIGTERM. */
async function endedBy(pipe: string | null): Promise<[status: number | null, signal: string | null]> {
  const script = `
    import { open } from 'node:fs/promises'
    import { endNow } from ${JSON.stringify(signals)}
    const pipe = ${JSON.stringify(pipe)}
    if (pipe !== null) open(pipe, 'r').catch(() => {})
    setInterval(() => {}, 1000)
    process.on('SIGTERM', () => endNow('SIGTERM', 7))
    setTimeout(() => console.log('ready'), 100)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--no-warnings', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  child.kill('SIGTERM')
  const how = await ended
  clearTimeout(late)
  return how
}

// Windows has no signals that ask, and its pipes are no files.
it.runIf(can.posix)('by its status where it waits for nothing', async () => {
  expect(await endedBy(null)).toEqual([7, null])
})

it.runIf(can.posix)('by the signal where a file operation never ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-pipe-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  expect(await endedBy(pipe)).toEqual([null, 'SIGTERM'])
})
