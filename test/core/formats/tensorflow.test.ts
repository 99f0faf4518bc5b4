/** TensorFlow's tables under attack. What honest ones hold is in interop.test.ts (make_checkpoints.py). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { memoryFolder } from '../memory-folder.ts'
import { concat, openFolder, refusal } from './corpus.ts'

const root = join(import.meta.dirname, '../../fixtures/formats/tensorflow')
const files = Object.fromEntries(
  readdirSync(root)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => [name, new Uint8Array(readFileSync(join(root, name)))]),
)
const index = 'model.ckpt.index'
const sentence = async (bytes: Uint8Array, others: Record<string, Uint8Array> = files) =>
  (await refusal(() => openFolder({ ...others, [index]: bytes }, index))).message

it('opens by its index, by a file of values, by its folder and by a SavedModel', async () => {
  const names = (await openFolder(files, index)).tensors.map(({ name }) => name)
  expect(names).toContain('net/w')
  for (const entry of [null, 'model.ckpt.data-00001-of-00002'])
    expect((await openFolder(files, entry)).tensors.map(({ name }) => name)).toEqual(names)
  const saved = memoryFolder('saved', new Map([['saved_model.pb', new Uint8Array(3)]]))
  saved.folders.set('variables', memoryFolder('variables', new Map(Object.entries(files))))
  // memoryFolder lists folders as a disk does.
  expect((await openWeightFile({ folder: saved, entry: null })).tensors.map(({ name }) => name)).toEqual(names)
})

it('says which file is missing beside one of values', async () => {
  const { [index]: _, ...rest } = files
  const error = await refusal(() => openFolder(rest, 'model.ckpt.data-00001-of-00002'))
  expect(error.code).toBe('not-found')
  expect(error.message).toBe(
    'model.ckpt.data-00001-of-00002 holds values alone; what they are stands in model.ckpt.index, which is not beside it. Put both into one folder.',
  )
})

describe('hostile', () => {
  const bytes = files[index]!
  it('a file of values that is missing or short', async () => {
    const { 'model.ckpt.data-00001-of-00002': data, ...rest } = files
    expect(await sentence(bytes, rest)).toMatch(/"model.ckpt.data-00001-of-00002", which is not in this folder/)
    expect(await sentence(bytes, { ...rest, 'model.ckpt.data-00001-of-00002': data!.slice(0, 9) })).toMatch(
      /values inside the 9 bytes/,
    )
  })
  it('a footer that is none, handles that lead out', async () => {
    expect(await sentence(bytes.slice(0, -1))).toMatch(/the footer of a TensorFlow checkpoint index/)
    for (const value of [0x7f, 0xff]) {
      const changed = bytes.slice()
      changed.fill(value, bytes.byteLength - 48, bytes.byteLength - 40)
      expect(await sentence(changed)).toMatch(
        /expected (a block|restarts|a number|the end of a number|blocks in their order)/,
      )
    }
  })
  it('a compressed block', async () => {
    const changed = bytes.slice()
    // The first block ends where its trailer begins: no compression, then four zeros.
    const at = changed.findIndex(
      (byte, i) => byte === 0 && i > 20 && changed.slice(i, i + 5).every((each) => each === 0) && changed[i - 4]! > 0,
    )
    changed[at] = 1
    expect(await sentence(changed)).toMatch(/compressed \(type 1\)/)
  })
  it('bytes behind the footer', async () => {
    expect(await sentence(concat(bytes, new Uint8Array(1)))).toMatch(/the footer/)
  })
})
