/** The packed application, around a runtime or its stand-in: what is in it, where its code looks for it, and that it needs nothing else. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { makeStandInRuntime } from '../../../main/build/stand-in-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { root } from '../set-up/serving.ts'

const bin = (name: string) => join(root, 'node_modules/.bin', name)

test.beforeEach(({ hostKind }) => {
  test.skip(hostKind !== 'loopback' || process.platform !== 'linux', 'packs once, for Linux')
})

test('the archive has everything the application needs, and nothing else', async ({ folder }) => {
  const [runtime, release, unpacked] = ['runtime', 'release', 'app'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(runtime)
  makeStandInRuntime(runtime)
  const options = ['--dir', '--linux', `-c.electronDist=${runtime}`, `-c.directories.output=${release}`]
  execFileSync(bin('electron-builder'), options, { cwd: root, stdio: 'pipe' })
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
  ])
    expect(fuses).toContain(`${fuse} is Disabled`)
  for (const fuse of ['EnableCookieEncryption', 'EnableEmbeddedAsarIntegrityValidation', 'OnlyLoadAppFromAsar'])
    expect(fuses).toContain(`${fuse} is Enabled`)
})
