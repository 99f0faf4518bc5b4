/** The same bits twice, for any number of threads, panels and estimates asked for. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import type { Factorization } from '../../../core/svd/factorization.ts'
import { exactSingularValues, factorize } from '../../../core/svd/factorize.ts'
import { residentOperand, streamedOperand } from '../../../core/svd/operand.ts'
import { testKernels } from '../kernels/team-kernels.ts'
import { someWords } from '../messages/words.ts'
import { fitted, gaussianMatrix, quiet, svd, weightsOf, withSpectrum } from './matrices.ts'

let one: TeamKernels
let two: TeamKernels
beforeAll(async () => {
  one = await testKernels()
  two = await testKernels({ threads: 2 })
})
afterAll(async () => {
  await one.shutdown()
  await two.shutdown()
})

function expectSameBits(a: Factorization, b: Factorization): void {
  expect(Buffer.compare(Buffer.from(a.U.buffer), Buffer.from(b.U.buffer))).toBe(0)
  expect(Buffer.compare(Buffer.from(a.s.buffer), Buffer.from(b.s.buffer))).toBe(0)
  expect(Buffer.compare(Buffer.from(a.Vt.buffer), Buffer.from(b.Vt.buffer))).toBe(0)
}

const A = gaussianMatrix(300, 170)

describe.each(['subspace', 'krylov'] as const)('%s', (algorithm) => {
  it('gives the same bits twice and on 1 and 2 threads', async () => {
    const first = await svd(A, { method: 'randomized', algorithm, rank: 20 }, { kernels: one })
    expectSameBits(first, await svd(A, { method: 'randomized', algorithm, rank: 20 }, { kernels: one }))
    expectSameBits(first, await svd(A, { method: 'randomized', algorithm, rank: 20 }, { kernels: two }))
  })

  it('does not change because somebody watches', async () => {
    const params = { method: 'randomized', algorithm, rank: 20 } as const
    const seen: number[] = []
    const observer = { ...quiet, iteration: (index: number) => void seen.push(index) }
    expectSameBits(await svd(A, params, { kernels: one }), await svd(A, params, { kernels: one, observer }))
    expect(seen).toEqual(algorithm === 'subspace' ? [0, 1, 2] : [0, 1, 2, 3])
  })

  it('gives the same bits whether the matrix is resident or streamed in panels of any height', async () => {
    const tall = gaussianMatrix(2600, 40, 3)
    const params = fitted(tall, { method: 'randomized', algorithm, rank: 6 })
    const mark = two.mark()
    const resident = residentOperand(two, weightsOf(tall, 1, two))
    const first = await factorize(two, resident, params, [1, 2], quiet)
    for (const panelRows of [1, 1024, 2200, 4096]) {
      const streamed = streamedOperand(two, {
        ...tall,
        dtype: 'F32',
        scale: 1,
        panelRows,
        readRows: async (start, end) => new Uint8Array(tall.data.buffer, start * 160, (end - start) * 160),
      })
      expectSameBits(first, await factorize(two, streamed, params, [1, 2], quiet))
      expect(await streamed.statistics()).toEqual(await resident.statistics())
    }
    two.release(mark)
  })
})

describe('exact', () => {
  it.each([
    [1300, 40],
    [1300, 1400],
  ])('gives the same Gram matrix of %i x %i resident and streamed', async (rows, cols) => {
    const mark = two.mark()
    const A = gaussianMatrix(rows, 1, 4)
    // One column repeated with shifts: cheap to make at this size, and every panel differs.
    const data = new Float32Array(rows * cols)
    for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] = A.data[(i * 7 + j * 13) % rows]!
    const side = rows >= cols ? 'cols' : 'rows'
    const order = Math.min(rows, cols)
    const resident = new Float64Array(order * order)
    const G = two.allocateFloat64(order * order)
    await residentOperand(two, weightsOf({ rows, cols, data }, 1, two)).gram(side, G)
    resident.set(G)
    const readRows = async (start: number, end: number) =>
      new Uint8Array(data.buffer, start * cols * 4, (end - start) * cols * 4)
    for (const panelRows of [1024, 2048]) {
      await streamedOperand(two, { rows, cols, dtype: 'F32', scale: 1, panelRows, readRows }).gram(side, G)
      expect(Buffer.compare(Buffer.from(resident.buffer), Buffer.from(G.slice().buffer))).toBe(0)
    }
    two.release(mark)
  })

  it('gives the same bits on 1 and 2 threads, and its values alone are those with vectors', async () => {
    const params = { method: 'exact', rank: 20 } as const
    const first = await svd(A, params, { kernels: one })
    expectSameBits(first, await svd(A, params, { kernels: two }))
    const alone = await exactSingularValues(one, residentOperand(one, weightsOf(A, 1, one)), quiet)
    alone.forEach((value, i) => {
      // An f64 Gram matrix: absolute error of a few 2^-53 s_1^2 on the squares.
      expect(Math.abs(value ** 2 - first.spectrum![i]! ** 2)).toBeLessThan(170 * 8 * 2 ** -53 * alone[0]! ** 2)
    })
  })

  it('leaves nothing in the memory of the kernels when it is cancelled', async () => {
    const mark = one.mark()
    const B = withSpectrum(60, 50, [5, 4, 3])
    const operand = residentOperand(one, weightsOf(B, 1, one))
    const before = one.memory.usedBytes
    const observer = {
      ...quiet,
      checkCancelled: () => {
        throw new AppError('cancelled', someWords('The job was cancelled.'))
      },
    }
    for (const method of ['randomized', 'exact'] as const)
      await expect(factorize(one, operand, fitted(B, { method, rank: 10 }), [1, 2], observer)).rejects.toThrow(
        'cancelled',
      )
    await expect(exactSingularValues(one, operand, observer)).rejects.toThrow('cancelled')
    expect(one.memory.usedBytes).toBe(before)
    one.release(mark)
  })

  it('leaves nothing in the memory of the kernels', async () => {
    const mark = one.mark()
    const B = withSpectrum(60, 50, [5, 4, 3])
    const operand = residentOperand(one, weightsOf(B, 1, one))
    const before = one.memory.usedBytes
    for (const method of ['randomized', 'exact'] as const)
      for (const algorithm of ['subspace', 'krylov'] as const)
        await factorize(one, operand, fitted(B, { method, algorithm, rank: 10 }), [1, 2], quiet)
    await exactSingularValues(one, operand, quiet)
    expect(one.memory.usedBytes).toBe(before)
    one.release(mark)
  })
})
