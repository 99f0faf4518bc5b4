/**
 * `npm run package -- [--dir] [options of electron-builder]`: builds and packs. On Linux it needs nothing but Electron's runtime, dpkg-deb
 * and rpmbuild: the tools that electron-builder would download are here (fpm.ts, 7zip-bin).
 *
 * Where the runtime is not to be had, `--dir` packs a folder around a stand-in, so that its layout is known on any machine; an installer
 * around it would be a lie and is refused.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { path7za } from '7zip-bin'
import type { Configuration } from 'electron-builder'
// What its command line is made of: the options, and the function they are given to.
import { build, type CliOptions, configureBuildCommand, createYargs } from 'electron-builder/out/builder.js'
import { executableOf } from '../electron-runtime.ts'
import { makeStandInRuntime } from './stand-in-runtime.ts'

const root = join(import.meta.dirname, '../..')
const parameters = process.argv.slice(2)
process.chdir(root)

const vite = createRequire(import.meta.url).resolve('vite/package.json')
execFileSync(process.execPath, [join(dirname(vite), 'bin/vite.js'), 'build', '--app'], { stdio: 'inherit' })

// electron-builder signs and notarizes by these. A workflow without certificates gives them empty, which it would take for a file's name.
const signing =
  'CSC_LINK CSC_KEY_PASSWORD WIN_CSC_LINK WIN_CSC_KEY_PASSWORD APPLE_ID APPLE_APP_SPECIFIC_PASSWORD APPLE_TEAM_ID'
for (const name of signing.split(' ')) if (process.env[name] === '') delete process.env[name]

if (process.platform === 'linux') {
  process.env.CUSTOM_FPM_PATH = join(import.meta.dirname, 'fpm.ts')
  process.env.ELECTRON_BUILDER_7ZIP_PATH = path7za
  // npm keeps no modes of files that are no commands.
  chmodSync(path7za, 0o755)
  // electron-builder asks for 9, which takes four times as long for 2 % less.
  process.env.ELECTRON_BUILDER_COMPRESSION_LEVEL ??= '5'
  // fpm.ts is TypeScript: it runs in the node that runs this.
  process.env.PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
}

const options = (await configureBuildCommand(createYargs()).parse(parameters)) as CliOptions
const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(root, 'node_modules/electron/dist')
const hasRuntime = existsSync(join(dist, executableOf(process.platform)))
const standIn =
  !hasRuntime && options.dir && process.platform === 'linux' ? mkdtempSync(join(tmpdir(), 'ghostsvd-runtime-')) : null
if (standIn) {
  console.log("Electron's runtime is not here: packing around a stand-in, which shows the layout and does not start.")
  makeStandInRuntime(standIn)
}
// The runtime of another system or processor is downloaded: packing this machine's would give a program that cannot run there.
const download = null as unknown as string
const ours = standIn ?? (hasRuntime ? dist : download)
const electronDist: Configuration['electronDist'] = ({ platformName, arch }) =>
  platformName === process.platform && arch === process.arch ? ours : download
const config = typeof options.config === 'string' ? { extends: options.config } : options.config
try {
  await build({ ...options, config: { ...config, electronDist } })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  if (standIn) rmSync(standIn, { recursive: true, force: true })
}
