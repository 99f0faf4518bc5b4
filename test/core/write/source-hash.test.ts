import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sourceHash } from '../../../core/write/source-hash.ts'
import { openTensors, testContext, weights } from '../jobs/harness.ts'

const a = () => openTensors(weights('w', [4, 6]))
const b = () => openTensors(weights('w', [4, 6], 'F32', 2))
const hash = async (files: Parameters<typeof sourceHash>[0]) => sourceHash(files, testContext())

test('a lone model is told by its own hash, which tells weights apart', async () => {
  expect(await hash({ model: await a() })).toMatch(/^[0-9a-f]{64}$/)
  expect(await hash({ model: await a() })).toBe(await hash({ model: await a() }))
  expect(await hash({ model: await a() })).not.toBe(await hash({ model: await b() }))
})

test('several files are told by a line of role and hash each, in the order of their roles', async () => {
  const [own, other] = [await hash({ model: await a() }), await hash({ model: await b() })]
  const lines = `base:${own}\ntuned:${other}\n`
  expect(await hash({ base: await a(), tuned: await b() })).toBe(createHash('sha256').update(lines).digest('hex'))
  expect(await hash({ base: await b(), tuned: await a() })).not.toBe(await hash({ base: await a(), tuned: await b() }))
  // In another role it is another source, also where it is the only one.
  expect(await hash({ base: await a() })).not.toBe(own)
})
