/** Distributed checkpoints under attack. What an honest one holds is in interop.test.ts (make_checkpoints.py). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sentencesOf } from '../../messages/words.ts'
import { concat, openFolder, refusal, text } from '../corpus.ts'

const root = join(import.meta.dirname, '../../../fixtures/formats/distcp')
const files = Object.fromEntries(
  readdirSync(root)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => [name, new Uint8Array(readFileSync(join(root, name)))]),
)
const open = (changed: Record<string, Uint8Array> = {}, entry: string | null = '.metadata') =>
  openFolder({ ...files, ...changed }, entry)
const sentence = async (changed: Record<string, Uint8Array>) => (await refusal(() => open(changed))).message

/** The metadata with a run of bytes replaced by one as long, or by a shorter or longer string of protocol 2. */
function edited(from: Uint8Array, to: Uint8Array, which = 0): Uint8Array {
  const bytes = files['.metadata']!
  let at = -1
  for (let i = 0; i <= which; i++) at = indexOf(bytes, from, at + 1)
  if (at < 0) throw new Error('not in the fixture')
  return concat(bytes.slice(0, at), to, bytes.slice(at + from.byteLength))
}
function indexOf(bytes: Uint8Array, part: Uint8Array, from: number): number {
  for (let at = from; at + part.byteLength <= bytes.byteLength; at++)
    if (part.every((byte, i) => bytes[at + i] === byte)) return at
  return -1
}
const name = (value: string) => concat(Uint8Array.of(0x58, value.length, 0, 0, 0), text(value))

it('opens by its metadata, by any of its files and by its folder', async () => {
  const names = (await open()).tensors.map((tensor) => tensor.name)
  expect(names).toContain('model.grid.weight')
  for (const entry of [null, '__0_0.distcp', '__1_0.distcp'])
    expect((await open({}, entry)).tensors.map((tensor) => tensor.name)).toEqual(names)
  const { safety, notices } = await open()
  // Beside its tensors it has objects, a pickle each.
  expect([safety, notices]).toEqual(['code-passed-over', []])
})

describe('hostile', () => {
  it('files outside its folder, or missing', async () => {
    for (const path of ['../../etc/pass', '..', '/etc/passwd', 'a/b'])
      expect(await sentence({ '.metadata': edited(name('__0_0.distcp'), name(path)) })).toMatch(
        /cannot point outside its folder/,
      )
    expect(await sentence({ '.metadata': edited(name('__0_0.distcp'), name('gone.distcp')) })).toMatch(
      /"gone.distcp", which is not in this folder/,
    )
  })
  it('chunks that leave the tensor, leave holes or overlap', async () => {
    // BININT1 4, BININT1 6: sizes of the first chunk of model.rows.weight, then its neighbor's offset.
    const pair = (a: number, b: number) => Uint8Array.of(0x4b, a, 0x4b, b, 0x86)
    expect(await sentence({ '.metadata': edited(pair(10, 6), pair(11, 6)) })).toMatch(
      /chunks of 66 elements together, got 60/,
    )
    expect(await sentence({ '.metadata': edited(pair(10, 6), pair(9, 6)) })).toMatch(/chunks inside \[9, 6\]/)
  })
  it('a file that is cut', async () => {
    expect(await sentence({ '__1_0.distcp': files['__1_0.distcp']!.slice(0, 500) })).toMatch(
      /a chunk inside the 500 bytes/,
    )
  })
  it('a chunk that is another tensor than it says', async () => {
    const { tensors } = await open()
    const damaged = files['__0_0.distcp']!.slice()
    damaged.fill(0, 0, 200)
    const file = await open({ '__0_0.distcp': damaged })
    await expect(file.read(tensors[0]!)).rejects.toThrow(/chunk at 0/)
  })
  it('a chunk at the place of another tensor, which was read before', async () => {
    // BININT2 811: where the first chunk of model.grid.weight starts; at 0 is one of model.rows.weight.
    const file = await open({ '.metadata': edited(Uint8Array.of(0x4d, 0x2b, 3), Uint8Array.of(0x4d, 0, 0), 3) })
    const [rows, grid] = ['rows', 'grid'].map(
      (part) => file.tensors.find(({ name }) => name === `model.${part}.weight`)!,
    )
    await file.read(rows!, 0, 24)
    await expect(file.read(grid!)).rejects.toThrow(/chunk at 0 is cut short/)
  })
  it('a pickle that is no metadata, and code in one', async () => {
    expect(await sentence({ '.metadata': Uint8Array.of(0x80, 2, 0x7d, 0x2e) })).toMatch(
      /the metadata of a distributed checkpoint/,
    )
    const code = concat(
      Uint8Array.of(0x80, 2),
      text('cposix\nsystem\nX'),
      Uint8Array.of(2, 0, 0, 0),
      text('id'),
      Uint8Array.of(0x85, 0x52),
    )
    const file = await open({ '.metadata': concat(code, files['.metadata']!.slice(2)) })
    expect(sentencesOf(file.notices)).toEqual([
      'This file would run posix.system when loaded with torch.load. GhostSVD did not run it.',
    ])
  })
})
