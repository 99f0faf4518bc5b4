/**
 * The application as its users start it: without a driver, which opens ports of its own. What it is and does is read from the
 * system: /proc knows which ports are open and which process is in a sandbox. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '../page/driving.ts'
import { writeNoise } from '../page/files.ts'
import { descendants, type Process } from '../set-up/descendants.ts'
import { desktopEnvironment } from '../set-up/desktop.ts'
import { openVirtualDisplay } from '../set-up/display.ts'
import { electronRuntime } from '../set-up/electron-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'

test.skip(process.platform !== 'linux', 'reads /proc')

const root = process.getuid?.() === 0
/** Debian's "nobody". */
const nobody = 65534

/** Local addresses of TCP sockets that these processes listen on. */
function listening(processes: readonly Process[]): string[] {
  const inodes = new Set(
    processes.flatMap(({ pid }) =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
        } catch {
          return []
        }
      }),
    ),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // 0A is LISTEN.
      .filter((columns) => columns[3] === '0A' && inodes.has(columns[9]!))
      .map((columns) => columns[1]!),
  )
}

/** Once the engine runs: the page has loaded and asked for it. */
async function withEngine(application: ChildProcess): Promise<Process[]> {
  const utilities = () => descendants(application.pid!).filter(({ type }) => type === 'utility')
  // One is Chromium's network service.
  await expect.poll(() => utilities().length, patience).toBeGreaterThan(1)
  return descendants(application.pid!)
}

test('listens on no TCP port, and ends in order when it is told to', async ({ config, display }) => {
  const { program, application } = electronRuntime()!
  const started = spawn(program, [...(root ? ['--no-sandbox'] : []), application], {
    env: desktopEnvironment({ config, display }),
    stdio: 'ignore',
  })
  const ended = once(started, 'exit')
  const processes = await withEngine(started)
  expect(listening(processes)).toEqual([])
  started.kill('SIGTERM')
  // As a shell counts: 128 and the number of the signal.
  expect(await ended).toEqual([143, null])
  await expect.poll(() => processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([])
})

test('runs for an ordinary user inside Chromium’s sandbox, page and engine', async ({ folder, config }) => {
  test.skip(!root, 'only root can become another user and own a setuid sandbox')
  const { folder: runtime, application } = electronRuntime()!
  // A place that the other user reaches, with the sandbox as a package installs it.
  const installed = join(folder, 'installed')
  cpSync(runtime, installed, { recursive: true })
  chmodSync(join(installed, 'chrome-sandbox'), 0o4755)
  for (const part of ['package.json', 'out']) cpSync(join(application, part), join(folder, part), { recursive: true })
  const model = join(folder, 'noise.npy')
  writeNoise(model, 64)
  chmodSync(folder, 0o755)
  chownSync(config, nobody, nobody)
  const display = await openVirtualDisplay(true)
  const started = spawn(
    'setpriv',
    [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', join(installed, 'electron'), folder, model],
    { env: { ...desktopEnvironment({ config, display: display.name }), HOME: config }, stdio: 'ignore' },
  )
  const ended = once(started, 'exit')
  const processes = await withEngine(started)
  const statusOf = ({ pid }: Process, field: string) =>
    new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const namespaceOf = ({ pid }: Process) => readlinkSync(`/proc/${pid}/ns/pid`)
  expect(new Set(processes.map((one) => statusOf(one, 'Uid')))).toEqual(new Set([String(nobody)]))
  const pages = processes.filter(({ type }) => type === 'renderer')
  expect(pages).toHaveLength(1)
  // A filter on its system calls, and no other process in sight.
  expect(statusOf(pages[0]!, 'Seccomp')).toBe('2')
  expect(namespaceOf(pages[0]!)).not.toBe(namespaceOf(processes[0]!))
  // The page has shown the file that was named, and so its engine has read it: only then is it among the recent ones.
  const recents = join(config, 'recents.json')
  await expect.poll(() => (existsSync(recents) ? readFileSync(recents, 'utf8') : ''), patience).toContain('noise.npy')
  started.kill('SIGTERM')
  await ended
  await display.close()
})
