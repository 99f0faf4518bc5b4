/**
 * What hostile headers cost: each opens or is refused within a second of processor time and 200 MB, in a process of its own (on Linux).
 * `npm run -s stress:headers -- [part of a name]`; ends with status 1 where one does not.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../core/errors.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { pickSource } from '../../main/files/files.ts'
import { hostile } from './hostile-headers.ts'

const mostSeconds = 1
const mostBytes = 200e6

/** The most memory this process has had. Not of getrusage: that counts what its parent had when it was forked. */
function mostMemory(): number {
  const [, kB] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kB) * 1024
}

/** In the child: opens one and prints what that cost beyond the process itself. */
async function measure(path: string): Promise<void> {
  await openWeightFile(await pickSource(`${path}.none`, 'file')).catch(() => {})
  const [before, cpu] = [mostMemory(), process.cpuUsage()]
  let outcome = ''
  try {
    const file = await openWeightFile(await pickSource(path, 'file'))
    outcome = `opened, ${file.tensors.length} tensors`
    await file.close()
  } catch (error) {
    outcome = error instanceof AppError ? error.message : `NO SENTENCE: ${String(error)}`
  }
  const { user, system } = process.cpuUsage(cpu)
  const bytes = mostMemory() - before
  console.log(JSON.stringify({ seconds: (user + system) / 1e6, bytes, outcome: outcome.slice(0, 120) }))
}

const [wanted = '', child] = process.argv.slice(2)
if (wanted === '--one') await measure(child!)
else {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-headers-'))
  try {
    for (const [title, make] of Object.entries(hostile)) {
      if (!title.includes(wanted)) continue
      const [name, bytes, beside = {}] = make()
      const path = join(folder, name)
      for (const [each, content] of Object.entries({ ...beside, [name]: bytes }))
        writeFileSync(join(folder, each), content)
      const printed = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--one', path], {
        encoding: 'utf8',
      })
      const cost = JSON.parse(printed.trim().split('\n').at(-1)!) as { seconds: number; bytes: number; outcome: string }
      const over = cost.seconds > mostSeconds || cost.bytes > mostBytes || cost.outcome.startsWith('NO SENTENCE')
      if (over) process.exitCode = 1
      console.log(
        `${over ? 'OVER' : 'ok  '} ${cost.seconds.toFixed(2)} s ${(cost.bytes / 1e6).toFixed(0).padStart(4)} MB  ${title}: ${cost.outcome}`,
      )
      for (const each of readdirSync(folder)) rmSync(join(folder, each))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
