/**
 * Finds the program that runs Electron, or says in a clause why there is none. The package `electron` is small; its runtime (about
 * 110 MB) comes from another server than npm's, which a closed machine cannot reach: nothing may wait for it there.
 */
import { spawn } from 'node:child_process'
import { access, readdir } from 'node:fs/promises'
import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { inEnglish, say } from '../core/messages/english.ts'
import type { Message } from '../core/messages/message.ts'
import { foreign } from '../core/messages/text.ts'

export type Runtime = { readonly program: string } | { readonly missing: Message }

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
  /** Null where any answer comes from `url`, through the proxy that `environment` names for it; else why none does. */
  unreachable(url: URL, environment: NodeJS.ProcessEnv): Promise<string | null>
  /** Runs Electron's own downloader, which says on stderr what goes wrong; its exit code. */
  install(script: string, environment: NodeJS.ProcessEnv): Promise<number>
  tell(what: Message): void
}

/** A server that is there answers sooner, through a proxy too; one that is not must not hold up the start. */
const answerMs = 4000
const defaultMirror = 'https://github.com/electron/electron/releases/download/'

export async function findRuntime(machine: Machine): Promise<Runtime> {
  const { environment, platform, electronPackage } = machine
  const executable = executableOf(platform)
  const override = environment.ELECTRON_OVERRIDE_DIST_PATH
  if (override) {
    const program = join(override, executable)
    return (await machine.exists(program))
      ? usable(machine, program)
      : { missing: say('start.no-program', { program: foreign(program) }) }
  }
  if (electronPackage === null) return { missing: say('start.no-package') }
  const program = join(electronPackage, 'dist', executable)
  if (await machine.exists(program)) return usable(machine, program)

  const obstacle = noDesktop(machine)
  if (obstacle) return { missing: say('start.not-installed', { why: obstacle }) }
  const withProxy = proxyEnvironment(environment)
  if (!(await isCached(machine))) {
    const address = archiveAddress(machine)
    if (!URL.canParse(address)) {
      const why = say('start.no-address', { address: foreign(address) })
      return { missing: say('start.not-installed', { why }) }
    }
    const url = new URL(address)
    const why = await machine.unreachable(url, withProxy)
    if (why !== null) return { missing: say('start.unreachable', { host: foreign(url.host), why: foreign(why) }) }
  }
  machine.tell(say('start.fetching'))
  const code = await machine.install(join(electronPackage, 'install.js'), withProxy)
  return code === 0 && (await machine.exists(program))
    ? usable(machine, program)
    : { missing: say('start.download-failed', { code }) }
}

function usable(machine: Machine, program: string): Runtime {
  const obstacle = noDesktop(machine)
  return obstacle ? { missing: obstacle } : { program }
}

/** Why a window cannot be opened even with a runtime. */
function noDesktop({ environment, platform, root }: Machine): Message | null {
  if (platform === 'linux' && !environment.DISPLAY && !environment.WAYLAND_DISPLAY) return say('start.no-display')
  // Chromium's sandbox refuses root, and without its sandbox it is not what this application promises.
  if (platform === 'linux' && root) return say('start.root')
  return null
}

/** Electron's program in the folder of its runtime. */
export function executableOf(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron'
  return platform === 'win32' ? 'electron.exe' : 'electron'
}

const archiveName = (version: string, { platform, arch }: Machine) => `electron-v${version}-${platform}-${arch}.zip`

/** What `@electron/get` will fetch: its variables, in its order (artifact-utils.ts). */
function archiveAddress(machine: Machine): string {
  const version = electronVersion(machine)
  const asked = (name: string, otherwise: string) => {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
    const names = [
      `npm_config_electron_${name.toLowerCase()}`,
      `NPM_CONFIG_ELECTRON_${snake.toUpperCase()}`,
      `npm_config_electron_${snake}`,
      `npm_package_config_electron_${name}`,
      `npm_package_config_electron_${snake}`,
      `ELECTRON_${snake.toUpperCase()}`,
    ]
    return names.map((each) => machine.environment[each]).find(Boolean) ?? otherwise
  }
  const folder = asked('customDir', `v${version}`).replace('{{ version }}', version)
  return `${asked('mirror', defaultMirror)}${folder}/${asked('customFilename', archiveName(version, machine))}`
}

/** npm's proxy settings count too; node's own requests use a proxy only on request. */
function proxyEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { npm_config_proxy: http, npm_config_https_proxy: https, npm_config_noproxy: none } = environment
  const filled: NodeJS.ProcessEnv = { ...environment, NODE_USE_ENV_PROXY: '1' }
  const fill = (name: string, value: string | undefined) => {
    if (value && !environment[name] && !environment[name.toLowerCase()]) filled[name] = value
  }
  fill('HTTP_PROXY', http)
  fill('HTTPS_PROXY', https || http)
  fill('NO_PROXY', none)
  return filled
}

function electronVersion({ electronPackage }: Machine): string {
  const { version } = createRequire(import.meta.url)(join(electronPackage!, 'package.json')) as { version: string }
  return version
}

/** Whether the runtime's archive lies in Electron's download cache, one folder deep. */
async function isCached(machine: Machine): Promise<boolean> {
  const { environment, platform } = machine
  const cache = environment.electron_config_cache ?? defaultCache(environment, platform)
  const archive = archiveName(electronVersion(machine), machine)
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
    install: (script, env) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'], env })
        child.on('error', () => resolve(1))
        child.on('exit', (code) => resolve(code ?? 1))
      }),
    tell: (what) => console.log(inEnglish(what)),
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

/** Asks for the head alone. Whatever is answered, the server is there; what it then refuses, the downloader says. */
function unreachable(url: URL, environment: NodeJS.ProcessEnv): Promise<string | null> {
  const plain = url.protocol === 'http:'
  // A node older than the option (20) ignores it and connects directly.
  const options = { proxyEnv: environment }
  const agent = plain ? new HttpAgent(options) : new HttpsAgent(options)
  return new Promise((resolve) => {
    const request = (plain ? requestHttp : requestHttps)(url, { method: 'HEAD', agent })
    // The socket's own timeout would begin again at every step: name, proxy, handshake.
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${answerMs / 1000} s`)), answerMs)
    const end = (why: string | null) => {
      clearTimeout(timer)
      resolve(why)
      request.destroy()
    }
    request.on('response', () => end(null))
    request.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    request.end()
  })
}
