import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import { cell } from '../../../core/kernels/control.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { testKernels } from './team-kernels.ts'

/** Unit roundoff of f64. */
const U = 2 ** -53
/** Room over n u of the backward error of an orthogonal reduction: Wilkinson's bound has a modest factor, the growth is far slower than n. */
const MODEST = 8

type Square = { readonly order: number; readonly data: Float64Array }

/** Deterministic values in (-1, 1). */
function noise(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function symmetric(order: number, entry: (i: number, j: number) => number): Square {
  const data = new Float64Array(order * order)
  for (let i = 0; i < order; i++)
    for (let j = i; j < order; j++) data[i * order + j] = data[j * order + i] = entry(i, j)
  return { order, data }
}

function randomSymmetric(order: number, seed: number): Square {
  const next = noise(seed)
  return symmetric(order, next)
}

/** Q diag(values) Qt with Q a product of reflections: the spectrum is known to rounding. */
function withSpectrum(values: readonly number[], seed: number): Square {
  const n = values.length
  const next = noise(seed)
  const A = symmetric(n, (i, j) => (i === j ? values[i]! : 0))
  for (let times = 0; times < 3; times++) {
    const v = Float64Array.from({ length: n }, next)
    const norm = Math.hypot(...v)
    for (let i = 0; i < n; i++) v[i]! /= norm
    reflectBothSides(A, v)
  }
  return A
}

function reflectBothSides({ order: n, data }: Square, v: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let j = 0; j < n; j++) sum += data[i * n + j]! * v[j]!
    for (let j = 0; j < n; j++) data[i * n + j]! -= 2 * sum * v[j]!
  }
  for (let j = 0; j < n; j++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += data[i * n + j]! * v[i]!
    for (let i = 0; i < n; i++) data[i * n + j]! -= 2 * sum * v[i]!
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) data[i * n + j] = data[j * n + i]!
}

function solve(kernels: TeamKernels, A: Square, count = A.order) {
  const mark = kernels.mark()
  const n = A.order
  const load = () => {
    const G = kernels.allocateFloat64(n * n)
    G.set(A.data)
    return G
  }
  const values = kernels.allocateFloat64(n)
  const alone = kernels.allocateFloat64(n)
  const vectors = kernels.allocateFloat64(n * count)
  kernels.symmetricEigen(load(), n, values, vectors, count)
  kernels.symmetricEigen(load(), n, alone, null)
  const result = { values: values.slice(), valuesAlone: alone.slice(), vectors: vectors.slice(), count }
  kernels.release(mark)
  return result
}

const normOf = ({ data }: Square) => {
  let most = 0
  for (const value of data) most = Math.max(most, Math.abs(value))
  // ||A||_F without overflow.
  return most === 0 ? 0 : most * Math.sqrt(data.reduce((sum, value) => sum + (value / most) ** 2, 0))
}

/** G V = V diag, VtV = I, descending, and the values-only route agrees. */
function expectDecomposition(A: Square, { values, valuesAlone, vectors, count }: ReturnType<typeof solve>): void {
  const n = A.order
  const norm = normOf(A)
  const bound = MODEST * n * U
  for (let i = 1; i < n; i++) {
    expect(values[i]!).toBeLessThanOrEqual(values[i - 1]!)
    expect(valuesAlone[i]!).toBeLessThanOrEqual(valuesAlone[i - 1]!)
  }
  let difference = 0
  for (let i = 0; i < n; i++) difference = Math.max(difference, Math.abs(values[i]! - valuesAlone[i]!))
  expect(difference).toBeLessThanOrEqual(bound * norm)
  let residual = 0
  let overlap = 0
  for (let j = 0; j < count; j++) {
    for (let i = 0; i < n; i++) {
      let sum = 0
      for (let p = 0; p < n; p++) sum += A.data[i * n + p]! * vectors[p * count + j]!
      residual = Math.max(residual, Math.abs(sum - values[j]! * vectors[i * count + j]!))
    }
    for (let k = 0; k <= j; k++) {
      let sum = 0
      for (let p = 0; p < n; p++) sum += vectors[p * count + k]! * vectors[p * count + j]!
      overlap = Math.max(overlap, Math.abs(sum - (k === j ? 1 : 0)))
    }
  }
  expect(residual).toBeLessThanOrEqual(bound * norm)
  expect(overlap).toBeLessThanOrEqual(bound)
}

const reference = referenceKernels()
const teams: { name: string; kernels: TeamKernels }[] = []

beforeAll(async () => {
  for (const [choice, threads] of [
    ['simd', 1],
    ['simd', 2],
    ['relaxed', 1],
    ['revectorized', 3],
  ] as const)
    teams.push({ name: `${choice}, ${threads}`, kernels: await testKernels({ choice, threads }) })
})
afterAll(() => Promise.all(teams.map(({ kernels }) => kernels.shutdown())))

const onEveryTeam = (body: (kernels: TeamKernels) => void) => {
  for (const { name, kernels } of teams) {
    try {
      body(kernels)
    } catch (error) {
      throw new Error(`on ${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}

describe('symmetricEigen', () => {
  it('decomposes matrices of every small order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 1e6 }), (order, seed) => {
        const A = randomSymmetric(order, seed)
        onEveryTeam((kernels) => expectDecomposition(A, solve(kernels, A)))
      }),
      { numRuns: 30, seed: 1 },
    )
  })

  it.each([100, 129, 200, 261])('decomposes order %i, across joins and panels', (order) => {
    const A = randomSymmetric(order, order)
    onEveryTeam((kernels) => expectDecomposition(A, solve(kernels, A)))
  })

  it('agrees with ml-matrix', () => {
    const A = randomSymmetric(60, 3)
    const expected = new Float64Array(60)
    reference.symmetricEigen(A.data.slice(), 60, expected, null)
    onEveryTeam((kernels) => {
      const { values } = solve(kernels, A)
      for (let i = 0; i < 60; i++)
        expect(Math.abs(values[i]! - expected[i]!)).toBeLessThanOrEqual(MODEST * 60 * U * normOf(A))
    })
  })

  const n = 140
  const range = (value: (i: number) => number) => Array.from({ length: n }, (_, i) => value(i))
  const spectra: Record<string, number[]> = {
    'one value, repeated': range(() => 3),
    'two values': range((i) => (i < 50 ? 1 : -1)),
    'clusters one rounding wide': range((i) => 1 + (i % 5) + U * i),
    'low rank': range((i) => (i < 7 ? 7 - i : 0)),
    graded: range((i) => 10 ** (-i / 8)),
    'as the Gram of a decaying spectrum': range((i) => (i + 1) ** -3),
    'a single large value': range((i) => (i === 0 ? 1e12 : 1 / (i + 1))),
    huge: range((i) => 1e150 / (i + 1)),
    tiny: range((i) => 1e-150 / (i + 1)),
    zero: range(() => 0),
  }
  it.each(Object.keys(spectra))('finds the spectrum: %s', (name) => {
    const expected = spectra[name]!.toSorted((a, b) => b - a)
    const A = withSpectrum(expected, 17)
    onEveryTeam((kernels) => {
      const result = solve(kernels, A)
      expectDecomposition(A, result)
      // The matrix itself was built in about as many roundings.
      const bound = 2 * MODEST * n * U * normOf(A)
      for (let i = 0; i < n; i++) expect(Math.abs(result.values[i]! - expected[i]!)).toBeLessThanOrEqual(bound)
    })
  })

  it('decomposes matrices that are tridiagonal, diagonal or graded already', () => {
    const wilkinson = symmetric(n, (i, j) => (i === j ? Math.abs(i - (n - 1) / 2) : j - i === 1 ? 1 : 0))
    const diagonal = symmetric(n, (i, j) => (i === j ? (i * 7) % n : 0))
    const ones = symmetric(n, () => 1)
    const random = randomSymmetric(n, 5).data
    const down = symmetric(n, (i, j) => random[i * n + j]! * 10 ** (-(i + j) / 5))
    const up = symmetric(n, (i, j) => random[i * n + j]! * 10 ** ((i + j - 2 * n) / 5))
    onEveryTeam((kernels) => {
      for (const A of [wilkinson, diagonal, ones, down, up]) expectDecomposition(A, solve(kernels, A))
    })
  })

  it('has the same entries at 1e300 and 1e-300, scaled', () => {
    const A = randomSymmetric(40, 9)
    onEveryTeam((kernels) => {
      const plain = solve(kernels, A)
      for (const exponent of [990, -990]) {
        const scaled = solve(kernels, { order: 40, data: A.data.map((value) => value * 2 ** exponent) })
        expect(scaled.vectors).toEqual(plain.vectors)
        expect(scaled.values).toEqual(plain.values.map((value) => value * 2 ** exponent))
      }
    })
  })

  it('gives the leading vectors alone: the same as the first of all', () => {
    const A = randomSymmetric(150, 21)
    onEveryTeam((kernels) => {
      const all = solve(kernels, A)
      const some = solve(kernels, A, 11)
      expectDecomposition(A, some)
      for (let i = 0; i < 150; i++)
        for (let j = 0; j < 11; j++) expect(some.vectors[i * 11 + j]).toBe(all.vectors[i * 150 + j])
    })
  })

  it('gives leading vectors alone where most values drop out of the last join', () => {
    const A = withSpectrum(
      Array.from({ length: 150 }, (_, i) => (i < 7 ? 7 - i : i < 60 ? 1e-3 : 0)),
      29,
    )
    onEveryTeam((kernels) => {
      for (const count of [3, 20]) expectDecomposition(A, solve(kernels, A, count))
    })
  })

  it('finds values alone through a band, in large matrices, as it does with vectors', () => {
    const order = 540
    const random = randomSymmetric(order, 41)
    const spectrum = (value: (i: number) => number) =>
      withSpectrum(
        Array.from({ length: order }, (_, i) => value(i)),
        43,
      )
    const shapes = [
      random,
      { order, data: random.data.map((value, at) => value * 10 ** (-((at % order) + Math.floor(at / order)) / 40)) },
      spectrum((i) => (i < 9 ? 1 : 0)),
      spectrum((i) => 1 + (i % 3)),
      symmetric(order, (i, j) => (i === j ? i : 0)),
    ]
    const bits = new Map<string, Float64Array[]>()
    onEveryTeam((kernels) => {
      const results = shapes.map((A) => solve(kernels, A, 1))
      for (const [at, A] of shapes.entries()) {
        const { values, valuesAlone } = results[at]!
        const bound = MODEST * order * U * normOf(A)
        for (let i = 0; i < order; i++) expect(Math.abs(values[i]! - valuesAlone[i]!)).toBeLessThanOrEqual(bound)
      }
      const alone = results.map(({ valuesAlone }) => valuesAlone)
      const first = bits.get(kernels.info.arithmetic)
      if (first) expect(alone).toEqual(first)
      else bits.set(kernels.info.arithmetic, alone)
    })
  })

  it('has bits that depend on the arithmetic class alone, not on threads or tile', () => {
    const A = randomSymmetric(300, 30)
    const byClass = new Map<string, ReturnType<typeof solve>>()
    onEveryTeam((kernels) => {
      const result = solve(kernels, A)
      const first = byClass.get(kernels.info.arithmetic)
      if (!first) byClass.set(kernels.info.arithmetic, result)
      else expect(result).toEqual(first)
    })
    expect([...byClass.keys()].sort()).toEqual(['fused', 'unfused'])
  })

  it('ends when cancelled, and works again afterwards', () => {
    const A = randomSymmetric(200, 31)
    onEveryTeam((kernels) => {
      kernels.cancel()
      expect(() => solve(kernels, A)).toThrow(expect.objectContaining({ code: 'cancelled' }))
      kernels.clearCancel()
      expectDecomposition(A, solve(kernels, A))
    })
  })

  it('refuses entries that are not finite, and frees its memory', () => {
    onEveryTeam((kernels) => {
      const before = kernels.memory.usedBytes
      const mark = kernels.mark()
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const A = randomSymmetric(20, 1)
        A.data[5] = A.data[100] = value
        expect(() => solve(kernels, A)).toThrow(RangeError)
      }
      kernels.release(mark)
      expect(kernels.memory.usedBytes).toBe(before)
    })
  })
})

describe('while it runs', () => {
  it.each([
    ['a cancel', 1, 'cancel', 1, 'cancelled'],
    ['a cancel', 2, 'cancel', 1, 'cancelled'],
    ['the death of a thread', 2, 'dead', 2, 'engine-died'],
  ] as const)('%s ends it, %i threads', async (_, threads, name, value, code) => {
    const kernels = await testKernels({ threads })
    const order = 700
    const A = randomSymmetric(order, 2)
    const G = kernels.allocateFloat64(order * order)
    const values = kernels.allocateFloat64(order)
    const vectors = kernels.allocateFloat64(order * order)
    // Raised by a thread of its own, as the engine's event loop does.
    const raiser = new Worker(
      `const { workerData } = require('node:worker_threads')
       const until = performance.now() + 5
       while (performance.now() < until);
       Atomics.store(new Int32Array(workerData.control), workerData.index, workerData.value)`,
      { eval: true, workerData: { control: kernels.control, index: cell[name], value } },
    )
    let ended: unknown = null
    // The raiser may start late: solve until it has.
    while (!ended) {
      try {
        G.set(A.data)
        kernels.symmetricEigen(G, order, values, vectors)
      } catch (error) {
        ended = error
      }
    }
    expect(ended).toBeInstanceOf(AppError)
    expect((ended as AppError).code).toBe(code)
    await raiser.terminate()
    await kernels.shutdown()
  })
})
