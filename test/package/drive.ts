/**
 * A packed application or a host, from its start to a usable page. The fuses of a package close the main process to Playwright; Chromium's own
 * debugging port, asked for on the command line, still shows the page as it is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type Page } from 'playwright'

export interface Started {
  readonly page: Page
  /** From spawn to a page whose engine is ready. */
  readonly elapsedMs: number
  /** Memory of all its processes, pages they share divided among them; null where the system does not tell (Linux tells). */
  memoryBytes(): number | null
  /** Ends it. @returns its exit status, null where a signal ended it */
  end(): Promise<number | null>
}

const patienceMs = 60_000

export interface Starting {
  readonly environment?: NodeJS.ProcessEnv
  /** Whom it runs as, where root starts it. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** Starts a packed application with a configuration of its own; not as root. @param parameters a file to open, switches of Chromium */
export async function startApplication(
  program: string,
  parameters: readonly string[] = [],
  { environment = process.env, user }: Starting = {},
): Promise<Started> {
  if (process.getuid?.() === 0 && !user)
    throw new Error("Chromium's sandbox refuses root. Run this as another user, in a display of his: xvfb-run does.")
  const config = await mkdtemp(join(tmpdir(), 'ghostsvd-started-'))
  if (user) await chown(config, user.uid, user.gid)
  const started = performance.now()
  const child = spawn(program, ['--remote-debugging-port=0', ...parameters], {
    env: { ...environment, GHOSTSVD_CONFIG: config },
    stdio: 'ignore',
    ...user,
  })
  // The application keeps Chromium's data in its configuration; there Chromium writes which port it got.
  const portFile = join(config, 'browser/DevToolsActivePort')
  await waitFor(() => existsSync(portFile) && readFileSync(portFile, 'utf8').includes('\n'), child)
  // Electron's browser has nothing of what Playwright sets by default.
  const url = `http://127.0.0.1:${readFileSync(portFile, 'utf8').split('\n')[0]}`
  const browser = await chromium.connectOverCDP(url, { noDefaults: true })
  const [context] = browser.contexts()
  const page = context!.pages()[0] ?? (await context!.waitForEvent('page'))
  await usable(page)
  const elapsedMs = performance.now() - started
  return {
    page,
    elapsedMs,
    memoryBytes: () => treeBytes(child.pid!),
    async end() {
      const ended = exitOf(child)
      // As the window's own button does.
      await page.close()
      const status = await ended
      await rm(config, { recursive: true, force: true, maxRetries: 10 })
      return status
    },
  }
}

/** `ghostsvd serve` and the page in a Chromium that runs already, which is not counted. */
export async function startServe(cli: string, browser: string): Promise<Started> {
  const config = await mkdtemp(join(tmpdir(), 'ghostsvd-started-'))
  const viewer = await chromium.launch({ executablePath: browser })
  const page = await viewer.newPage()
  const started = performance.now()
  const child = spawn(process.execPath, [cli, 'serve', config], {
    env: { ...process.env, GHOSTSVD_CONFIG: config },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve))
  await page.goto(url)
  await usable(page)
  const elapsedMs = performance.now() - started
  return {
    page,
    elapsedMs,
    memoryBytes: () => treeBytes(child.pid!),
    async end() {
      const ended = exitOf(child)
      await viewer.close()
      child.kill('SIGINT')
      const status = await ended
      await rm(config, { recursive: true, force: true })
      return status
    },
  }
}

/** The engine behind the page says that it is ready. */
const usable = (page: Page) => page.locator('[data-engine="ready"]').waitFor({ timeout: patienceMs })

async function waitFor(holds: () => boolean, child: ChildProcess): Promise<void> {
  for (const end = performance.now() + patienceMs; !holds(); await pause(20)) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(
        `The application ended with ${child.signalCode ?? `exit code ${child.exitCode}`} before a page came.`,
      )
    if (performance.now() > end) throw new Error(`There is no page after ${patienceMs / 1000} s.`)
  }
}

const exitOf = (child: ChildProcess) =>
  child.exitCode === null
    ? new Promise<number | null>((resolve) => child.once('exit', resolve))
    : Promise.resolve(child.exitCode)

/** Proportional set size of a process and all that it started. */
function treeBytes(top: number): number | null {
  if (process.platform !== 'linux') return null
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const belongs = (pid: number): boolean => pid === top || (parents.has(pid) && belongs(parents.get(pid)!))
  const kibibytes = [...parents.keys()]
    .filter(belongs)
    .map((pid) => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0))
  return kibibytes.reduce((sum, each) => sum + each, 0) * 1024
}

/** Empty for a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
