/** Integers of any length, against their digits. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pickleInput } from '../../../../core/formats/pytorch/pickle-input.ts'
import { pickleBudget, pickleMeter } from '../../../../core/formats/pytorch/pickle-limits.ts'
import { memorySource } from '../../../../core/io.ts'

async function inputOf(bytes: Uint8Array) {
  const input = pickleInput(memorySource('x.pkl', bytes), 0, pickleMeter('x.pkl', 0, pickleBudget()))
  await input.refill(0, bytes.byteLength)
  return input
}

it('an integer is its bytes in two\u2019s complement, the least first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
      const digits = bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
      const value = (await inputOf(bytes)).integer(bytes.byteLength)
      expect(BigInt(value as bigint)).toBe(BigInt.asIntN(8 * bytes.byteLength, digits))
    }),
  )
})

it('long integers cost what texts of their length do', async () => {
  const input = await inputOf(new Uint8Array(48_000_255).fill(1))
  const all = () => {
    for (let i = 0; i < 48_000_255 / 255; i++) input.integer(255)
  }
  expect(all).toThrow(/at most 48000000 bytes of text/)
})
