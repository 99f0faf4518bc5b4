/**
 * `node test/package/installed.ts PACKAGE.deb FOLDER` (root, Debian, Xvfb, xdotool, imagemagick, desktop-file-utils): what a user does with the package.
 * Installs it by apt-get; looks at its menu entry, types, fuses; runs its command, and its window as another user with Chromium's sandbox
 * on; ends it, purges it, and lists what is left. Pictures go to FOLDER. It changes the machine it runs on, so it is no part of `npm test`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startApplication } from './drive.ts'

const [debPath, picturesPath] = process.argv.slice(2)
if (debPath === undefined || picturesPath === undefined) throw new Error('Name the package and a folder for pictures.')
const [deb, pictures] = [resolve(debPath), resolve(picturesPath)]
const root = resolve(import.meta.dirname, '../..')
const user = 'ghostsvd-trial'
const display = ':79'
const failures: string[] = []

function check(what: string, holds: boolean, seen: unknown = ''): void {
  console.log(`${holds ? 'holds ' : 'FAILS '} ${what}${seen === '' ? '' : `: ${seen}`}`)
  if (!holds) failures.push(what)
}

function run(program: string, ...parameters: string[]): string {
  return execFileSync(program, parameters, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** Exit status and output of a command of the other user's, whose environment is his own. */
function asUser(environment: Record<string, string>, ...command: string[]): { status: number; text: string } {
  const assignments = Object.entries({ HOME: home, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', ...environment })
  const words = ['-u', user, '--', 'env', '-i', ...assignments.map(([name, value]) => `${name}=${value}`), ...command]
  try {
    return { status: 0, text: execFileSync('runuser', words, { encoding: 'utf8', cwd: home, stdio: 'pipe' }) }
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string }
    return { status: status ?? -1, text: `${stdout}${stderr}` }
  }
}

/** Every path where packages put files, but those that dpkg, logs and caches may leave by their nature. */
function systemFiles(): Set<string> {
  const left = ['/var/lib/dpkg', '/var/lib/apt', '/var/log', '/var/cache', '/var/tmp']
  const pruned = left.flatMap((path) => ['-path', path, '-o']).slice(0, -1)
  return new Set(run('find', '/etc', '/opt', '/usr', '/var', '(', ...pruned, ')', '-prune', '-o', '-print').split('\n'))
}

const before = systemFiles()
mkdirSync(pictures, { recursive: true })
run('useradd', '--create-home', '--shell', '/bin/sh', user)
const home = run('getent', 'passwd', user).split(':')[5]!
try {
  // apt's own user reads the package.
  const readable = mkdtempSync(join(tmpdir(), 'ghostsvd-deb-'))
  chmodSync(readable, 0o755)
  copyFileSync(deb, join(readable, basename(deb)))
  run('apt-get', 'install', '-y', '--no-install-recommends', join(readable, basename(deb)))
  rmSync(readable, { recursive: true })
  lookAtFiles()
  lookAtCommand()
  await lookAtWindow()
} finally {
  run('apt-get', 'purge', '-y', 'ghostsvd')
  console.log(
    `left in the user's home: ${asUser({}, 'find', '.config', '.cache', '-maxdepth', '1').text.split('\n').join(' ')}`,
  )
  execFileSync('userdel', ['--remove', user], { stdio: 'ignore' })
}
const left = [...systemFiles()].filter(
  (path) => !before.has(path) && !/^\/etc\/(sub[ug]id|passwd|group|g?shadow)-$/.test(path),
)
check('nothing is left on the system after a purge', left.length === 0, left.join(' '))
if (failures.length > 0) {
  console.error(`${failures.length} failed.`)
  process.exitCode = 1
}

function lookAtFiles(): void {
  const entry = '/usr/share/applications/ghostsvd.desktop'
  run('desktop-file-validate', entry)
  check(
    'the menu entry is valid and known',
    readFileSync('/usr/share/applications/mimeinfo.cache', 'utf8').includes('ghostsvd.desktop'),
  )
  run('appstreamcli', 'validate', '--no-net', '/usr/share/metainfo/org.ghostsvd.GhostSVD.metainfo.xml')
  const types = /^MimeType=(.*)$/m.exec(readFileSync(entry, 'utf8'))![1]!.split(';').filter(Boolean)
  const globs = readFileSync('/usr/share/mime/globs2', 'utf8')
  check(
    'every type of the menu entry is known to the system',
    types.every((type) => globs.includes(`:${type}:`)),
    types.join(' '),
  )
  const sandbox = statSync('/opt/GhostSVD/chrome-sandbox')
  check("Chromium's sandbox helper is root's and setuid", sandbox.uid === 0 && (sandbox.mode & 0o7777) === 0o4755)
  for (const size of [16, 48, 512]) statSync(`/usr/share/icons/hicolor/${size}x${size}/apps/ghostsvd.png`)
  for (const notice of [
    'LICENSE.electron.txt',
    'LICENSES.chromium.html',
    'resources/licenses.txt',
    'resources/LICENSE',
  ])
    check(`${notice} is there`, existsSync(join('/opt/GhostSVD', notice)))
  const needed = [...run('objdump', '-p', '/opt/GhostSVD/ghostsvd').matchAll(/NEEDED\s+(\S+)/g)].map(
    ([, name]) => name!,
  )
  const depends = /^Depends: (.*)$/m.exec(run('dpkg', '--status', 'ghostsvd'))![1]!
  const lacking = needed.filter(
    (library) => !existsSync(join('/opt/GhostSVD', library)) && !dependsOn(depends, library),
  )
  check('the package depends on every library its program is linked to', lacking.length === 0, lacking.join(' '))
  const fuses = run(
    process.execPath,
    join(root, 'node_modules/@electron/fuses/dist/bin.js'),
    'read',
    '--app',
    '/opt/GhostSVD/ghostsvd',
  )
  const on = [...fuses.matchAll(/(\w+) is (?:\S*\[\d+m)?Enabled/g)].map(([, name]) => name)
  check(
    'fuses',
    on.join(' ') === 'EnableEmbeddedAsarIntegrityValidation OnlyLoadAppFromAsar',
    `${on.join(' ')}, all others off`,
  )
}

/** Whether the package that owns a library is named. libc6 brings the compiler's libgcc-s1 along. */
function dependsOn(depends: string, library: string): boolean {
  if (library.startsWith('ld-linux') || library.startsWith('libgcc_s')) return true
  // Packages own a library by its file's name, wherever /lib leads.
  const owner = run('dpkg-query', '--search', `*/${library}`).split(':')[0]!
  return depends.split(/[,|]\s*/).some((name) => name.trim() === owner)
}

function lookAtCommand(): void {
  const without = asUser({}, 'ghostsvd', '--version')
  check(
    'without a display the command works, or says in a sentence what it needs',
    without.status === 0 || (without.status === 1 && without.text.includes('needs a display')),
    `status ${without.status}, ${without.text.trim().split('\n').at(-1)}`,
  )
  const inDisplay = (...command: string[]) => asUser({}, 'xvfb-run', '-a', ...command)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  check('with one it says its version', inDisplay('ghostsvd', '--version').text.split('\n').includes(version))
  const sample = inDisplay('ghostsvd', 'sample', 'model.safetensors', '--layers', '2', '--hidden', '256')
  check(
    'it writes a sample',
    sample.status === 0,
    sample.text
      .trim()
      .split('\n')
      .find((line) => line.startsWith('Wrote')),
  )
  const small = inDisplay('ghostsvd', 'compress', 'model.safetensors', '--out', 'small.safetensors', '--rank', '32')
  check('it compresses it', small.status === 0 && small.text.includes('Saved and checked'), `status ${small.status}`)
}

async function lookAtWindow(): Promise<void> {
  const server = spawn('Xvfb', [display, '-screen', '0', '1400x900x24', '-nolisten', 'tcp'], { stdio: 'ignore' })
  try {
    while (!existsSync(`/tmp/.X11-unix/X${display.slice(1)}`)) await pause(50)
    const environment = { HOME: home, PATH: '/usr/bin:/bin', DISPLAY: display, LANG: 'C.UTF-8' }
    const ids = { uid: Number(run('id', '-u', user)), gid: Number(run('id', '-g', user)) }
    const model = join(home, 'model.safetensors')
    const application = spawn('ghostsvd', [model], { cwd: home, env: environment, stdio: 'ignore', ...ids })
    const ended = once(application, 'exit')
    const x = (...parameters: string[]) =>
      execFileSync('xdotool', parameters, { encoding: 'utf8', env: { ...process.env, DISPLAY: display } })
    const title = await within(30_000, () => {
      const [window] = x('search', '--onlyvisible', '--name', 'GhostSVD').split('\n')
      return window ? x('getwindowname', window).trim() : null
    })
    check('a window opens', title !== null, title)
    await pause(5000)
    run('import', '-display', display, '-window', 'root', join(pictures, 'installed.png'))
    lookAtProcesses()
    x('key', 'ctrl+q')
    const [code] = await Promise.race([ended, pause(15_000, ['still running'])])
    check('it ends when it is asked to', code === 0, code)
    if (application.exitCode === null) application.kill('SIGKILL')
    // Once more with the port that shows the page.
    const again = await startApplication('/opt/GhostSVD/ghostsvd', [model], { environment, user: ids })
    const shown = again.page.getByText('model.safetensors').first()
    check(
      'it opens the file that it is given',
      await shown.waitFor({ timeout: 30_000 }).then(
        () => true,
        () => false,
      ),
    )
    check('it ends when its window is closed', (await again.end()) === 0)
  } finally {
    server.kill()
  }
}

function lookAtProcesses(): void {
  const ours = readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && commandOf(pid).startsWith('/opt/GhostSVD/ghostsvd'),
  )
  check(
    'no process runs with a sandbox switched off',
    ours.every((pid) => !/--no-sandbox/.test(commandOf(pid))),
  )
  const pages = ours.filter((pid) => commandOf(pid).includes('--type=renderer'))
  const filtered = pages.filter((pid) => /^Seccomp:\s+2$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
  const ownUsers = pages.filter(
    (pid) => run('readlink', `/proc/${pid}/ns/user`) !== run('readlink', '/proc/self/ns/user'),
  )
  check(
    'every page is in the sandbox: filtered system calls, and a namespace or the helper',
    pages.length > 0 && filtered.length === pages.length,
    `${pages.length} of ${ours.length} processes, ${ownUsers.length} in a user namespace of their own`,
  )
  const ports = run('ss', '-Hltnp')
    .split('\n')
    .filter((line) => line.includes('ghostsvd'))
  check('no TCP port is open', ports.length === 0, ports.join())
  const kibibytes = ours.map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0),
  )
  console.log(
    `memory: ${ours.length} processes, ${Math.round(kibibytes.reduce((a, b) => a + b, 0) / 1024)} MiB (proportional share)`,
  )
}

/** Empty for a process that has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

async function within<T>(ms: number, look: () => T | null): Promise<T | null> {
  for (const end = performance.now() + ms; performance.now() < end; await pause(100)) {
    try {
      const seen = look()
      if (seen !== null) return seen
    } catch {
      // xdotool fails while there is no window.
    }
  }
  return null
}
