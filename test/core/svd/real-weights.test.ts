/** Published weights (test/fixtures/weights), with the errors that were published of them. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Dense, relativeError, svd } from './matrices.ts'

const path = new URL('../../fixtures/weights/mlstm_wx.npy', import.meta.url)

describe('input weights of a multiplicative LSTM, 64 x 4096', () => {
  const load = (): Dense => {
    const bytes = readFileSync(path)
    const header = 10 + bytes.readUInt16LE(8)
    return { rows: 64, cols: 4096, data: new Float32Array(new Uint8Array(bytes.subarray(header)).buffer) }
  }

  it.each([
    [16, 0.47095],
    [32, 0.18394],
  ])('at rank %i: exact %f, randomized with 4 iterations within 0.02 %% above', async (rank, published) => {
    const A = load()
    const exact = relativeError(A, await svd(A, { method: 'exact', rank }))
    expect(Math.abs(exact - published)).toBeLessThanOrEqual(5e-7)
    const randomized = relativeError(A, await svd(A, { method: 'randomized', rank, nIter: 4 }))
    expect(randomized / exact - 1).toBeLessThanOrEqual(2e-4)
    expect(randomized ** 2).toBeGreaterThanOrEqual(exact ** 2 - 64 * 2 ** -24)
  })
})
