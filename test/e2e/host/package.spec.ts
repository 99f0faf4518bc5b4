/** The packed application, around a runtime or its stand-in: what is in it, where its code looks for it, and that it needs nothing else. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { path7za } from '7zip-bin'
import { makeStandInRuntime } from '../../../main/build/stand-in-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { root } from '../set-up/serving.ts'

const bin = (name: string) => join(root, 'node_modules/.bin', name)

/** What is in a package does not depend on how small it is. */
const inLittleTime = ['-c.compression=store', '-c.deb.compression=gz', '-c.rpm.compression=gzip']

/** As main/build/package.ts does, around the stand-in, which that refuses to make installers of. */
function pack(runtime: string, release: string, ...targets: string[]): void {
  const places = [`-c.electronDist=${runtime}`, `-c.directories.output=${release}`]
  const options = ['--linux', ...targets, ...places, ...inLittleTime]
  chmodSync(path7za, 0o755)
  const tools = { CUSTOM_FPM_PATH: join(root, 'main/build/fpm.ts'), ELECTRON_BUILDER_7ZIP_PATH: path7za }
  execFileSync(bin('electron-builder'), options, { cwd: root, stdio: 'pipe', env: { ...process.env, ...tools } })
}

test.beforeEach(({ hostKind }) => {
  test.skip(hostKind !== 'loopback' || process.platform !== 'linux', 'packs once, for Linux')
})

test('packages hold what the application needs and nothing else, and need no scripts', async ({ folder }) => {
  const [runtime, release, unpacked] = ['runtime', 'release', 'app'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(runtime)
  makeStandInRuntime(runtime)
  pack(runtime, release, 'deb', 'rpm', 'tar.gz')
  const resources = join(release, 'linux-unpacked', 'resources')
  execFileSync(bin('asar'), ['extract', join(resources, 'app.asar'), unpacked])

  const files = readdirSync(unpacked, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(unpacked, join(entry.parentPath, entry.name)))
  const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as { main: string; type: string }
  expect(manifest).toMatchObject({ main: 'out/main/electron.js', type: 'module' })
  for (const name of ['electron.js', 'preload.cjs', 'cli.js', 'engine.js', 'driver.js', 'team.js'])
    expect(files).toContain(`out/main/${name}`)
  expect(files).toContain('out/renderer/index.html')
  for (const name of ['licenses.txt', 'LICENSE']) expect(readdirSync(resources)).toContain(name)
  expect(files.filter((file) => !/^(out\/(main|renderer)\/|package\.json$|LICENSE$)/.test(file))).toEqual([])
  expect(files.filter((file) => /node_modules|\.map$|\.tsx?$/.test(file))).toEqual([])

  // Each module finds the modules it names: relative ones in the archive, the others in node or Electron.
  for (const file of files.filter((name) => /^out\/main\/.*\.c?js$/.test(name))) {
    const source = readFileSync(join(unpacked, file), 'utf8')
    for (const [, specifier] of source.matchAll(/^import (?:[^'"]* from )?"([^"]+)";$/gm)) {
      if (specifier!.startsWith('.'))
        expect(files, `${file} imports ${specifier}`).toContain(join(dirname(file), specifier!))
      else
        expect(specifier, file).toMatch(
          /^(node:|electron\/)|^(assert|async_hooks|buffer|child_process|crypto|events|fs|http|https|net|os|path|process|stream|tls|url|util|zlib)(\/|$)/,
        )
    }
  }

  // Away from the repository, without node_modules: the command line, the engine, its driver and its team.
  const model = join(folder, 'model.safetensors')
  const cli = (...parameters: string[]) =>
    execFileSync(process.execPath, [join(unpacked, 'out/main/cli.js'), ...parameters], {
      cwd: folder,
      encoding: 'utf8',
    })
  cli('sample', model, '--layers', '1', '--hidden', '128')
  const report = JSON.parse(
    cli('analyze', model, '--tensor', 'model.layers.0.self_attn.q_proj.weight', '--rank', '16', '--json'),
  )
  expect(report).toMatchObject({ rank: 16, matrix: [128, 128] })
  expect(report.relativeError).toBeLessThan(1)

  const fuses = stripVTControlCharacters(
    execFileSync(bin('electron-fuses'), ['read', '--app', join(release, 'linux-unpacked', 'ghostsvd')], {
      encoding: 'utf8',
    }),
  )
  for (const fuse of [
    'RunAsNode',
    'EnableNodeOptionsEnvironmentVariable',
    'EnableNodeCliInspectArguments',
    'GrantFileProtocolExtraPrivileges',
    'EnableCookieEncryption',
  ])
    expect(fuses).toContain(`${fuse} is Disabled`)
  for (const fuse of ['EnableEmbeddedAsarIntegrityValidation', 'OnlyLoadAppFromAsar'])
    expect(fuses).toContain(`${fuse} is Enabled`)
  checkPackages(release)
})

/** The packages in `release`: what they hold and ask for. No scripts: what is installed is what is listed, and nothing is left after it. */
function checkPackages(release: string): void {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const run = (program: string, ...parameters: string[]) =>
    execFileSync(program, parameters, { cwd: release, encoding: 'utf8' })

  const deb = `ghostsvd_${version}_amd64.deb`
  expect(run('dpkg-deb', '--field', deb, 'Package', 'Version', 'Section', 'Homepage')).toContain(`Version: ${version}`)
  expect(run('dpkg-deb', '--ctrl-tarfile', deb).includes('postinst')).toBe(false)
  const listed = run('dpkg-deb', '--contents', deb)
  expect(listed).toMatch(/^-rwsr-xr-x root\/root .* \.\/opt\/GhostSVD\/chrome-sandbox$/m)
  expect(listed).toMatch(/ \.\/usr\/bin\/ghostsvd -> \/opt\/GhostSVD\/ghostsvd$/m)
  const rpm = `ghostsvd-${version}.x86_64.rpm`
  expect(run('rpm', '--query', '--package', '--scripts', rpm)).toBe('')
  expect(run('rpm', '--query', '--package', '--requires', rpm)).toContain('libgtk-3.so.0()(64bit)')
  const inRpm = run('rpm', '--query', '--package', '--list', '--verbose', rpm)
  expect(inRpm).toMatch(/^-rwsr-xr-x .* \/opt\/GhostSVD\/chrome-sandbox$/m)
  const files = [
    '/usr/share/applications/ghostsvd.desktop',
    '/usr/share/mime/packages/ghostsvd.xml',
    '/usr/share/metainfo/org.ghostsvd.GhostSVD.metainfo.xml',
    '/usr/share/doc/ghostsvd/copyright',
    '/usr/share/icons/hicolor/16x16/apps/ghostsvd.png',
    '/usr/share/icons/hicolor/512x512/apps/ghostsvd.png',
    '/opt/GhostSVD/resources/app.asar',
    '/opt/GhostSVD/LICENSES.chromium.html',
  ]
  for (const file of files) {
    expect(listed).toContain(` .${file}\n`)
    expect(inRpm).toContain(` ${file}\n`)
  }
  expect(run('tar', '-tzf', `ghostsvd-${version}-linux-x64.tar.gz`)).toContain('resources/app.asar\n')
}

test('the command installs from its tarball, without anything else, and works', async ({ folder }) => {
  const npm = (...parameters: string[]) =>
    execFileSync('npm', [...parameters, '--offline', '--ignore-scripts', '--loglevel=error'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: join(folder, 'npm') },
    })
  const [packed] = JSON.parse(npm('pack', '--json', '--pack-destination', folder))
  expect(
    packed.files.map(({ path }: { path: string }) => path).filter((path: string) => path.endsWith('.map')),
  ).toEqual([])
  // 1.4 MB packed. A dependency that is bundled by mistake is more than what is left here.
  expect(packed.unpackedSize).toBeLessThan(5.25e6)
  const prefix = join(folder, 'prefix')
  npm('install', '--global', '--prefix', prefix, join(folder, packed.filename))
  expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual(['ghostsvd'])
  expect(readdirSync(join(prefix, 'lib/node_modules/ghostsvd'))).not.toContain('node_modules')
  const command = (...parameters: string[]) =>
    execFileSync(join(prefix, 'bin/ghostsvd'), parameters, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: folder },
    })
  expect(command('--version').trim()).toBe(packed.version)
  command('sample', 'model.safetensors', '--layers', '1', '--hidden', '128')
  expect(command('compress', 'model.safetensors', '--out', 'small.safetensors', '--rank', '16')).toContain(
    'Saved and checked',
  )
})
