/** How this installation's command line is called, so that a line which is copied runs as it stands. */
import { basename, join, resolve, win32 } from 'node:path'

interface Process {
  readonly execPath: string
  readonly platform: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly versions: Readonly<Record<string, string | undefined>>
  /** Electron: whether it runs an application that is not packed. */
  readonly defaultApp?: boolean
}

/** The built command line: beside this module in its bundle, and in `out` for source. */
const built = join(import.meta.dirname, import.meta.url.endsWith('.ts') ? '../../out/main/cli.js' : './cli.js')

/** A program and its first arguments. */
export function ownCommand(
  { execPath, argv, env, versions, platform, defaultApp = false }: Process = process as Process,
  cli = built,
): string[] {
  // A packed application is its own command line; an AppImage runs from a place that is gone with it, and on Windows a script beside the
  // program is what a prompt waits for.
  if (versions.electron !== undefined && !defaultApp)
    return [platform === 'win32' ? win32.join(execPath, '../ghostsvd.cmd') : (env.APPIMAGE ?? execPath)]
  const script = argv[1] === undefined ? '' : basename(argv[1])
  // Installed by npm: a link on the PATH.
  if (versions.electron === undefined && script === 'ghostsvd') return ['ghostsvd']
  return ['node', resolve(cli)]
}
