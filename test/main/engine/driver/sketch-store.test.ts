import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { decodeSketch, encodeSketch } from '../../../../core/sketch-cache/codec.ts'
import { sketchStore } from '../../../../main/engine/driver/sketch-store.ts'
import { can } from '../../../system.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sketches-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const bytes = (fill: number) => new Uint8Array(100).fill(fill)

it('gives back what was written, to any store on the same folder', async () => {
  await sketchStore(folder).write('a', bytes(1))
  expect(new Uint8Array((await sketchStore(folder).read('a'))!)).toEqual(bytes(1))
  expect(await sketchStore(folder).read('b')).toBeNull()
})

it('gives back plain bytes from the start of their buffer, of which a slice is a copy', async () => {
  for (const length of [1, 100, 20_000, 700_000]) {
    await sketchStore(folder).write(`${length}`, new Uint8Array(length).fill(3))
    const read = (await sketchStore(folder).read(`${length}`))!
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype)
    expect([read.byteOffset, read.byteLength]).toEqual([0, length])
    read.slice(0, 1).fill(9)
    expect(read[0]).toBe(3)
  }
})

it('gives back a sketch of any shape', async () => {
  const store = sketchStore(folder)
  for (const rows of [3, 4, 5]) {
    for (const rank of [1, 2, 3]) {
      const factorization = {
        ...{ rows, cols: 7, rank },
        U: new Float32Array(rows * rank).fill(0.5),
        s: new Float64Array(rank).fill(2),
        Vt: new Float32Array(rank * 7).fill(0.25),
      }
      await store.write('sketch', encodeSketch({ factorization, facts: null }))
      expect(await decodeSketch((await store.read('sketch'))!)).toEqual({ factorization, facts: null })
    }
  }
})

it.each<[string, number, number[]]>([
  ['a flipped low bit at the end', 147, [0]],
  ['another byte in the middle', 90, [0x11]],
  ['another byte in the digest', 20, [1, 2]],
  ['zeros, as a power cut leaves them', 0, Array(148).fill(0)],
  ['zeros at the end', 100, Array(48).fill(0)],
  ['a NaN among its values', 100, [0, 0, 0xc0, 0x7f]],
])('takes a file with %s for a miss, and removes it', async (_what, at, values) => {
  const store = sketchStore(folder)
  await store.write('a', bytes(1))
  const [name] = await readdir(folder)
  const file = await readFile(join(folder, name!))
  file.set(values, at)
  await writeFile(join(folder, name!), file)
  expect(await store.read('a')).toBeNull()
  expect(await readdir(folder)).toEqual([])
})

it('takes a file cut short, and one that goes on, for a miss', async () => {
  const store = sketchStore(folder)
  for (const length of [0, 1, 16, 48, 100, 147, 149, 300]) {
    await store.write('a', bytes(1))
    const [name] = await readdir(folder)
    const file = await readFile(join(folder, name!))
    await writeFile(join(folder, name!), Buffer.concat([file, Buffer.alloc(200)]).subarray(0, length))
    expect(await store.read('a'), String(length)).toBeNull()
  }
})

it('takes files that have changed places for misses, of whatever sizes', async () => {
  for (const sizes of [
    [100, 100],
    [100, 300],
  ]) {
    const store = sketchStore(folder)
    for (const [i, key] of ['a', 'b'].entries()) await store.write(key, new Uint8Array(sizes[i]!).fill(i))
    const [first, second] = (await readdir(folder)).map((name) => join(folder, name)) as [string, string]
    await rename(first, `${first}.x`)
    await rename(second, first)
    await rename(`${first}.x`, second)
    expect([await store.read('a'), await store.read('b')]).toEqual([null, null])
  }
})

it.runIf(can.posix)('does not wait for a pipe that lies where a sketch lay', async () => {
  const store = sketchStore(folder)
  await store.write('a', bytes(1))
  const [name] = await readdir(folder)
  await rm(join(folder, name!))
  execFileSync('mkfifo', [join(folder, name!)])
  expect(await store.read('a')).toBeNull()
})

it('stays within its bound by dropping what was used least recently', async () => {
  // Two files with their seals are within the bound, three are not.
  const store = sketchStore(folder, 2 * 148 + 50)
  for (const [age, key] of ['a', 'b'].entries()) {
    await store.write(key, bytes(age))
    for (const name of await readdir(folder)) await utimes(join(folder, name), age, age)
  }
  await store.read('a')
  await store.write('c', bytes(3))
  expect(await store.read('a')).not.toBeNull()
  expect(await store.read('b')).toBeNull()
  expect(await store.read('c')).not.toBeNull()
})

it('makes room by dropping its own files alone', async () => {
  const [precious, hidden] = [join(folder, 'thesis.txt'), join(folder, `${'a'.repeat(63)}.sketch`)]
  await writeFile(precious, bytes(7))
  await writeFile(hidden, bytes(7))
  for (const path of [precious, hidden]) await utimes(path, 1, 1)
  await mkdir(join(folder, 'models'))
  // What a killed engine left behind counts as one of its sketches.
  const left = join(folder, `${'b'.repeat(64)}.sketch.00000000-0000-0000-0000-000000000000.partial`)
  await writeFile(left, bytes(7))
  await utimes(left, 2, 2)
  const store = sketchStore(folder, 2 * 148 + 50)
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await store.write(key, bytes(1))
  expect(await readFile(precious)).toEqual(Buffer.from(bytes(7)))
  expect(await readFile(hidden)).toEqual(Buffer.from(bytes(7)))
  expect(await readdir(folder)).not.toContain(basename(left))
})

it('looks at its folder seldom, and never lets it grow beyond its bound', async () => {
  const limit = 3200
  const [store, other] = [sketchStore(folder, limit), sketchStore(folder, limit)]
  for (let i = 0; i < 100; i++) {
    await (i % 2 ? store : other).write(`key ${i}`, bytes(i))
    // One sketch may be over before the oldest are dropped.
    expect((await readdir(folder)).length * 100).toBeLessThanOrEqual(limit + 100)
  }
  expect(await store.read('key 99')).not.toBeNull()
  expect(await store.read('key 0')).toBeNull()
})

it('a folder that cannot be written is a store that forgets', async () => {
  await writeFile(join(folder, 'file'), 'not a folder')
  const store = sketchStore(join(folder, 'file', 'below'))
  await store.write('a', bytes(1))
  expect(await store.read('a')).toBeNull()
})
