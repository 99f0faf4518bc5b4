/** Files that other tools wrote (test/fixtures/formats/make_fixtures.py): every value must be theirs. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { type MemoryFolder, memoryFolder } from '../memory-folder.ts'
import { sentencesOf } from '../messages/words.ts'

interface Expected {
  name: string
  dtype: string
  shape: number[]
  sha256: string
}

const root = join(import.meta.dirname, '../../fixtures/formats')
const fixtures = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json') && existsSync(join(root, file.slice(0, -'.json'.length))))
  .map((file) => file.slice(0, -'.json'.length))
  .sort()

function openFixture(file: string): Promise<WeightFile> {
  const folder = dirname(join(root, file))
  return openWeightFile({ folder: folderOf(folder), entry: basename(file) })
}

function folderOf(path: string): MemoryFolder {
  const folder = memoryFolder(path)
  for (const each of readdirSync(path, { withFileTypes: true }))
    if (each.isFile()) folder.files.set(each.name, new Uint8Array(readFileSync(join(path, each.name))))
    else folder.folders.set(each.name, folderOf(join(path, each.name)))
  return folder
}

it('has fixtures', () => expect(fixtures.length).toBeGreaterThan(15))

describe.each(fixtures)('%s', (fixture) => {
  const expected: Expected[] = JSON.parse(readFileSync(join(root, `${fixture}.json`), 'utf8'))

  it('has every tensor with every value', async () => {
    const file = await openFixture(fixture)
    const actual: Expected[] = []
    for (const tensor of file.tensors) {
      const bytes = await file.read(tensor)
      expect(bytes.byteLength).toBe(tensor.byteLength)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      actual.push({ name: tensor.name, dtype: tensor.dtype, shape: [...tensor.shape], sha256 })
    }
    const byName = (a: Expected, b: Expected) => (a.name < b.name ? -1 : 1)
    expect(actual.sort(byName)).toEqual(expected.sort(byName))
    await file.close()
  })

  it('reads any range of a tensor as the same bytes', async () => {
    const file = await openFixture(fixture)
    for (const tensor of file.tensors) {
      const whole = await file.read(tensor)
      for (const [a, b] of [
        [0, 0.3],
        [0.3, 0.8],
        [0.5, 1],
        [1, 1],
      ] as const) {
        const [start, end] = [Math.floor(a * whole.byteLength), Math.floor(b * whole.byteLength)]
        expect(await file.read(tensor, start, end)).toEqual(whole.slice(start, end))
      }
    }
    await file.close()
  })
})

it('finds tied tensors', async () => {
  for (const name of ['state-zip.pt', 'state-legacy.pt']) {
    const { tensors } = await openFixture(name)
    expect(tensors.filter((t) => t.sharesStorageWith !== undefined).map((t) => [t.name, t.sharesStorageWith])).toEqual([
      ['head', 'embed'],
    ])
  }
})

it('says what it did with names and code', async () => {
  expect(sentencesOf((await openFixture('checkpoint.ckpt')).notices)).toEqual([
    'Names are shown without "state_dict.".',
    'Names are shown without "module.".',
  ])
  expect(sentencesOf((await openFixture('module.pt')).notices)).toEqual([
    'This file would run torch.nn.modules.container.Sequential, torch.nn.modules.linear.Linear, torch.nn.modules.batchnorm.BatchNorm1d, torch.nn.modules.rnn.LSTM when loaded with torch.load. GhostSVD did not run it.',
  ])
  expect(sentencesOf((await openFixture('script.pt')).notices)).toEqual([
    'A TorchScript archive: it carries a program beside its tensors. Only the tensors were read.',
  ])
  expect((await openFixture('state-zip.pt')).notices).toEqual([])
})

it('says of tensors of other classes what they are', async () => {
  const { tensors, notices: said } = await openFixture('wrapped.pt')
  const notices = sentencesOf(said)
  const of = (name: string) => tensors.find((each) => each.name === name)!
  expect(inEnglish(of('shard').remark!)).toBe(
    'One shard of a tensor of [12, 4] (torch.distributed.tensor.DTensor): its numbers are those of the shard.',
  )
  expect([of('replica').remark, of('replica').unfit]).toEqual([undefined, undefined])
  expect(inEnglish(of('odd.inner').unfit!)).toMatch(/A part of a tensor of the class somebody.elses.Tensor/)
  expect(inEnglish(of('linear.weight.tensor_impl.int_data').unfit!)).toMatch(/Packed values \(torchao\)/)
  expect(notices).toContainEqual(expect.stringMatching(/^1 of its 6 tensors are shards of larger ones/))
  expect(notices).toContain(
    'Left out, because their values are not read: "hollow" (somebody.elses.Tensor), "meta" (meta tensor).',
  )
})

it('names the code in front of an honest pickle', async () => {
  for (const name of ['injected.pkl', 'injected-mark.pkl'])
    expect(sentencesOf((await openFixture(name)).notices)).toEqual([
      'This file would run posix.system when loaded with torch.load. GhostSVD did not run it.',
    ])
})

const onet = join(import.meta.dirname, '../../fixtures/weights/onet.pt')
it('opens a real checkpoint in the old form', async () => {
  const folder = memoryFolder('data', new Map([['onet.pt', new Uint8Array(readFileSync(onet))]]))
  const file = await openWeightFile({ folder, entry: 'onet.pt' })
  expect(file.tensors.map((t) => [t.name, t.shape])).toContainEqual(['conv1.weight', [32, 3, 3, 3]])
  expect(file.safety).toBe('opened-without-running')
})
