/**
 * `npm test` begins with this, since tests are skipped where a program is absent: on Debian as root it installs what they need, elsewhere
 * it says what to run; and it finds or fetches an Electron to test the desktop application in.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setUpWindows, winePackages } from '../../windows/wine.ts'
import { electronRuntime, ownRuntime } from './electron-runtime.ts'
import { findBrowser, findProgram } from './find-program.ts'
import { fetchOldElectron, fitsThisMachine } from './old-electron/fetch.ts'
import { root } from './serving.ts'

/** Packages of Debian, and whether what they bring is here already. Electron needs no library that Chromium does not bring. */
const packages: Readonly<Record<string, () => boolean>> = {
  chromium: () => findBrowser() !== null,
  libvulkan1: () => spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout.includes('libvulkan.so.1'),
  // The judges of our numbers (test/judge) share no code with us.
  'python3-numpy': () => spawnSync('/usr/bin/python3', ['-c', 'import numpy']).status === 0,
  rpm: () => findProgram(['rpmbuild']) !== null,
  xvfb: () => findProgram(['Xvfb']) !== null,
  // The product on Windows (test/windows); there is a Node for x64 alone.
  ...(process.arch === 'x64' &&
    Object.fromEntries(winePackages.map((name) => [name, () => findProgram(['wine']) !== null]))),
}

const missing = Object.keys(packages).filter(
  (name) => (process.platform === 'linux' || name === 'chromium') && !packages[name]!(),
)
if (missing.length > 0) install(missing)
console.log(anElectron())
if (process.platform === 'linux') console.log(aWindows())

function install(names: readonly string[]): void {
  const debian = existsSync('/usr/bin/apt-get')
  if (debian && process.getuid?.() === 0) {
    console.log(`Installing ${names.join(', ')} with apt-get.`)
    for (const parameters of [['update'], ['install', '-y', '--no-install-recommends', ...names]])
      run('apt-get', '-qq', ...parameters)
    return
  }
  const command = debian ? `sudo apt-get install ${names.join(' ')}` : 'npx playwright install --with-deps chromium'
  console.log(`Some tests need ${names.join(', ')}, which this machine lacks. Run: ${command}`)
}

/** Which Electron the tests run in, or what is lacking. */
function anElectron(): string {
  const installer = join(root, 'node_modules/electron/install.js')
  // Silent: where it fails, its last word is a stack trace.
  if (!ownRuntime()) spawnSync(process.execPath, [installer], { stdio: 'ignore' })
  if (!ownRuntime() && fitsThisMachine) {
    try {
      fetchOldElectron()
    } catch (error) {
      return `No desktop tests: Electron's runtime cannot be downloaded ("npx install-electron" says why), nor an old one (${(error as Error).message}).`
    }
  }
  const runtime = electronRuntime()
  return runtime
    ? `Desktop tests run in Electron ${runtime.version}: ${runtime.program}`
    : 'No desktop tests: Electron\'s runtime cannot be downloaded. "npx install-electron" says why.'
}

/** Whether the product is tested on Windows, or what is lacking. */
function aWindows(): string {
  try {
    setUpWindows()
    return 'Tests on Windows run by Node for Windows, under Wine.'
  } catch (error) {
    return `No tests under Wine: ${(error as Error).message}`
  }
}

function run(program: string, ...parameters: string[]): void {
  const { status } = spawnSync(program, parameters, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) throw new Error(`${program} ${parameters.join(' ')} ended with exit code ${status}.`)
}
