import fc from 'fast-check'
import { Matrix as MlMatrix, SVD } from 'ml-matrix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kernels } from '../../../core/kernels/kernels.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { testKernels } from './team-kernels.ts'

/** Unit roundoff of f64. */
const U = 2 ** -53
const MODEST = 16

interface Wide {
  readonly count: number
  readonly length: number
  readonly data: Float64Array
}

/** Deterministic values in (-1, 1). */
function noise(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function random(count: number, length: number, seed: number): Wide {
  return { count, length, data: Float64Array.from({ length: count * length }, noise(seed)) }
}

/** Q diag(values) Pt with reflections for Q and P: the singular values are known to rounding of the largest. */
function withValues(values: readonly number[], length: number, seed: number): Wide {
  const count = values.length
  const next = noise(seed)
  const data = new Float64Array(count * length)
  for (let i = 0; i < count; i++) data[i * length + i] = values[i]!
  for (let times = 0; times < 2; times++) {
    const unit = (n: number) => {
      const v = Float64Array.from({ length: n }, next)
      const norm = Math.hypot(...v)
      return v.map((value) => value / norm)
    }
    const v = unit(length)
    for (let i = 0; i < count; i++) {
      let sum = 0
      for (let j = 0; j < length; j++) sum += data[i * length + j]! * v[j]!
      for (let j = 0; j < length; j++) data[i * length + j]! -= 2 * sum * v[j]!
    }
    const w = unit(count)
    for (let j = 0; j < length; j++) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += data[i * length + j]! * w[i]!
      for (let i = 0; i < count; i++) data[i * length + j]! -= 2 * sum * w[i]!
    }
  }
  return { count, length, data }
}

function solve(kernels: Kernels, { count, length, data }: Wide) {
  const mark = kernels.mark()
  const W = kernels.allocateFloat64(count * length)
  const values = kernels.allocateFloat64(count)
  const J = kernels.allocateFloat64(count * count)
  W.set(data)
  kernels.jacobiSvd(W, count, length, values, J)
  const result = { W: W.slice(), values: values.slice(), J: J.slice() }
  W.set(data)
  kernels.jacobiSvd(W, count, length, values, null)
  expect(values.slice()).toEqual(result.values)
  kernels.release(mark)
  return result
}

/** Largest entry of |X Xt - I| over the first `rows` rows. */
function overlap(X: Float64Array, rows: number, length: number): number {
  let worst = 0
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = 0
      for (let p = 0; p < length; p++) sum += X[i * length + p]! * X[k * length + p]!
      worst = Math.max(worst, Math.abs(sum - (i === k ? 1 : 0)))
    }
  }
  return worst
}

function expectSvd({ count, length, data }: Wide, { W, values, J }: ReturnType<typeof solve>): void {
  const bound = MODEST * length * U
  for (let i = 1; i < count; i++) expect(values[i]!).toBeLessThanOrEqual(values[i - 1]!)
  expect(values[count - 1]!).toBeGreaterThanOrEqual(0)
  expect(overlap(J, count, count)).toBeLessThanOrEqual(bound)
  const positive = values.indexOf(0)
  expect(overlap(W, positive < 0 ? count : positive, length)).toBeLessThanOrEqual(bound)
  let residual = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < length; j++) {
      let sum = 0
      for (let p = 0; p < count; p++) sum += J[p * count + i]! * values[p]! * W[p * length + j]!
      residual = Math.max(residual, Math.abs(sum - data[i * length + j]!))
    }
  }
  expect(residual).toBeLessThanOrEqual(bound * values[0]!)
}

const teams: { name: string; kernels: Kernels }[] = [{ name: 'reference', kernels: referenceKernels() }]
const started: TeamKernels[] = []

beforeAll(async () => {
  for (const [choice, threads] of [
    ['simd', 1],
    ['relaxed', 2],
    ['revectorized', 1],
  ] as const) {
    const kernels = await testKernels({ choice, threads })
    started.push(kernels)
    teams.push({ name: `${choice}, ${threads}`, kernels })
  }
})
afterAll(() => Promise.all(started.map((kernels) => kernels.shutdown())))

const onAll = (body: (kernels: Kernels) => void) => {
  for (const { name, kernels } of teams) {
    try {
      body(kernels)
    } catch (error) {
      throw new Error(`on ${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}

describe('jacobiSvd', () => {
  it('decomposes matrices of every small shape', () => {
    const shape = fc
      .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 30 }))
      .map(([count, more]) => [count, count + more] as const)
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 1e6 }), ([count, length], seed) => {
        const A = random(count, length, seed)
        onAll((kernels) => expectSvd(A, solve(kernels, A)))
      }),
      { numRuns: 15, seed: 1 },
    )
  })

  it('agrees with ml-matrix', () => {
    const A = random(30, 45, 7)
    const rows = Array.from({ length: 30 }, (_, i) => Array.from(A.data.subarray(i * 45, (i + 1) * 45)))
    const expected = new SVD(new MlMatrix(rows).transpose()).diagonal
    onAll((kernels) => {
      const { values } = solve(kernels, A)
      for (let i = 0; i < 30; i++)
        expect(Math.abs(values[i]! - expected[i]!)).toBeLessThanOrEqual(MODEST * 45 * U * expected[0]!)
    })
  })

  const n = 100
  const range = (value: (i: number) => number) => Array.from({ length: n }, (_, i) => value(i))
  const spectra: Record<string, number[]> = {
    'down to rounding of the largest': range((i) => 10 ** (-i / 7)),
    'a gap of twelve digits': range((i) => (i < 40 ? 1 + i / 100 : 1e-12 * (1 + i / 100))),
    'one value, repeated': range(() => 2),
    'rank 5': range((i) => (i < 5 ? 5 - i : 0)),
    huge: range((i) => 1e150 / (i + 1)),
    tiny: range((i) => 1e-150 / (i + 1)),
  }
  it.each(Object.keys(spectra))('finds the values: %s', (name) => {
    const expected = spectra[name]!.toSorted((a, b) => b - a)
    const A = withValues(expected, n + 13, 5)
    onAll((kernels) => {
      const result = solve(kernels, A)
      expectSvd(A, result)
      // Absolute error: rounding of the largest, where the Gram route would end at 1e-8 of it.
      const bound = MODEST * (n + 13) * U * expected[0]!
      for (let i = 0; i < n; i++) expect(Math.abs(result.values[i]! - expected[i]!)).toBeLessThanOrEqual(bound)
    })
  })

  it('leaves rows of value 0 at 0', () => {
    const A = { count: 40, length: 50, data: new Float64Array(2000) }
    onAll((kernels) => {
      const { values, W, J } = solve(kernels, A)
      expect(values.every((value) => value === 0)).toBe(true)
      expect(W.every((value) => value === 0)).toBe(true)
      expect(overlap(J, 40, 40)).toBeLessThanOrEqual(MODEST * 40 * U)
    })
  })

  it('has bits that do not depend on the number of threads', async () => {
    const A = random(130, 140, 11)
    const results = []
    for (const threads of [1, 2, 3]) {
      const kernels = await testKernels({ choice: 'relaxed', threads })
      started.push(kernels)
      results.push(solve(kernels, A))
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  it('ends when cancelled', () => {
    for (const kernels of started) {
      kernels.cancel()
      expect(() => solve(kernels, random(40, 40, 1))).toThrow(expect.objectContaining({ code: 'cancelled' }))
      kernels.clearCancel()
    }
  })
})
