import { expect, it } from 'vitest'
import { readAdapter } from '../../../core/adapters/read.ts'
import { openTensors, weights } from '../jobs/harness.ts'

it('refuses two spellings of one factor: whichever it took, the other would be left out in silence', async () => {
  const names = ['a.lora_A.weight', 'a.lora_A.default.weight']
  const file = await openTensors(...names.map((name) => weights(name, [4, 8])), weights('a.lora_B.weight', [8, 4]))
  await expect(readAdapter(file)).rejects.toThrow(
    /one tensor for its down, got "a\.lora_A\.weight" and "a\.lora_A\.default/,
  )
})
