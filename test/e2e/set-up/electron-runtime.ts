/** The Electron that the tests run in: the project's own where it is there, else the old one of old-electron/fetch.ts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fitsThisMachine, oldElectronFolder } from './old-electron/fetch.ts'
import { root } from './serving.ts'

export interface ElectronRuntime {
  readonly folder: string
  readonly program: string
  readonly version: string
  /** The application as this runtime takes it: the project itself or, where main processes know no ES modules, its form for the old one. */
  readonly application: string
  readonly old: boolean
}

const executable =
  { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform as string] ?? 'electron'
/** The first with ES modules in its main process. */
const modulesSince = 28

export function electronRuntime(): ElectronRuntime | null {
  return ownRuntime() ?? (fitsThisMachine ? runtimeIn(oldElectronFolder()) : null)
}

export function ownRuntime(): ElectronRuntime | null {
  return runtimeIn(process.env.ELECTRON_OVERRIDE_DIST_PATH || join(root, 'node_modules/electron/dist'))
}

function runtimeIn(folder: string): ElectronRuntime | null {
  const program = join(folder, executable)
  if (!existsSync(program)) return null
  const version = readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  const old = Number.parseInt(version, 10) < modulesSince
  return {
    folder,
    program,
    version,
    old,
    application: old ? join(root, 'node_modules/.cache/ghostsvd/old-electron') : root,
  }
}
