/**
 * `npm run package:trial -- FOLDER [options of electron-builder]`: packs the application into FOLDER around the old Electron of
 * test/e2e/set-up/old-electron, where Electron 45's own runtime cannot be had: the same code, archive, fuses and packages, so that
 * installed.ts can try them. The runtime is years old: what it packs is for a test, and never published.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { layOutForOldElectron } from '../e2e/set-up/old-electron/application.ts'
import { fetchOldElectron, oldElectronFolder } from '../e2e/set-up/old-electron/fetch.ts'

const root = resolve(import.meta.dirname, '../..')
const [output, ...parameters] = process.argv.slice(2)
if (output === undefined) throw new Error('Name the folder for the packages.')

const work = mkdtempSync(join(tmpdir(), 'ghostsvd-trial-'))
try {
  fetchOldElectron()
  const [runtime, application, config] = ['runtime', 'application', 'config.json'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ]
  // Its resources are what runs a folder under test, and no part of a runtime.
  cpSync(oldElectronFolder(), runtime, { recursive: true, filter: (source) => !source.endsWith('/resources/app') })
  mkdirSync(join(runtime, 'resources'), { recursive: true })

  await layOutForOldElectron(application)
  copyFileSync(join(root, 'LICENSE'), join(application, 'LICENSE'))
  // As the product's manifest, but for what makes modules of its files.
  const { type: _, devDependencies: __, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(application, 'package.json'), JSON.stringify(manifest))

  const version = readFileSync(join(runtime, 'version'), 'utf8').trim()
  const trial = {
    extends: join(root, 'electron-builder.yml'),
    electronVersion: version,
    directories: { app: application, output: resolve(output) },
    afterPack: join(import.meta.dirname, 'old-fuses.ts'),
  }
  writeFileSync(config, JSON.stringify(trial))
  execFileSync(process.execPath, [join(root, 'main/build/package.ts'), '--config', config, ...parameters], {
    cwd: root,
    env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: runtime },
    stdio: 'inherit',
  })
} finally {
  rmSync(work, { recursive: true, force: true })
}
