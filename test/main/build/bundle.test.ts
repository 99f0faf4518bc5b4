/** What is shipped, built for real: the same bytes wherever it is built, every bundled package's license, and a command that starts. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)
const sources = ['core', 'main', 'renderer', 'package.json', 'tsconfig.base.json', 'vite.config.ts']

let folder: string
let builds: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-bundle-'))
  builds = ['here', 'a folder with spaces and a longer name'].map((name) => join(folder, name))
  for (const build of builds) {
    await mkdir(build)
    for (const source of sources) await cp(join(root, source), join(build, source), { recursive: true })
    await symlink(join(root, 'node_modules'), join(build, 'node_modules'), 'junction')
    const vite = join(build, 'node_modules/vite/bin/vite.js')
    // vitest's NODE_ENV would make it a development build.
    const { NODE_ENV: _, ...env } = process.env
    await run(process.execPath, [vite, 'build', '--app', '--logLevel', 'error'], { cwd: build, env })
  }
}, 180_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Path from out/ to bytes of every file, source maps apart. */
async function shipped(build: string): Promise<Map<string, Buffer>> {
  const out = join(build, 'out')
  const entries = await readdir(out, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = await Promise.all(
    paths
      .filter((path) => !path.endsWith('.map'))
      .sort()
      .map(async (path) => [relative(out, path), await readFile(path)] as const),
  )
  return new Map(files)
}

describe('the bundle', () => {
  it('is the same, name by name and byte by byte, in whichever folder it is built', async () => {
    const digests = async (build: string) =>
      [...(await shipped(build))].map(([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')} ${name}`)
    expect(await digests(builds[1]!)).toEqual(await digests(builds[0]!))
  })

  it('does not contain the folder it was built in', async () => {
    for (const build of builds)
      for (const [name, bytes] of await shipped(build)) expect(bytes.includes(build), name).toBe(false)
  })

  it('carries the license of every package that a source map names, and of what tools generate', async () => {
    const text = (await shipped(builds[0]!)).get(join('renderer', 'licenses.txt'))!.toString('utf8')
    const listed = new Set([...text.matchAll(/^(\S+) \d\S* \([^)]+\)$/gm)].map(([, name]) => name!))
    const maps = (await readdir(join(builds[0]!, 'out'), { recursive: true })).filter((name) => name.endsWith('.map'))
    const bundled = new Set<string>()
    for (const map of maps) {
      const { sources } = JSON.parse(await readFile(join(builds[0]!, 'out', map), 'utf8')) as { sources: string[] }
      for (const source of sources) {
        const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1]
        if (name !== undefined) bundled.add(name)
      }
    }
    expect(bundled.size).toBeGreaterThan(30)
    expect([...bundled].filter((name) => !listed.has(name))).toEqual([])
    expect(listed).toContain('assemblyscript')
    expect(text).toContain('Copyright (c) Meta Platforms, Inc. and affiliates.')
  })

  it('has the icon in every size that a system asks for', async () => {
    const files = await shipped(builds[0]!)
    /** Width and height of a PNG: after 8 bytes of signature, and length and name of its first chunk. */
    const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)]
    for (const size of [16, 24, 32, 48, 64, 128, 256, 512])
      expect(sizeOf(files.get(join('icons', `${size}x${size}.png`))!)).toEqual([size, size])
    expect(sizeOf(files.get(join('main', 'icon.png'))!)).toEqual([256, 256])

    const ico = files.get(join('icons', 'icon.ico'))!
    const sizes = Array.from({ length: ico.readUInt16LE(4) }, (_, index) => {
      const offset = ico.readUInt32LE(6 + 16 * index + 12)
      return sizeOf(ico.subarray(offset))[0]
    })
    expect(sizes).toEqual([16, 20, 24, 32, 40, 48, 64, 256])

    const icns = files.get(join('icons', 'icon.icns'))!
    expect(icns.readUInt32BE(4)).toBe(icns.length)
    const types: Record<string, number> = {}
    for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4))
      types[icns.toString('latin1', at, at + 4)] = sizeOf(icns.subarray(at + 8))[0]!
    expect(types).toMatchObject({ ic07: 128, ic08: 256, ic09: 512, ic10: 1024 })
  })

  it('has a command that a shell and npm can start', async () => {
    const cli = (await shipped(builds[0]!)).get(join('main', 'cli.js'))!.toString('utf8')
    expect(cli.split('\n')[0]).toBe('#!/usr/bin/env node')
  })
})
