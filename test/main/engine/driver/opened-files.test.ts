/** Which files a set of weights is: none of them becomes an output, and a change of any is a change of the weights. */
import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { openedFiles, sampleChecksum, weightPaths } from '../../../../main/engine/driver/opened-files.ts'
import { external, model, tensor } from '../../../core/formats/onnx/onnx-model.ts'
import { fileBytes, plain } from '../../../core/jobs/harness.ts'
import { temporaryFolder } from '../harness.ts'

function shardsIn(folder: string): void {
  const weight_map: Record<string, string> = {}
  for (const [i, name] of ['a', 'b'].entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`
    writeFileSync(join(folder, file), fileBytes([plain(name, 'F32', [2, 2], new Uint8Array(16))]))
    weight_map[name] = file
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }))
  writeFileSync(join(folder, 'config.json'), '{}')
}

it.each(['folder', 'index', 'shard'])(
  'shards and their index are files of the set, by whichever it was picked: %s',
  async (by) => {
    const folder = join(temporaryFolder(), 'set')
    mkdirSync(folder)
    shardsIn(folder)
    const names = { folder: '', index: 'model.safetensors.index.json', shard: 'model-00001-of-00002.safetensors' }
    const paths = await weightPaths(join(folder, names[by as keyof typeof names]))
    expect([...new Set(paths.map((path) => basename(path)))]).toEqual(
      expect.arrayContaining([
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
      ]),
    )
    expect(paths.map((path) => basename(path))).not.toContain('config.json')
  },
)

it('an output that is written beside them changes no weights of a folder', async () => {
  const folder = join(temporaryFolder(), 'set')
  mkdirSync(folder)
  shardsIn(folder)
  const files = openedFiles()
  const ref = { fileId: 'f', path: folder, within: null }
  const { fingerprint } = await files.get({ ...ref, fingerprint: null })
  await files.close('f')
  writeFileSync(join(folder, 'out.gguf'), '')
  await expect(files.get({ ...ref, fingerprint })).resolves.toMatchObject({ fingerprint })
  await files.close('f')
})

it('external data is a file of the set, and its change is seen', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'm.onnx')
  const data = join(folder, 'm.data')
  writeFileSync(path, model(tensor({ fields: external({ location: 'm.data' }) })))
  writeFileSync(data, new Uint8Array(24))
  expect(await weightPaths(path)).toEqual([path, data])
  const seen = async () => {
    const files = openedFiles()
    const { fingerprint } = await files.get({ fileId: 'f', path, within: null, fingerprint: null })
    await files.close('f')
    return fingerprint
  }
  const before = await seen()
  expect(await seen()).toBe(before)
  writeFileSync(data, new Uint8Array(48))
  expect(await seen()).not.toBe(before)
})

it('what a file holds is part of what tells its states apart, whatever its times say', async () => {
  const path = join(temporaryFolder(), 'm.safetensors')
  const values = new Uint8Array(1 << 20).fill(1)
  const write = () => writeFileSync(path, fileBytes([plain('w', 'F32', [512, 512], values)]))
  write()
  const { atime, mtime } = statSync(path)
  const before = await sampleChecksum(path)
  const files = openedFiles()
  const { fingerprint } = await files.get({ fileId: 'f', path, within: null, fingerprint: null })
  expect(fingerprint).toContain(`:${before}"`)
  // As training does that saves over the same file: all values are others.
  values.fill(2)
  write()
  utimesSync(path, atime, mtime)
  expect(statSync(path).mtimeMs).toBe(mtime.getTime())
  expect(await sampleChecksum(path)).not.toBe(before)
  await files.close('f')
})

it('a file of a few bytes is summed whole', async () => {
  const path = join(temporaryFolder(), 'short')
  writeFileSync(path, Uint8Array.of(1, 2, 3))
  const before = await sampleChecksum(path)
  writeFileSync(path, Uint8Array.of(1, 2, 4))
  expect(await sampleChecksum(path)).not.toBe(before)
  writeFileSync(path, new Uint8Array(0))
  expect(await sampleChecksum(path)).toBe(0)
})
