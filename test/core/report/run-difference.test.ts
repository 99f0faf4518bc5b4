import { expect, test } from 'vitest'
import type { CompressionReport } from '../../../core/contract.ts'
import { runDifference } from '../../../core/report/run-difference.ts'
import { someWords } from '../messages/words.ts'

const run = (bytesAfter: number, relativeError: number, errors: Readonly<Record<string, number | null>>) =>
  ({
    ...{ bytesAfter, relativeError, elapsedMs: bytesAfter },
    tensors: Object.entries(errors).map(([name, error]) => ({
      ...{ name, reason: someWords(''), rank: error === null ? null : 8, bytesBefore: 10, bytesAfter: 5 },
      action: error === null ? 'kept' : 'factorized',
      relativeError: error ?? 0,
    })),
  }) as unknown as CompressionReport

test('what two runs come to, and where they differ most', () => {
  const a = run(80, 0.43, { q: 0.2, k: 0.1, gate: 0.53, only: 0.3 })
  const b = run(130, 0.25, { q: 0.25, k: 0.1, gate: null })
  const found = runDifference(a, b)
  expect(found).toMatchObject({
    bytes: -50,
    compressed: { a: 4, b: 2 },
    worst: { a: { error: 0.53 }, b: { error: 0.25 } },
  })
  expect(found.error).toBeCloseTo(0.18, 12)
  // What is equal is no difference; what one has not is.
  expect(found.tensors).toEqual([
    { name: 'gate', a: 0.53, b: 0, resolution: 0 },
    { name: 'only', a: 0.3, b: null, resolution: 0 },
    { name: 'q', a: 0.2, b: 0.25, resolution: 0 },
  ])
})

test('errors that differ by no more than rounding are equal', () => {
  const [a, b] = [run(80, 0.43, {}), run(80, 0.430002, {})]
  expect(runDifference(a, b).error).not.toBe(0)
  expect(runDifference({ ...a, resolution: 4e-6 }, b).error).toBe(0)
  const [of, beside] = [run(80, 0.43, { q: 3e-7, k: 0.2 }), run(80, 0.43, { q: 2e-7, k: 0.3 })]
  const coarse = { ...of, tensors: of.tensors.map((tensor) => ({ ...tensor, resolution: 4e-6 })) }
  expect(runDifference(coarse, beside).tensors).toEqual([{ name: 'k', a: 0.2, b: 0.3, resolution: 4e-6 }])
})

test('a run beside itself differs in nothing', () => {
  const a = run(80, 0.43, { q: 0.2 })
  expect(runDifference(a, a)).toMatchObject({ bytes: 0, error: 0, tensors: [] })
})

test('runs weighed by different statistics are held against each other by their weights', () => {
  const weighed = (hash: string, error: number, weightError: number) => ({
    ...run(80, error, { q: error }),
    statistics: { hash, covered: 1, total: 1, borrowed: 0, weightError },
    tensors: run(80, error, { q: error }).tensors.map((tensor) => ({ ...tensor, weightError })),
  })
  const [a, b] = [weighed('a', 0.1, 0.4), run(80, 0.3, { q: 0.3 })]
  const found = runDifference(a, b)
  expect(found).toMatchObject({
    errors: { a: 0.4, b: 0.3 },
    worst: { a: { error: 0.4 }, b: { error: 0.3 } },
    tensors: [{ a: 0.4, b: 0.3 }],
  })
  expect(runDifference(a, weighed('a', 0.2, 0.3)).errors).toEqual({ a: 0.1, b: 0.2 })
})
