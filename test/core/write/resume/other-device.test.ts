/** What is left of a run whose products a GPU made is resumed with that GPU, or refused and kept. */
import { expect, it } from 'vitest'
import { earlierJournal, journalName, newJournal } from '../../../../core/write/resume/journal.ts'
import { memoryFolder } from '../../memory-folder.ts'

const run = { sourceHash: 's', recipe: 'r', part: '1/1', version: '1', layout: 'l' }
const classes = { processor: 'fused', gpu: 'fused + NVIDIA H200, 550.54', other: 'fused + AMD, 24.1' }
const sizes = { tensors: 1, outputBytes: 0 }

async function left(arithmetic: string) {
  const folder = memoryFolder('out')
  const place = { folder, name: 'o' }
  await (await newJournal(place, { ...run, arithmetic }, sizes)).suspend()
  return { place, folder }
}

it.each([
  [classes.gpu, classes.processor],
  [classes.processor, classes.gpu],
  [classes.gpu, classes.other],
])('of %s by %s: refused by both names, and nothing is thrown away', async (before, now) => {
  const { place, folder } = await left(before)
  const refused = await earlierJournal(place, { ...run, arithmetic: now }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'bad-request' })
  expect(String(refused)).toContain(before)
  expect(String(refused)).toContain(now)
  expect([...folder.partials.keys()]).toContain(journalName('o'))
  expect(await earlierJournal(place, { ...run, arithmetic: before })).toBeTypeOf('object')
})

it('of a processor that rounds otherwise starts again, as before', async () => {
  const { place } = await left('unfused')
  expect(await earlierJournal(place, { ...run, arithmetic: 'fused' })).toBe('arithmetic')
})
