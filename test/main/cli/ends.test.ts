/** A command ends when it is told to, whatever its engine does; and an engine ends when its command is gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ghostsvd, program, temporaryFolder } from './run.ts'

/** Children of a process, by the parent that /proc names. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid)
}

/** null for a process that has ended, or is only waiting to be asked how. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? null : Number(parent)
  } catch {
    return null
  }
}

/** A compression in the middle of its work, and its engine. */
async function running(
  folder: string,
): Promise<{ child: ChildProcess; engine: number; ended: Promise<number | null> }> {
  const model = join(folder, 'model.safetensors')
  await ghostsvd(['sample', model, '--layers', '2', '--hidden', '1024', '--dtype', 'BF16'])
  const child = spawn(
    process.execPath,
    [program, 'compress', model, '--out', join(folder, 'out.safetensors'), '--rank', '256'],
    {
      stdio: 'ignore',
      env: { ...process.env, GHOSTSVD_CONFIG: join(folder, 'config') },
    },
  )
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  await expect.poll(() => readdirSync(folder), { timeout: 60_000 }).toContain('out.safetensors.partial.lock')
  return { child, engine: childrenOf(child.pid!)[0]!, ended }
}

const onLinux = process.platform === 'linux'

it
  .runIf(onLinux)
  .each([
    [['--version']],
    [['inspect', 'model.safetensors']],
    [['inspect', 'model.safetensors', '--json']],
    [['history']],
  ])('%s says in a sentence that its output could not be written, and fails', async (args) => {
  const folder = await temporaryFolder()
  await ghostsvd(['sample', join(folder, 'model.safetensors'), '--layers', '1', '--hidden', '8'])
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', full, 'pipe'],
    env: { ...process.env, GHOSTSVD_CONFIG: join(folder, 'config') },
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  closeSync(full)
  expect([status, said]).toEqual([
    1,
    'stdout could not be written: the disk is full. What was to be printed is lost.\n',
  ])
})

it.runIf(onLinux)('a full stderr ends no command', async () => {
  const folder = await temporaryFolder()
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [program, 'inspect', join(folder, 'nowhere')], {
    stdio: ['ignore', 'ignore', full],
  })
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1)
  closeSync(full)
})

it.runIf(onLinux)(
  'Ctrl+C ends a command whose engine does not answer, with all that it has written',
  async () => {
    const folder = await temporaryFolder()
    const { child, engine, ended } = await running(folder)
    process.kill(engine, 'SIGSTOP')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(parentOf(engine)).toBeNull()
    expect(readdirSync(folder).sort()).toEqual(['config', 'model.safetensors'])
  },
  120_000,
)

it.runIf(onLinux)(
  'a second Ctrl+C ends it sooner, and its engine too; what is half-written goes with the next run',
  async () => {
    const folder = await temporaryFolder()
    const { child, engine, ended } = await running(folder)
    process.kill(engine, 'SIGSTOP')
    child.kill('SIGINT')
    // Of two that are pending a process hears one.
    await wait(100)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    await expect.poll(() => parentOf(engine), { timeout: 3_000 }).toBeNull()
  },
  120_000,
)

it.runIf(onLinux)(
  'an engine whose command was killed ends by itself',
  async () => {
    const folder = await temporaryFolder()
    const { child, engine } = await running(folder)
    child.kill('SIGKILL')
    await expect.poll(() => parentOf(engine), { timeout: 10_000 }).toBeNull()
  },
  120_000,
)
