import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kernels, Matrix, WeightDType, Weights } from '../../../core/kernels/kernels.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { widen } from '../../../core/kernels/widen.ts'
import { testKernels } from './team-kernels.ts'

/** Unit roundoff of f32 and f64. */
const U32 = 2 ** -24
const U64 = 2 ** -53

/** Deterministic values in (-1, 1). */
function noise(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function matrix(kernels: Kernels, rows: number, cols: number, next: () => number): Matrix {
  const data = kernels.allocateFloat32(rows * cols)
  for (let i = 0; i < data.length; i++) data[i] = next()
  return { rows, cols, data }
}

/** Random bits of every kind that the dtype can hold, NaN and Inf left out. */
function weights(
  kernels: Kernels,
  rows: number,
  cols: number,
  dtype: WeightDType,
  next: () => number,
  scale = 1,
): Weights {
  const bytes = kernels.allocateBytes(rows * cols * (dtype === 'F32' ? 4 : 2))
  if (dtype === 'F32') {
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, rows * cols)
    for (let i = 0; i < values.length; i++) values[i] = next() / scale
  } else {
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, rows * cols)
    // Exponents around 1, subnormals of F16 among them.
    for (let i = 0; i < halves.length; i++) {
      const bits = Math.floor((next() + 1) * 32768)
      halves[i] = dtype === 'F16' ? bits & 0xbbff : (bits & 0x80ff) | 0x3f00
    }
  }
  return { rows, cols, dtype, data: bytes, scale }
}

const copyOf = (kernels: Kernels, X: Matrix): Matrix => {
  const data = kernels.allocateFloat32(X.data.length)
  data.set(X.data)
  return { ...X, data }
}

/** Largest of |x - y| against `bound`, entry by entry. */
function expectWithin(x: ArrayLike<number>, y: ArrayLike<number>, bound: number): void {
  let worst = 0
  for (let i = 0; i < x.length; i++) worst = Math.max(worst, Math.abs(x[i]! - y[i]!))
  expect(worst).toBeLessThanOrEqual(bound)
}

/** A copy of the bits: comparing arrays number by number takes seconds. */
const bytesOf = (array: ArrayBufferView) =>
  Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))

const largest = (values: ArrayLike<number>) => {
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}

const size = fc.integer({ min: 1, max: 70 })
const dtype = fc.constantFrom<WeightDType>('F32', 'F16', 'BF16')
const reference = referenceKernels()
const teams: { name: string; kernels: TeamKernels }[] = []

beforeAll(async () => {
  for (const choice of ['simd', 'relaxed', 'revectorized'] as const) {
    for (const threads of [1, 2])
      teams.push({ name: `${choice}, ${threads}`, kernels: await testKernels({ choice, threads, aloneBelowFlop: 0 }) })
  }
})
afterAll(async () => {
  await Promise.all(teams.map(({ kernels }) => kernels.shutdown()))
})

/** Runs `check` for every team, freeing what it allocated. */
function everyTeam(check: (kernels: TeamKernels) => void): void {
  for (const { name, kernels } of teams) {
    const mark = kernels.mark()
    try {
      check(kernels)
    } catch (error) {
      throw new Error(`${name}: ${String(error)}`, { cause: error })
    } finally {
      kernels.release(mark)
    }
  }
}

describe('every fast kernel agrees with the reference', () => {
  it('T - B, its sums, and what is not finite', () => {
    const count = fc.integer({ min: 1, max: 300 })
    fc.assert(
      fc.property(count, dtype, dtype, fc.boolean(), (n, tunedType, baseType, spoilt) => {
        everyTeam((kernels) => {
          const next = noise(n)
          const [T, B] = [weights(kernels, 1, n, tunedType, next), weights(kernels, 1, n, baseType, next)]
          if (spoilt)
            for (const i of [0, n >> 1, n - 1])
              T.data.fill(0xff, (i * T.data.length) / n, ((i + 1) * T.data.length) / n)
          const [D, expected] = [kernels.allocateFloat32(n), new Float32Array(n)]
          const sums = kernels.subtract(T, B, D)
          const byReference = reference.subtract(T, B, expected)
          expect(Array.from(D, (value) => value || 0)).toEqual(Array.from(expected, (value) => value || 0))
          expect([sums.nanCount, sums.infCount]).toEqual([byReference.nanCount, byReference.infCount])
          for (const which of ['base', 'tuned', 'difference'] as const)
            expectWithin([sums[which]], [byReference[which]], 4 * n * U64 * byReference[which])
        })
      }),
      { numRuns: 60 },
    )
  })

  it('A X', () => {
    fc.assert(
      fc.property(size, size, size, dtype, fc.constantFrom(1, 2 ** 100, 2 ** -100), (m, n, k, type, scale) => {
        everyTeam((kernels) => {
          const next = noise(m * 5041 + n * 71 + k)
          const A = weights(kernels, m, n, type, next, scale)
          const X = matrix(kernels, n, k, next)
          const Y = matrix(kernels, m, k, next)
          const expected = { ...Y, data: new Float32Array(m * k) }
          kernels.gemm(A, X, Y)
          reference.gemm(A, X, expected)
          expectWithin(Y.data, expected.data, (n + 1) * U32 * n * largest(widen(A)) * scale)
        })
      }),
      { numRuns: 40 },
    )
  })

  it('At Y, fresh and accumulated', () => {
    fc.assert(
      fc.property(size, size, size, dtype, fc.boolean(), (m, n, k, type, accumulate) => {
        everyTeam((kernels) => {
          const next = noise(m * 5041 + n * 71 + k)
          const A = weights(kernels, m, n, type, next)
          const Y = matrix(kernels, m, k, next)
          const Z = matrix(kernels, n, k, next)
          const expected = { ...Z, data: Z.data.slice() }
          kernels.gemmTransposed(A, Y, Z, accumulate)
          reference.gemmTransposed(A, Y, expected, accumulate)
          expectWithin(Z.data, expected.data, 2 * (m + 2) * U32 * (m * largest(widen(A)) + 1))
        })
      }),
      { numRuns: 40 },
    )
  })

  it('At Y with as many columns as are turned, and one more, and with more of A than a task takes', () => {
    everyTeam((kernels) => {
      for (const [m, n, k] of [
        [300, 801, 240],
        [300, 401, 241],
      ] as const) {
        const next = noise(n)
        const A = weights(kernels, m, n, 'BF16', next)
        const Y = matrix(kernels, m, k, next)
        const Z = matrix(kernels, n, k, next)
        const expected = { ...Z, data: Z.data.slice() }
        kernels.gemmTransposed(A, Y, Z, true)
        reference.gemmTransposed(A, Y, expected, true)
        expectWithin(Z.data, expected.data, 2 * (m + 2) * U32 * (m * largest(widen(A)) + 1))
      }
    })
  })

  it('Gram matrices of sketches and of weights, both sides', () => {
    fc.assert(
      fc.property(size, size, dtype, fc.boolean(), (m, n, type, accumulate) => {
        everyTeam((kernels) => {
          const next = noise(m * 71 + n)
          const A = weights(kernels, m, n, type, next)
          const most = largest(widen(A)) ** 2
          for (const side of ['rows', 'cols'] as const) {
            const order = side === 'rows' ? m : n
            const G = kernels.allocateFloat64(order * order)
            for (let i = 0; i < order; i++) for (let j = 0; j <= i; j++) G[i * order + j] = G[j * order + i] = next()
            const expected = G.slice()
            kernels.gramWeights(A, side, G, accumulate)
            reference.gramWeights(A, side, expected, accumulate)
            const inner = side === 'rows' ? n : m
            expectWithin(G, expected, (inner + 1) * U64 * (inner * most + 1))
          }
          const Y = matrix(kernels, m, n, next)
          const G = kernels.allocateFloat64(n * n)
          const expected = new Float64Array(n * n)
          kernels.gram(Y, G)
          reference.gram(Y, expected)
          expectWithin(G, expected, (m + 1) * U64 * m)
          const X = matrix(kernels, m, Math.max(1, n >> 1), next)
          const C = kernels.allocateFloat64(X.cols * n)
          const expectedCross = new Float64Array(C.length)
          kernels.crossGram(X, Y, C)
          reference.crossGram(X, Y, expectedCross)
          expectWithin(C, expectedCross, (m + 1) * U64 * m)
        })
      }),
      { numRuns: 40 },
    )
  })

  it('Y M, beside Y and onto Y', () => {
    fc.assert(
      fc.property(size, size, size, (m, k, j) => {
        everyTeam((kernels) => {
          const next = noise(m * 5041 + k * 71 + j)
          const Y = matrix(kernels, m, k, next)
          for (const [Out, cols, accumulate] of [
            [matrix(kernels, m, j, next), j, false],
            [matrix(kernels, m, j, next), j, true],
            [Y, k, false],
          ] as const) {
            const M = kernels.allocateFloat64(k * cols)
            for (let i = 0; i < M.length; i++) M[i] = next()
            const expected = { ...Out, data: Out.data.slice() }
            reference.multiplySmall(Y, M, expected, accumulate)
            kernels.multiplySmall(Y, M, Out, accumulate)
            expectWithin(Out.data, expected.data, (k + 3) * U32 * (k + 1))
          }
        })
      }),
      { numRuns: 30 },
    )
  })

  it('Y M onto Y with more columns than are packed at a time', () => {
    everyTeam((kernels) => {
      const [m, k] = [31, 1100]
      const next = noise(8)
      const Y = matrix(kernels, m, k, next)
      const M = kernels.allocateFloat64(k * k)
      for (let i = 0; i < M.length; i++) M[i] = next()
      const expected = { ...Y, data: Y.data.slice() }
      const beside = matrix(kernels, m, k, () => 0)
      kernels.multiplySmall(Y, M, beside)
      kernels.multiplySmall(Y, M, Y)
      expect(bytesOf(Y.data).equals(bytesOf(beside.data))).toBe(true)
      if (kernels !== teams[0]!.kernels) return
      reference.multiplySmall(expected, M, expected)
      expectWithin(Y.data, expected.data, (k + 2) * U32 * k)
    })
  })

  it('Y M onto Y where the memory has to grow for a copy of Y', async () => {
    const kernels = await testKernels({ choice: 'simd', threads: 1 })
    try {
      const [m, k] = [1025, 1025]
      const next = noise(9)
      const Y = matrix(kernels, m, k, next)
      // Twice the identity: exact, and not taken for an upper triangular one.
      const M = kernels.allocateFloat64(k * k)
      for (let i = 0; i < k; i++) M[i * k + i] = 2
      M[(k - 1) * k] = 1
      const first = Array.from({ length: m }, (_, i) => 2 * Y.data[i * k]! + Y.data[i * k + k - 1]!)
      // Up to the end of what there is.
      while (kernels.allocateBytes(1).buffer.byteLength - kernels.memory.usedBytes > 4 * m * k)
        kernels.allocateBytes(1 << 20)
      kernels.multiplySmall(Y, M, Y)
      expectWithin(
        Array.from({ length: m }, (_, i) => Y.data[i * k]!),
        first,
        4 * U32,
      )
    } finally {
      await kernels.shutdown()
    }
  })

  it('Y R for upper triangular R, beside Y and onto Y', () => {
    everyTeam((kernels) => {
      for (const [m, k] of [
        [1, 1],
        [50, 7],
        [131, 53],
        [40, 300],
        [13, 1100],
      ] as const) {
        const mark = kernels.mark()
        const next = noise(k)
        const Y = matrix(kernels, m, k, next)
        const R = kernels.allocateFloat64(k * k)
        for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) R[i * k + j] = j < i ? 0 : next()
        const Out = matrix(kernels, m, k, next)
        const expected = { ...Y, data: new Float32Array(m * k) }
        reference.multiplySmall(Y, R, expected)
        kernels.multiplySmall(Y, R, Out)
        expectWithin(Out.data, expected.data, (k + 2) * U32 * k)
        kernels.multiplySmall(Y, R, Y)
        expect(bytesOf(Y.data).equals(bytesOf(Out.data))).toBe(true)
        kernels.release(mark)
      }
    })
  })

  it('residual, transpose, statistics', () => {
    fc.assert(
      fc.property(size, size, size, dtype, (m, n, k, type) => {
        everyTeam((kernels) => {
          const next = noise(m * 5041 + n * 71 + k)
          const A = weights(kernels, m, n, type, next)
          const L = matrix(kernels, m, k, next)
          const R = matrix(kernels, k, n, next)
          const expected = reference.residual(A, L, R)
          const perEntry = k + largest(widen(A))
          expect(Math.abs(kernels.residual(A, L, R) - expected)).toBeLessThanOrEqual(
            2 * m * n * perEntry * (k + 1) * U32 * k,
          )
          const T = matrix(kernels, n, m, next)
          kernels.transpose(
            { rows: m, cols: n, data: R.data.length === m * n ? R.data : matrix(kernels, m, n, next).data },
            T,
          )
          const back = matrix(kernels, m, n, next)
          kernels.transpose(T, back)
          const again = matrix(kernels, n, m, next)
          reference.transpose(back, again)
          expect(again.data).toEqual(T.data)
          const [ours, theirs] = [kernels.statistics(A), reference.statistics(A)]
          expect({ ...ours, sumOfSquares: 0 }).toEqual({ ...theirs, sumOfSquares: 0 })
          expect(Math.abs(ours.sumOfSquares - theirs.sumOfSquares)).toBeLessThanOrEqual(
            m * n * U64 * theirs.sumOfSquares,
          )
        })
      }),
      { numRuns: 30 },
    )
  })

  it('the residual in f64, over weights of every dtype', () => {
    // Beyond one block in each direction, and what sticks out of it.
    for (const [m, n, k] of [
      [1, 1, 1],
      [98, 197, 260],
    ] as const) {
      for (const type of ['F32', 'F16', 'BF16', 'F64'] as const) {
        everyTeam((kernels) => {
          const next = noise(m + n + k)
          const L = kernels.allocateFloat64(m * k).map(next)
          const R = kernels.allocateFloat64(k * n).map(next)
          const [left, right] = [kernels.allocateFloat64(m * k), kernels.allocateFloat64(k * n)]
          left.set(L)
          right.set(R)
          const wide = kernels.allocateFloat64(type === 'F64' ? m * n : 0)
          wide.fill(0)
          for (let at = 0; at < wide.length; at++) {
            const [i, j] = [Math.floor(at / n), at % n]
            for (let p = 0; p < k; p++) wide[at]! += L[i * k + p]! * R[p * n + j]!
            // Far below what f32 could see.
            wide[at]! += 1e-9
          }
          const data = new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength)
          const A =
            type === 'F64' ? { rows: m, cols: n, dtype: type, data, scale: 1 } : weights(kernels, m, n, type, next)
          const expected = reference.residualDouble(A, L, R, k)
          const found = kernels.residualDouble(A, left, right, k)
          // Each entry is off by k products; that of F64 is small itself.
          const perEntry = k * U64 * (k + (A.dtype === 'F64' ? k : largest(widen({ ...A, dtype: A.dtype }))))
          expect(Math.abs(found - expected)).toBeLessThanOrEqual(
            4 * Math.sqrt(expected * m * n) * perEntry + m * n * perEntry ** 2 + expected * m * n * U64,
          )
          if (type === 'F64') expect(Math.abs(found / (m * n * 1e-18) - 1)).toBeLessThan(1e-3)
        })
      }
    }
  })

  it('normals, bit for bit, and a wider sketch keeps its first columns', () => {
    fc.assert(
      fc.property(size, size, fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), (m, k, key0, key1) => {
        everyTeam((kernels) => {
          const X = matrix(kernels, m, k, () => 0)
          const expected = { ...X, data: new Float32Array(m * k) }
          kernels.gaussian([key0, key1], X)
          reference.gaussian([key0, key1], expected)
          expect(new Uint32Array(X.data.slice().buffer)).toEqual(new Uint32Array(expected.data.buffer))
        })
      }),
      { numRuns: 20 },
    )
  })
})

describe('inverseCholesky', () => {
  it.each([1, 2, 5, 24, 47, 48, 49, 97, 150])('of order %i: Inverse^T G Inverse = I, whatever the scales', (order) => {
    const seen: Record<string, Buffer> = {}
    everyTeam((kernels) => {
      const Y = matrix(kernels, order + 60, order, noise(order))
      for (let i = 0; i < Y.data.length; i++) Y.data[i]! *= 2 ** ((i % order) % 9)
      const G = kernels.allocateFloat64(order * order)
      kernels.gram(Y, G)
      const original = G.slice()
      const inverse = kernels.allocateFloat64(order * order)
      expect(kernels.inverseCholesky(G, order, inverse)).toBe(true)
      // Q = Y R^-1 has orthonormal columns.
      let worst = 0
      const product = new Float64Array(order)
      for (let a = 0; a < order; a++) {
        product.fill(0)
        for (let p = 0; p <= a; p++)
          for (let q = 0; q < order; q++) product[q]! += inverse[p * order + a]! * original[p * order + q]!
        for (let b = 0; b < order; b++) {
          if (b < a) worst = Math.max(worst, Math.abs(inverse[a * order + b]!))
          let sum = 0
          for (let q = 0; q <= b; q++) sum += product[q]! * inverse[q * order + b]!
          worst = Math.max(worst, Math.abs(sum - (a === b ? 1 : 0)))
        }
      }
      expect(worst).toBeLessThanOrEqual(1e4 * order * U64)
      seen[kernels.info.arithmetic] ??= bytesOf(inverse)
      expect(bytesOf(inverse).equals(seen[kernels.info.arithmetic]!)).toBe(true)
    })
  })

  it('refuses what is singular, zero or not a number', () => {
    everyTeam((kernels) => {
      const refuses = (order: number, fill: (i: number, j: number) => number) => {
        const G = kernels.allocateFloat64(order * order)
        for (let i = 0; i < order; i++) for (let j = 0; j < order; j++) G[i * order + j] = fill(i, j)
        return !kernels.inverseCholesky(G, order, kernels.allocateFloat64(order * order))
      }
      expect(refuses(2, () => 1)).toBe(true)
      expect(refuses(100, (i, j) => Math.min(i, j, 70) + 1)).toBe(true)
      expect(refuses(60, (i, j) => (i === j && i < 55 ? 1 : 0))).toBe(true)
      expect(refuses(60, (i, j) => (i === j ? (i === 50 ? Number.NaN : 1) : 0))).toBe(true)
      expect(refuses(60, (i, j) => (i === j ? 10 ** (i - 30) : 0))).toBe(false)
    })
  })
})

describe('statistics', () => {
  it('count NaN and Inf, and leave them out of the sums', () => {
    everyTeam((kernels) => {
      for (const length of [1, 3, 4, 5, 8, 300_001]) {
        const bytes = kernels.allocateBytes(4 * length)
        const values = new Float32Array(bytes.buffer, bytes.byteOffset, length).fill(-1e30)
        if (length > 2) values[length - 1] = Number.NaN
        if (length > 3) values[0] = Number.NEGATIVE_INFINITY
        const A: Weights = { rows: 1, cols: length, dtype: 'F32', data: bytes, scale: 1 }
        const { sumOfSquares, ...rest } = kernels.statistics(A)
        const { sumOfSquares: expected, ...restOfReference } = reference.statistics(A)
        expect(rest).toEqual(restOfReference)
        expect(Math.abs(sumOfSquares - expected)).toBeLessThanOrEqual(length * U64 * expected)
      }
    })
  })
})

describe('bits', () => {
  /** Depth beyond one block of the inner dimension, rims on every side. */
  const [m, n, k] = [521, 777, 19]

  const products = (kernels: Kernels, type: WeightDType, panels: number) => {
    const next = noise(3)
    const A = weights(kernels, m, n, type, next)
    const X = matrix(kernels, n, k, next)
    const Y = matrix(kernels, m, k, next)
    const Z = matrix(kernels, n, k, next)
    const G = kernels.allocateFloat64(n * n)
    const rowBytes = A.data.length / m
    const height = Math.ceil(m / panels / kernels.panelRows) * kernels.panelRows
    for (let start = 0; start < m; start += height) {
      const rows = Math.min(height, m - start)
      const panel = { ...A, rows, data: A.data.subarray(start * rowBytes, (start + rows) * rowBytes) }
      const part = { rows, cols: k, data: Y.data.subarray(start * k, (start + rows) * k) }
      kernels.gemm(panel, X, part)
      kernels.gemmTransposed(panel, part, Z, start > 0)
      kernels.gramWeights(panel, 'cols', G, start > 0)
    }
    const residual = kernels.residual(A, Y, copyOf(kernels, { rows: k, cols: n, data: X.data }))
    return [Y.data, Z.data, G, Float64Array.of(residual)].map(bytesOf)
  }

  it('depend neither on threads, nor on panels, nor on the tile of a class', () => {
    for (const type of ['F32', 'F16', 'BF16'] as const) {
      const seen: Record<string, Buffer[]> = {}
      everyTeam((kernels) => {
        for (const panels of [1, 2, 3]) {
          const result = products(kernels, type, panels)
          seen[kernels.info.arithmetic] ??= result
          expect(result.map((bytes, i) => bytes.equals(seen[kernels.info.arithmetic]![i]!))).not.toContain(false)
        }
      })
    }
  })
})
