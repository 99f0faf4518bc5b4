/** A command ends when it is told to, whatever its engine does; and an engine ends when its command is gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { promisedMs } from '../../../main/system/end-limits.ts'
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

it.runIf(onLinux)('a command says in a sentence that the folder it was started in is gone', async () => {
  const gone = join(await temporaryFolder(), 'gone')
  const start = 'mkdir "$1"; cd "$1"; rmdir "$1"; exec "$2" "$3" inspect model.safetensors'
  const child = spawn('sh', ['-c', start, 'sh', gone, process.execPath, program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  expect([status, said]).toEqual([
    1,
    'The folder that this command was started in is gone. Change to another folder first.\n',
  ])
})

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
  'a second Ctrl+C ends it sooner, with its engine and with all that it has written',
  async () => {
    const folder = await temporaryFolder()
    const { child, engine, ended } = await running(folder)
    process.kill(engine, 'SIGSTOP')
    child.kill('SIGINT')
    // Of two that are pending a process hears one.
    await wait(100)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(parentOf(engine)).toBeNull()
    expect(readdirSync(folder).sort()).toEqual(['config', 'model.safetensors'])
  },
  120_000,
)

/** The files of a folder on a disk that can go away (hung-folder.py); null where this system does not let a test mount one. */
async function mortalDisk(mount: string, files: readonly string[]): Promise<ChildProcess | null> {
  mkdirSync(mount)
  const script = fileURLToPath(new URL('../../stress/hung-folder.py', import.meta.url))
  const server = spawn('python3', [script, mount, ...files], { stdio: ['ignore', 'pipe', 'ignore'] })
  const mounted = await new Promise<boolean>((resolve) => {
    server.stdout!.once('data', () => resolve(true))
    for (const event of ['exit', 'error']) server.once(event, () => resolve(false))
  })
  if (!mounted) return null
  onTestFinished(async () => {
    server.kill('SIGCONT')
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
  })
  return server
}

const noMounts = 'this system does not let a test mount a folder of its own'
const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0]

/** Ctrl+C, and what the command says until it is gone. A thread that waits for a disk keeps it in the table until the disk is back. */
async function saidAtEnd(child: ChildProcess): Promise<string> {
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const since = performance.now()
  child.kill('SIGINT')
  await expect.poll(() => parentOf(child.pid!), { timeout: 10_000 }).toBeNull()
  expect(performance.now() - since).toBeLessThan(promisedMs)
  return said
}
const nothingLeft = 'Cancelled. Nothing half-written was left behind.\n'

it.runIf(onLinux)(
  'Ctrl+C ends a command whose engine cannot even be killed, as its source is on a disk that has gone, with all that it has written',
  { timeout: 120_000 },
  async ({ skip }) => {
    const folder = await temporaryFolder()
    const [model, mount, out] = [join(folder, 'm.safetensors'), join(folder, 'mount'), join(folder, 'out')]
    await ghostsvd(['sample', model, '--layers', '2', '--hidden', '768'])
    const server = await mortalDisk(mount, [model])
    if (!server) return skip(noMounts)
    mkdirSync(out)
    const slowly = ['--method', 'exact', '--threads', '1']
    // With one thread for files an engine removes nothing while it waits.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1', GHOSTSVD_CONFIG: join(folder, 'config') }
    const child = spawn(
      process.execPath,
      [program, 'compress', join(mount, 'm.safetensors'), '--out', join(out, 'x'), ...slowly],
      { stdio: ['ignore', 'ignore', 'pipe'], env },
    )
    await expect.poll(() => readdirSync(out), { timeout: 60_000 }).toContain('x.journal.partial')
    server.kill('SIGSTOP')
    await wait(200)
    expect(await saidAtEnd(child)).toContain(nothingLeft)
    expect(readdirSync(out)).toEqual([])
  },
)

it.runIf(onLinux)(
  'Ctrl+C ends a merge whose part is on a disk that goes in the middle of it, with all that it has written',
  { timeout: 120_000 },
  async ({ skip }) => {
    const folder = await temporaryFolder()
    const [model, mount, out] = [join(folder, 'm.safetensors'), join(folder, 'mount'), join(folder, 'out')]
    await ghostsvd(['sample', model, '--layers', '1', '--hidden', '256'])
    const parts = ['1', '2'].map((name) => join(folder, name))
    for (const [i, part] of parts.entries())
      await ghostsvd(['compress', model, '--out', part, '--rank', '8', '--part', `${i + 1}/2`])
    const server = await mortalDisk(mount, parts)
    if (!server) return skip(noMounts)
    mkdirSync(out)
    server.kill('SIGUSR1')
    const child = spawn(
      process.execPath,
      [program, 'merge', join(mount, '1'), join(mount, '2'), '--out', join(out, 'x')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    await expect.poll(() => stateOf(server.pid!), { timeout: 60_000 }).toBe('T')
    expect(readdirSync(out).sort()).toEqual(['x.partial', 'x.partial.lock'])
    expect(await saidAtEnd(child)).toContain(nothingLeft)
    expect(readdirSync(out)).toEqual([])
  },
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
