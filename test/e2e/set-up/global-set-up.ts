/** Before the browser tests: a browser. On Debian as root it is installed; elsewhere the command to run is said. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findBrowser } from './find-browser.ts'

export default function globalSetUp(): void {
  const found = findBrowser()
  if (found) {
    console.log(`Browser: ${found}`)
    return
  }
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0)
    throw new Error(
      'No Chromium was found. Run "npx playwright install --with-deps chromium", or name one in CHROMIUM_PATH.',
    )
  console.log('No Chromium was found: installing the package chromium with apt-get (as root, on Debian).')
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  if (!findBrowser()) throw new Error('apt-get has installed chromium, and there is still no program of that name.')
}

function apt(...parameters: string[]): void {
  const { status } = spawnSync('apt-get', parameters, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0)
    throw new Error(
      `apt-get ${parameters.join(' ')} failed. Run "npx playwright install --with-deps chromium", or name a Chromium in CHROMIUM_PATH.`,
    )
}
