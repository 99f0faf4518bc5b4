/**
 * `npm run package:start -- FOLDER`: starts each package in FOLDER that this machine can start, as its user gets it - unpacked, mounted, installed
 * for this user alone - and waits for a usable page. A .deb is left to installed.ts, which needs root; an .rpm is unpacked, not installed.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startApplication } from './drive.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder with the packages.')
const work = mkdtempSync(join(tmpdir(), 'ghostsvd-packages-'))

const run = (program: string, ...parameters: string[]) =>
  execFileSync(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })

/** By the end of its name: lays a package out in `to` and gives its program, with what the program needs in addition. */
const ways: Readonly<
  Record<string, (path: string, to: string) => readonly [program: string, ...parameters: string[]]>
> = {
  '.tar.gz': (path, to) => {
    run('tar', '-xzf', path, '-C', to)
    return [join(to, readdirSync(to)[0]!, 'ghostsvd')]
  },
  '.rpm': (path, to) => {
    execFileSync('sh', ['-c', 'rpm2archive - < "$1" | tar -xzf -', 'sh', path], { cwd: to })
    return [join(to, 'opt/GhostSVD/ghostsvd')]
  },
  '.AppImage': (path) => {
    chmodSync(path, 0o755)
    // Without FUSE too.
    return [path, '--appimage-extract-and-run']
  },
  '.dmg': (path, to) => {
    run('hdiutil', 'attach', path, '-nobrowse', '-mountpoint', to)
    return [join(to, 'GhostSVD.app/Contents/MacOS/GhostSVD')]
  },
  '.zip': (path, to) => {
    run('ditto', '-x', '-k', path, to)
    return [join(to, 'GhostSVD.app/Contents/MacOS/GhostSVD')]
  },
  '-portable.exe': (path) => [path],
  '.exe': (path, to) => {
    // NSIS: silently, and into a folder, which has to be the last word.
    run(path, '/S', `/D=${to}`)
    return [join(to, 'GhostSVD.exe')]
  },
}

let started = 0
try {
  for (const name of readdirSync(folder).sort()) {
    const ending = Object.keys(ways).find((each) => name.endsWith(each))
    if (ending === undefined) continue
    const to = join(work, String(started++))
    mkdirSync(to)
    const [program, ...parameters] = ways[ending]!(resolve(folder, name), to)
    const application = await startApplication(program, parameters)
    const status = await application.end()
    console.log(`${name}: a usable page after ${(application.elapsedMs / 1000).toFixed(1)} s, ended with ${status}`)
    if (ending === '.dmg') run('hdiutil', 'detach', to)
    const uninstaller = join(to, 'Uninstall GhostSVD.exe')
    if (existsSync(uninstaller)) run(uninstaller, '/S')
  }
} finally {
  rmSync(work, { recursive: true, force: true, maxRetries: 10 })
}
if (started === 0) throw new Error(`There is no package in ${folder} that this system can start.`)
