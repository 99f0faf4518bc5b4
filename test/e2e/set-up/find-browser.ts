/** Which Chromium the browser tests drive: the one that was named, a system's, or Playwright's own download. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from '@playwright/test'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** @throws Error when CHROMIUM_PATH names a file that cannot be run: a wrong wish is not silently replaced */
export function findBrowser(environment: NodeJS.ProcessEnv = process.env): string | null {
  const wished = environment.CHROMIUM_PATH
  if (wished) {
    if (runs(wished)) return wished
    throw new Error(`CHROMIUM_PATH is ${wished}, which is no program.`)
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)))
  return [...candidates, chromium.executablePath()].find(runs) ?? null
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
