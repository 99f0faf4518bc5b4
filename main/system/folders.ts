/** Where the platform keeps an application's configuration and cache. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The platform's folder for configuration; $GHOSTSVD_CONFIG puts it elsewhere (a shared machine, a test). */
export function configFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (environment.GHOSTSVD_CONFIG) return environment.GHOSTSVD_CONFIG
  if (platform === 'win32') return join(environment.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), 'GhostSVD')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'GhostSVD')
  return join(environment.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'ghostsvd')
}

/** The platform's folder for what can be made again; beside the configuration where that was put elsewhere. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (environment.GHOSTSVD_CONFIG) return join(environment.GHOSTSVD_CONFIG, 'cache')
  if (platform === 'win32') return join(environment.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'GhostSVD')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'GhostSVD')
  return join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ghostsvd')
}
