import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { freshKey, gaussianKey } from '../../../core/svd/random.ts'

const sha256 = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
}

describe('gaussianKey', () => {
  it('is the head of SHA-256 of seed and name', () => {
    const digest = createHash('sha256').update('42\0layers.0.q').digest()
    expect(gaussianKey(sha256, 42, 'layers.0.q')).toEqual([digest.readUInt32LE(0), digest.readUInt32LE(4)])
  })

  it('differs between names, seeds, and where one name continues another seed', () => {
    const keys = [
      gaussianKey(sha256, 1, 'a'),
      gaussianKey(sha256, 1, 'b'),
      gaussianKey(sha256, 2, 'a'),
      gaussianKey(sha256, 12, ''),
      gaussianKey(sha256, 1, '2'),
    ].map(String)
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('freshKey', () => {
  it('gives another stream for every restart', () => {
    const keys = [[1, 2] as const, ...[0, 1, 2, -1, -2].map((restart) => freshKey([1, 2], restart))].map(String)
    expect(new Set(keys).size).toBe(keys.length)
  })
})
