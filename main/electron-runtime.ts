/**
 * Finds the program that runs Electron, or says in a clause why there is none. The package `electron` is small; its runtime (about
 * 110 MB) comes from another server than npm's, which a closed machine cannot reach: nothing may wait for it there.
 */
import { spawn } from 'node:child_process'
import { access, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export type Runtime = { readonly program: string } | { readonly missing: string }

/** Everything that is asked of the machine, so that a test can be one. */
export interface Machine {
  readonly environment: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly root: boolean
  /** Folder of the package `electron`, null where it is not installed. */
  readonly electronPackage: string | null
  exists(path: string): Promise<boolean>
  list(folder: string): Promise<string[]>
  /** Null, or why a connection to `host` fails. */
  unreachable(host: string, port: number): Promise<string | null>
  /** Runs Electron's own downloader; its exit code. */
  install(script: string): Promise<number>
  say(line: string): void
}

/** A server that is there answers sooner; one that is not must not hold up the start. */
const probeMs = 1000
const defaultMirror = 'https://github.com/electron/electron/releases/download/'

export async function findRuntime(machine: Machine): Promise<Runtime> {
  const { environment, platform, electronPackage } = machine
  const executable = executableOf(platform)
  const override = environment.ELECTRON_OVERRIDE_DIST_PATH
  if (override) {
    const program = join(override, executable)
    return (await machine.exists(program)) ? usable(machine, program) : { missing: `there is no ${program}` }
  }
  if (electronPackage === null) return { missing: 'the package electron is not installed' }
  const program = join(electronPackage, 'dist', executable)
  if (await machine.exists(program)) return usable(machine, program)

  const obstacle = noDesktop(machine)
  if (obstacle) return { missing: `it is not installed here, and ${obstacle}` }
  const mirror = new URL(environment.npm_config_electron_mirror || environment.ELECTRON_MIRROR || defaultMirror)
  if (!(await isCached(machine))) {
    const port = Number(mirror.port) || (mirror.protocol === 'http:' ? 80 : 443)
    const why = await machine.unreachable(mirror.hostname, port)
    if (why !== null) return { missing: `it is not installed here and ${mirror.hostname} cannot be reached (${why})` }
  }
  machine.say("Fetching Electron's runtime (about 110 MB, once)...")
  const code = await machine.install(join(electronPackage, 'install.js'))
  return code === 0 && (await machine.exists(program))
    ? usable(machine, program)
    : { missing: `its download failed (exit code ${code}; "npx install-electron" tries again)` }
}

function usable(machine: Machine, program: string): Runtime {
  const obstacle = noDesktop(machine)
  return obstacle ? { missing: obstacle } : { program }
}

/** Why a window cannot be opened even with a runtime. */
function noDesktop({ environment, platform, root }: Machine): string | null {
  if (platform === 'linux' && !environment.DISPLAY && !environment.WAYLAND_DISPLAY) return 'there is no display'
  // Chromium's sandbox refuses root, and without its sandbox it is not what this application promises.
  if (platform === 'linux' && root) return 'its sandbox does not run as root'
  return null
}

function executableOf(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron'
  return platform === 'win32' ? 'electron.exe' : 'electron'
}

/** Whether the runtime's archive lies in Electron's download cache, one folder deep. */
async function isCached(machine: Machine): Promise<boolean> {
  const { environment, platform, arch, electronPackage } = machine
  const cache = environment.electron_config_cache ?? defaultCache(environment, platform)
  const { version } = createRequire(import.meta.url)(join(electronPackage!, 'package.json')) as { version: string }
  const archive = `electron-v${version}-${platform}-${arch}.zip`
  for (const folder of await machine.list(cache)) {
    if (await machine.exists(join(cache, folder, archive))) return true
  }
  return false
}

function defaultCache(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'electron')
  if (platform === 'win32')
    return join(environment.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'electron', 'Cache')
  return join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'electron')
}

/** The machine this runs on. */
export function thisMachine(): Machine {
  return {
    environment: process.env,
    platform: process.platform,
    arch: process.arch,
    root: process.getuid?.() === 0,
    electronPackage: electronPackage(),
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    list: (folder) => readdir(folder).catch(() => []),
    unreachable,
    install: (script) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'ignore'] })
        child.on('error', () => resolve(1))
        child.on('exit', (code) => resolve(code ?? 1))
      }),
    say: (line) => console.log(line),
  }
}

function electronPackage(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('electron/package.json'))
  } catch {
    // Not installed: npm ci --omit=dev leaves it out.
    return null
  }
}

function unreachable(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeMs })
    const end = (why: string | null) => {
      socket.destroy()
      resolve(why)
    }
    socket.on('connect', () => end(null))
    socket.on('timeout', () => end(`no answer within ${probeMs / 1000} s`))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
