/** One file in several, and a model inside a program. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { llamafile, zip } from '../archives/archives.ts'
import { openBytes, openFolder, refusal, text } from '../corpus.ts'

const model = new Uint8Array(readFileSync(join(import.meta.dirname, '../../../fixtures/formats/version3.gguf')))
const cut = (names: readonly string[]) => {
  const step = Math.ceil(model.byteLength / names.length)
  return Object.fromEntries(names.map((name, i) => [name, model.slice(i * step, (i + 1) * step)]))
}

describe('a GGUF model cut into parts', () => {
  it.each([
    [['m.gguf.part1of3', 'm.gguf.part2of3', 'm.gguf.part3of3']],
    [['m.gguf-split-a', 'm.gguf-split-b']],
    [['m.gguf-split-aa', 'm.gguf-split-ab', 'm.gguf-split-ac']],
  ])('%j is the whole by any part, and by its folder', async (names) => {
    const whole = await openBytes('m.gguf', model)
    for (const entry of [null, ...names]) {
      const file = await openFolder(cut(names), entry)
      expect(file.tensors).toEqual(whole.tensors)
      expect(file.shards[0]!.fileName).toBe('m.gguf')
      for (const tensor of file.tensors) expect(await file.read(tensor)).toEqual(await whole.read(tensor))
      await file.close()
    }
  })
  it('with one missing is refused by its name', async () => {
    const { 'm.gguf.part2of3': _, ...rest } = cut(['m.gguf.part1of3', 'm.gguf.part2of3', 'm.gguf.part3of3'])
    expect((await refusal(() => openFolder(rest, 'm.gguf.part1of3'))).message).toMatch(
      /one of 3 parts.*m.gguf.part2of3 is missing/,
    )
    const { 'm.gguf-split-a': __, ...later } = cut(['m.gguf-split-a', 'm.gguf-split-b'])
    expect((await refusal(() => openFolder(later, 'm.gguf-split-b'))).message).toMatch(/m.gguf-split-a is missing/)
    expect((await refusal(() => openFolder({ 'm.gguf.part1of9999': model }))).code).toBe('over-limit')
    // A part of none is a file of its own.
    const alone = await openFolder({ 'm.gguf.part1of0': model }, 'm.gguf.part1of0')
    expect(alone.shards[0]!.fileName).toBe('m.gguf.part1of0')
  })
})

describe('a llamafile', () => {
  it('is its model', async () => {
    const whole = await openBytes('m.gguf', model)
    const file = await openBytes('m.llamafile', llamafile(model))
    expect([file.format, file.tensors]).toEqual(['llamafile', whole.tensors])
    for (const tensor of file.tensors) expect(await file.read(tensor)).toEqual(await whole.read(tensor))
    expect((await openBytes('renamed.exe', llamafile(model))).format).toBe('llamafile')
  })
  it('without a model, or with two, is refused', async () => {
    const prefix = text("MZqFpD='\n")
    const none = zip([{ name: 'a.txt', data: text('a') }], { prefix })
    expect((await refusal(() => openBytes('m.llamafile', none))).message).toMatch(
      /a GGUF model in the program, got 1 members/,
    )
    const two = llamafile(model, [{ name: 'other.gguf', data: model }])
    expect((await refusal(() => openBytes('m.llamafile', two))).message).toMatch(/it holds 2 models/)
  })
})
