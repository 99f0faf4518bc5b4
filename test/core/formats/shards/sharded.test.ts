import { describe, expect, it } from 'vitest'
import type { WeightFile } from '../../../../core/formats/format.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { safetensorsHeader } from '../../../../core/formats/safetensors.ts'
import { openShards } from '../../../../core/formats/shards/sharded.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { sentencesOf } from '../../messages/words.ts'
import { concat, entry, openFolder, refusal, safetensorsFile, text } from '../corpus.ts'

const one = (name: string) => safetensorsFile(`{"${name}":${entry('U8', [2], 0, 2)}}`, 2)
const index = (map: Record<string, string>) => text(JSON.stringify({ metadata: { total_size: 4 }, weight_map: map }))
const names = ['m-00001-of-00002.safetensors', 'm-00002-of-00002.safetensors'] as const
const indexName = 'm.safetensors.index.json'
const set = {
  [names[0]]: one('a'),
  [names[1]]: one('b'),
  [indexName]: index({ a: names[0], b: names[1] }),
}

it('more tensors in a set than any published one has, however few each file has', async () => {
  const info = { name: 'a', dtype: 'U8', shape: [1], byteLength: 1 } as const
  let [opened, closed] = [0, 0]
  const openShard = async (name: string): Promise<WeightFile> => ({
    ...(await openFolder(set, names[0])),
    tensors: Array.from({ length: 60_000 }, (_, i) => ({ ...info, name: `${name}.${i}` })),
    notices: [String(++opened)] as never,
    close: async () => void closed++,
  })
  const files = Array.from({ length: 1000 }, (_, i) => `m-${i}.safetensors`)
  await expect(openShards(files, openShard)).rejects.toThrow(
    'm-3.safetensors: expected at most 200000 tensors in a set',
  )
  expect([opened, closed]).toEqual([4, 4])
})

describe('a set opens as one file', () => {
  it.each([null, indexName, ...names])('picked by %s', async (picked) => {
    const file = await openFolder(set, picked)
    expect(file.tensors.map((t) => t.name)).toEqual(['a', 'b'])
    expect(file.shards).toEqual([
      { fileName: names[0], tensorNames: ['a'] },
      { fileName: names[1], tensorNames: ['b'] },
    ])
    expect(file.totalBytes).toBe(2 * one('a').byteLength)
    expect([...(await file.read(file.tensors[1]!, 1))]).toEqual([1])
    await file.close()
  })

  it.each([null, ...names])('without an index, by its numbers: %s', async (picked) => {
    const file = await openFolder({ [names[0]]: one('a'), [names[1]]: one('b') }, picked)
    expect(file.tensors).toHaveLength(2)
  })

  it('shows tensors the index forgot', async () => {
    const file = await openFolder({ ...set, [indexName]: index({ a: names[0] }), [names[1]]: one('b') }, indexName)
    expect(file.tensors.map((t) => t.name)).toEqual(['a'])
    const both = safetensorsFile(`{"a":${entry('U8', [1], 0, 1)},"z":${entry('U8', [1], 1, 2)}}`, 2)
    expect((await openFolder({ ...set, [names[0]]: both }, indexName)).tensors.map((t) => t.name)).toEqual([
      'a',
      'z',
      'b',
    ])
  })

  it('takes safetensors where a folder has the model twice', async () => {
    const file = await openFolder({
      ...set,
      'pytorch_model.bin': text('x'),
      'pytorch_model.bin.index.json': index({ a: 'x.bin' }),
    })
    expect(file.format).toBe('safetensors')
  })

  it('opens a lone part by itself', async () => {
    expect((await openFolder({ [names[1]]: one('b') })).tensors).toHaveLength(1)
    // One of none counts nothing.
    for (const name of ['m-00001-of-00000.safetensors', 'm-0-of-0.safetensors'])
      expect((await openFolder({ [name]: one('b') }, name)).tensors).toHaveLength(1)
  })
})

describe('an index that is wrong', () => {
  const opened = async (map: Record<string, string>, picked: string | null) => {
    const file = await openFolder({ ...set, [indexName]: index(map) }, picked)
    return { tensors: file.tensors.map(({ name }) => name), notices: sentencesOf(file.notices) }
  }

  it.each([null, indexName, ...names])(
    'about where a tensor is: the files are right (picked by %s)',
    async (picked) => {
      expect(await opened({ a: names[1], b: names[1] }, picked)).toEqual({
        tensors: ['a', 'b'],
        notices: [`${indexName} places "a" in "${names[1]}"; it is in "${names[0]}".`],
      })
      expect(await opened({ a: names[0], b: names[0] }, picked)).toEqual({
        tensors: ['a', 'b'],
        notices: [`${indexName} places "b" in "${names[0]}"; it is in "${names[1]}".`],
      })
    },
  )
  it.each([null, indexName, ...names])('about what there is: a ghost is named (picked by %s)', async (picked) => {
    expect(await opened({ a: names[0], b: names[1], mtp: names[1] }, picked)).toEqual({
      tensors: ['a', 'b'],
      notices: [`${indexName} names the tensor "mtp" that no file of the set has.`],
    })
  })
  it('about its files: a shard that is named opens alone, a folder by what its names count', async () => {
    const stale = { a: 'm-00001-of-00004.safetensors', b: names[1] }
    for (const [i, name] of names.entries()) {
      const { tensors, notices } = await opened(stale, name)
      expect(tensors).toEqual([i === 0 ? 'a' : 'b'])
      expect(notices).toHaveLength(1)
      expect(notices[0]).toMatch(
        /opened alone, because its index cannot be used. .*"m-00001-of-00004.safetensors" is missing/,
      )
    }
    const whole = await opened(stale, null)
    expect(whole.tensors).toEqual(['a', 'b'])
    expect(whole.notices[0]).toMatch(/names files that are not here; the 2 that their names count were opened instead/)
    expect((await refusal(() => openFolder({ ...set, [indexName]: index(stale) }, indexName))).code).toBe('not-found')
  })
  it.each(['{"weight_map":{}}', 'x', '{"weight_map":{"a":"../../etc/passwd"}}'])(
    '%s: the shard that is named opens alone',
    async (bad) => {
      const file = await openFolder({ ...set, [indexName]: text(bad) }, names[0])
      expect(file.tensors.map(({ name }) => name)).toEqual(['a'])
      expect(inEnglish(file.notices[0]!)).toMatch(/opened alone, because its index cannot be used/)
    },
  )
  it('by a byte order mark is read', async () => {
    const marked = concat(Uint8Array.of(0xef, 0xbb, 0xbf), index({ a: names[0], b: names[1] }))
    const file = await openFolder({ ...set, [indexName]: marked }, names[0])
    expect([file.tensors.length, sentencesOf(file.notices)]).toEqual([2, []])
  })
})

describe('the cache of a model hub', () => {
  const commit = 'a'.repeat(40)
  const cache = (commits: readonly string[], main: string | null) => {
    const folder = memoryFolder('models--org--name')
    folder.folders.set('blobs', memoryFolder('blobs'))
    const snapshots = memoryFolder('snapshots')
    for (const each of commits) snapshots.folders.set(each, memoryFolder(each, new Map([['m.safetensors', one(each)]])))
    folder.folders.set('snapshots', snapshots)
    if (main !== null) folder.folders.set('refs', memoryFolder('refs', new Map([['main', text(main)]])))
    return openWeightFile({ folder, entry: null })
  }
  it('opens its newest snapshot, or its only one', async () => {
    const other = 'b'.repeat(40)
    expect((await cache([commit, other], other)).tensors[0]!.name).toBe(other)
    expect((await cache([commit], null)).tensors[0]!.name).toBe(commit)
    expect((await cache([commit], '../../../etc')).tensors[0]!.name).toBe(commit)
    await expect(cache([commit, other], null)).rejects.toThrow(/2 snapshots, and refs\/main names none of them/)
  })
})

describe('hostile index', () => {
  const withMap = (map: Record<string, string>, files: Record<string, Uint8Array> = {}) =>
    refusal(() => openFolder({ ...set, ...files, [indexName]: index(map) }, indexName))

  it.each(['../../etc/passwd', '/etc/passwd', '..', '.', '', 'a/b', '..\\x', 'C:x', 'a\u0000b'])(
    'pointing to %j',
    async (target) => {
      const error = await withMap({ a: target })
      expect(error.code).toBe('bad-file')
      expect(error.message).toMatch(/cannot point outside its folder/)
    },
  )
  it('pointing to itself', async () => {
    expect((await withMap({ a: indexName })).message).toMatch(/expected names of weight files, got the index/)
  })
  it('pointing to another index', async () => {
    expect((await withMap({ a: 'n.safetensors.index.json' })).code).toBe('bad-file')
  })
  it('pointing to 100,000 shards', async () => {
    const error = await withMap(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, `s${i}`])))
    expect(error.code).toBe('over-limit')
    expect(error.message).toMatch(/at most 1000 files in a set, got 100000/)
  })
  it('counting to 999,999', async () => {
    const error = await refusal(() => openFolder({ 'm-000001-of-999999.safetensors': one('a') }))
    expect(error.message).toMatch(/at most 1000 files in a set, got 999999/)
  })
  it('pointing to files that are not there', async () => {
    expect((await withMap({ a: names[0], b: 'gone.safetensors' })).message).toMatch(
      /expected 2 files in this set, got 1: "gone.safetensors" is missing/,
    )
  })
  it('two files with the same tensor', async () => {
    expect((await withMap({ a: names[0], b: names[1] }, { [names[1]]: one('a') })).message).toMatch(
      /every tensor in one file/,
    )
  })
  it('keys twice, no weight_map, no JSON, non-strings, nothing', async () => {
    for (const bad of [
      '{"weight_map":{"a":"x","a":"y"}}',
      '{}',
      '[]',
      'x',
      '',
      '{"weight_map":[]}',
      '{"weight_map":{"a":1}}',
      '{"weight_map":{}}',
      '{"weight_map":{},"weight_map":{}}',
    ])
      expect((await refusal(() => openFolder({ ...set, [indexName]: text(bad) }, indexName))).code).toBe('bad-file')
  })
  it('a set with a part missing', async () => {
    const files = { 'm-00001-of-00003.safetensors': one('a'), 'm-00003-of-00003.safetensors': one('b') }
    expect((await refusal(() => openFolder(files))).message).toMatch(
      /expected 3 files in this set, got 2: m-00002-of-00003.safetensors is missing/,
    )
  })
  it('a broken part closes the parts opened before it', async () => {
    let opened = 0
    const files = new Map(Object.entries({ ...set, [names[1]]: text('{}') }))
    const folder = {
      name: '',
      list: async () => [...files.keys()],
      open: async (name: string) => {
        const bytes = files.get(name)!
        opened++
        return {
          name,
          byteLength: bytes.byteLength,
          slice: async (start: number, end: number) => bytes.slice(start, end),
          close: async () => void opened--,
        }
      },
      inside: () => memoryFolder('none'),
    }
    await refusal(() => openWeightFile({ folder, entry: indexName }))
    expect(opened).toBe(0)
  })
})

it('140 GB in 30 files with 700 tensors: only headers are read', async () => {
  let bytesRead = 0
  const perFile = Math.ceil(700 / 30)
  const shape = [8192, 12208] // 200 MB of BF16
  const headers = new Map<string, Uint8Array>(
    Array.from({ length: 30 }, (_, i) => {
      const tensors = Array.from(
        { length: perFile },
        (_, j) => ({ name: `layers.${i}.${j}.weight`, dtype: 'BF16', shape }) as const,
      )
      return [`m-${String(i + 1).padStart(5, '0')}-of-00030.safetensors`, safetensorsHeader(tensors)] as const
    }),
  )
  const dataBytes = perFile * 8192 * 12208 * 2
  const folder = {
    name: 'model',
    list: async () => [...headers.keys()],
    open: async (name: string) => {
      const header = headers.get(name)!
      return {
        name,
        byteLength: header.byteLength + dataBytes,
        slice: async (start: number, end: number) => {
          bytesRead += end - start
          return concat(header.slice(start, end), new Uint8Array(Math.max(0, end - Math.max(start, header.byteLength))))
        },
        close: async () => {},
      }
    },
    inside: () => memoryFolder('none'),
  }
  const file = await openWeightFile({ folder, entry: null })
  expect(file.tensors).toHaveLength(30 * perFile)
  expect(file.totalBytes).toBeGreaterThan(140e9)
  expect(bytesRead).toBeLessThan(30 * (4096 + 2 * 8192))
})
