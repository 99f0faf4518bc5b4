/**
 * `npm run package -- [--dir] [options of electron-builder]`: builds and packs. Where Electron's runtime is not to be had, a folder is
 * packed around a stand-in, so that its layout is known on any machine; an installer around it would be a lie and is refused.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeStandInRuntime } from './stand-in-runtime.ts'

const root = join(import.meta.dirname, '../..')
const parameters = process.argv.slice(2)
const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(root, 'node_modules/electron/dist')

function run(command: string, ...rest: string[]): void {
  const program = join(root, 'node_modules/.bin', process.platform === 'win32' ? `${command}.cmd` : command)
  const { status } = spawnSync(program, rest, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}

run('vite', 'build', '--app')
if (existsSync(join(dist, 'version'))) run('electron-builder', `-c.electronDist=${dist}`, ...parameters)
else if (!parameters.includes('--dir') || process.platform !== 'linux') run('electron-builder', ...parameters)
else {
  const standIn = mkdtempSync(join(tmpdir(), 'ghostsvd-runtime-'))
  console.log(`Electron's runtime is not here: packing around a stand-in, which shows the layout and does not start.`)
  makeStandInRuntime(standIn)
  run('electron-builder', `-c.electronDist=${standIn}`, ...parameters)
  rmSync(standIn, { recursive: true, force: true })
}
