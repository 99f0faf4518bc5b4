/** Where the platform keeps an application's configuration and cache. */
import { homedir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** The platform's folder for configuration; $GHOSTSVD_CONFIG puts it elsewhere (a shared machine, a test). */
export function configFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (environment.GHOSTSVD_CONFIG) return resolve(environment.GHOSTSVD_CONFIG)
  if (platform === 'win32')
    return join(absoluteOrNull(environment.APPDATA) ?? join(home(), 'AppData', 'Roaming'), 'GhostSVD')
  if (platform === 'darwin') return join(home(), 'Library', 'Application Support', 'GhostSVD')
  return join(absoluteOrNull(environment.XDG_CONFIG_HOME) ?? join(home(), '.config'), 'ghostsvd')
}

/** The platform's folder for what can be made again; beside the configuration where that was put elsewhere. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (environment.GHOSTSVD_CONFIG) return join(resolve(environment.GHOSTSVD_CONFIG), 'cache')
  if (platform === 'win32')
    return join(absoluteOrNull(environment.LOCALAPPDATA) ?? join(home(), 'AppData', 'Local'), 'GhostSVD')
  if (platform === 'darwin') return join(home(), 'Library', 'Caches', 'GhostSVD')
  return join(absoluteOrNull(environment.XDG_CACHE_HOME) ?? join(home(), '.cache'), 'ghostsvd')
}

/** A variable that is empty or relative names no folder (XDG Base Directory Specification): the current one would be written into. */
function absoluteOrNull(folder: string | undefined): string | null {
  return folder && isAbsolute(folder) ? folder : null
}

/** An empty $HOME names none either: the system's own entry of the user does. */
function home(): string {
  return absoluteOrNull(homedir()) ?? userInfo().homedir
}
