import { describe, expect, it } from 'vitest'
import { normalPair } from '../../../core/kernels/philox.ts'
import { decodeSketch, encodeSketch, type Sketch } from '../../../core/sketch-cache/codec.ts'
import type { ColdStore } from '../../../core/sketch-cache/cold-store.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'

const [rows, cols, rank] = [6, 9, 3]

/** Entries of magnitude at most 1, like those of orthonormal columns. */
function sketch(seed: number): Sketch {
  const fill = (length: number) => Float32Array.from({ length }, (_, i) => Math.tanh(normalPair([seed, 0], i, 0)[0]))
  return {
    factorization: { rows, cols, rank, U: fill(rows * rank), s: Float64Array.of(3, 2, 1 / 3), Vt: fill(rank * cols) },
    facts: { tensor: `t${seed}`, relativeError: 0.25 },
  }
}

function coldStore(): ColdStore & { files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    read: async (key) => files.get(key) ?? null,
    write: async (key, bytes) => void files.set(key, bytes),
  }
}

describe('codec', () => {
  it('gives back every bit', async () => {
    expect(await decodeSketch(encodeSketch(sketch(1)))).toEqual(sketch(1))
  })

  it('takes a file cut short for a miss', async () => {
    const bytes = encodeSketch(sketch(1))
    for (let part = 0; part < 20; part++) {
      expect(await decodeSketch(bytes.subarray(0, Math.floor((bytes.byteLength * part) / 20)))).toBeNull()
    }
  })
})

describe('tiers', () => {
  it('cool from hot to warm to cold, and count who answered', async () => {
    const cold = coldStore()
    const cache = new SketchCache({ hotTensors: 1, warmTensors: 1 }, cold)
    for (const seed of [1, 2, 3]) await cache.put(`t${seed}`, sketch(seed))

    expect(await cache.get('t3', { exact: false })).toEqual({ tier: 'hot', sketch: sketch(3) })
    const warm = await cache.get('t2', { exact: false })
    expect(warm?.tier).toBe('warm')
    expect(await cache.get('t1', { exact: false })).toEqual({ tier: 'cold', sketch: sketch(1) })
    expect(await cache.get('t9', { exact: false })).toBeNull()
    expect(cache.counters).toEqual({ hot: 1, warm: 1, cold: 1, missed: 1, stored: 3 })
  })

  it('warm holds half precision: values within 2^-11 relative, facts and singular values untouched', async () => {
    const cache = new SketchCache({ hotTensors: 0, warmTensors: 1 }, null)
    await cache.put('t', sketch(1))
    const { sketch: warm } = (await cache.get('t', { exact: false }))!
    expect(warm.facts).toEqual(sketch(1).facts)
    expect(warm.factorization.s).toEqual(sketch(1).factorization.s)
    warm.factorization.U.forEach((value, i) => {
      const original = sketch(1).factorization.U[i]!
      expect(Math.abs(value - original)).toBeLessThanOrEqual(Math.abs(original) * 2 ** -11 + 2 ** -25)
    })
  })

  it('never answers a compression from warm', async () => {
    const withoutCold = new SketchCache({ hotTensors: 0, warmTensors: 4 }, null)
    await withoutCold.put('t', sketch(1))
    expect(await withoutCold.get('t', { exact: true })).toBeNull()

    const withCold = new SketchCache({ hotTensors: 0, warmTensors: 4 }, coldStore())
    await withCold.put('t', sketch(1))
    expect(await withCold.get('t', { exact: true })).toEqual({ tier: 'cold', sketch: sketch(1) })
  })

  it('engines share the cold tier', async () => {
    const cold = coldStore()
    await new SketchCache({ hotTensors: 4, warmTensors: 24 }, cold).put('t', sketch(1))
    const other = new SketchCache({ hotTensors: 4, warmTensors: 24 }, cold)
    expect((await other.get('t', { exact: true }))?.tier).toBe('cold')
    expect((await other.get('t', { exact: true }))?.tier).toBe('hot')
  })
})
