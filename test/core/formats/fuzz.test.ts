/**
 * Damaged files, thousands of them: whatever is changed, a file opens or is refused in one sentence, and what a truncated file still gives
 * is what the whole one gave. `FUZZ_RUNS=100000 npx vitest run test/core/formats/fuzz.test.ts` for the long run; FUZZ_SEED draws others.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openZip } from '../../../core/formats/archives/zip.ts'
import { memorySource } from '../../../core/io.ts'
import { readers } from '../../stress/mutants/readers.ts'
import { checkpoint, zip } from './archives/archives.ts'
import { openFolder } from './corpus.ts'
import { contents, damage } from './damage.ts'
import { seeds } from './seeds.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 150)
const seed = Number(process.env.FUZZ_SEED ?? 42)
const timeout = 30_000 + 60 * numRuns

const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    kind: fc.nat(7),
    value: fc.nat(255),
  }),
  { minLength: 1, maxLength: 6 },
)
describe.each(Object.entries(readers))('%s', (_, { seeds: each, read }) => {
  it('damaged anywhere: taken or refused in a sentence', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(each.length - 1), edits, async (which, changes) => {
        const { name, files } = each[which]!
        await read({ ...files, [name]: damage(files[name]!, changes) }, name)
      }),
      { numRuns, seed },
    )
  })
})

describe.each(Object.entries(seeds))('%s', (_, each) => {
  it('cut anywhere: refused, or the values are those of the whole file', { timeout }, async () => {
    const whole = await Promise.all(
      each.map(({ name, files }) => contents(() => openFolder(files, name), files[name]!.byteLength)),
    )
    expect(whole.every((values) => values !== null && values.size > 0)).toBe(true)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(each.length - 1),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (which, at) => {
          const { name, files } = each[which]!
          const bytes = files[name]!.slice(0, Math.floor(at * files[name]!.byteLength))
          const values = await contents(() => openFolder({ ...files, [name]: bytes }, name), bytes.byteLength)
          for (const [tensor, value] of values ?? []) expect(value).toEqual(whole[which]!.get(tensor))
        },
      ),
      { numRuns: Math.ceil(numRuns / 3), seed },
    )
  })
})

it('pytorch zip: a damaged pickle in a whole archive: opens or says why not', { timeout }, async () => {
  const each = seeds['pytorch zip']!
  const storages = Object.fromEntries(Array.from({ length: 26 }, (_, i) => [String(i), new Uint8Array(480)]))
  const pickles = await Promise.all(
    each.map(async ({ name, files }) => {
      const archive = await openZip(memorySource(name, files[name]!))
      const member = [...archive.members.values()].find((each) => each.name.endsWith('/data.pkl'))!
      const source = await archive.open(member)
      return source.slice(0, source.byteLength)
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(pickles.length - 1), edits, async (which, changes) => {
      const bytes = zip(checkpoint(damage(pickles[which]!, changes), storages))
      await contents(() => openFolder({ 'x.pt': bytes }, 'x.pt'), bytes.byteLength)
    }),
    { numRuns, seed },
  )
})
