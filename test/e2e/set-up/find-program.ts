/** The programs that browser tests need, where this machine has them. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from '@playwright/test'

const browsers = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/**
 * The Chromium that is driven: the one that was named, a system's, or Playwright's own download.
 * @throws Error when CHROMIUM_PATH names a file that cannot be run: a wrong wish is not silently replaced
 */
export function findBrowser(environment: NodeJS.ProcessEnv = process.env): string | null {
  const wished = environment.CHROMIUM_PATH
  if (wished) {
    if (runs(wished)) return wished
    throw new Error(`CHROMIUM_PATH is ${wished}, which is no program.`)
  }
  return findProgram(browsers, environment) ?? [chromium.executablePath()].find(runs) ?? null
}

/** The first of these names on the PATH. */
export function findProgram(names: readonly string[], environment: NodeJS.ProcessEnv = process.env): string | null {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(runs) ?? null
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
