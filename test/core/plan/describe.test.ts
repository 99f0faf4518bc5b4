import { expect, test } from 'vitest'
import { describeFile } from '../../../core/plan/describe.ts'
import { openTensors, weights } from '../jobs/harness.ts'

test('tables of embeddings are told from other matrices by the names that keep them', async () => {
  const names = ['tok_embd.weight', 'wte', 'model.embed_tokens.weight', 'embedder.q_proj.weight', 'lm_head.weight']
  const described = describeFile(await openTensors(...names.map((name) => weights(name, [96, 64]))))
  expect(described.map(({ kind }) => kind)).toEqual(['embedding', 'embedding', 'embedding', 'linear', 'linear'])
})

test('what is said of many tensors is one object, which another process is sent once', async () => {
  const [first, second] = describeFile(await openTensors(...['a', 'b'].map((name) => weights(name, [96, 64]))))
  expect(second!.reason).toBe(first!.reason)
})
