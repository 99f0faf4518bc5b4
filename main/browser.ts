/** Opens the loopback page on this machine: a Chromium in a window of its own where there is one, else the system's browser. */
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const chromiums = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge']

export interface Opening {
  readonly environment: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly root: boolean
  /** The path behind a program's name, null where PATH has none. */
  which(name: string): Promise<string | null>
}

/** Program and arguments that show `url`, or null where it could not be seen: no display, or no program to open it. */
export async function browserCommand(url: string, opening: Opening): Promise<[string, ...string[]] | null> {
  const { environment, platform, root, which } = opening
  if (platform === 'linux' && !environment.DISPLAY && !environment.WAYLAND_DISPLAY) return null
  // Chromium refuses root, silently from here.
  for (const name of root ? [] : chromiums) {
    const program = await which(name)
    if (program) return [program, `--app=${url}`, '--window-size=1280,800']
  }
  if (platform === 'darwin') return ['open', url]
  // What the system itself opens addresses with. explorer opens a folder instead when an address has a ?; `start` is a word of cmd.exe
  // and would read & and % in it.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url]
  const opener = await which('xdg-open')
  return opener ? [opener, url] : null
}

export async function whichOnPath(name: string): Promise<string | null> {
  // A .cmd runs in a shell only, which an address must not come near.
  const endings = process.platform === 'win32' ? ['.exe'] : ['']
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const ending of endings) {
      const path = join(folder, name + ending)
      const executable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (folder && executable) return path
    }
  }
  return null
}

/** Starts the program and lets it live on by itself. Its output and its failure are ignored: the link is printed too. */
export function launch([program, ...parameters]: [string, ...string[]]): void {
  const child = spawn(program, parameters, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
