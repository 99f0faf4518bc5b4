import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sparseCount } from '../../../../core/curves/size.ts'
import { largestEntries, type ResidualScan } from '../../../../core/write/styles/sparse-residual.ts'

function scanOf(values: Float32Array, panel: number): ResidualScan {
  return async (visit) => {
    for (let start = 0; start < values.length; start += panel) visit(start, values.slice(start, start + panel))
  }
}

describe('largest residual entries', () => {
  it('are those a full sort finds, for any panel height', async () => {
    const entries = fc.array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(1, -1, 0)), {
      minLength: 1,
      maxLength: 200,
    })
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        async (list, density, panel) => {
          const values = Float32Array.from(list)
          const count = sparseCount(density, 1, values.length)
          const order = [...values.keys()].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b)
          const expected = order.slice(0, count).sort((a, b) => a - b)
          const { index, value } = await largestEntries(scanOf(values, panel), count)
          expect([...index].map(Number)).toEqual(expected)
          expect([...value]).toEqual(expected.map((i) => values[i]!))
        },
      ),
    )
  })
})
