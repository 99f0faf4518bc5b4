import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { squaredResidual, truncationCurve } from '../../../core/measure/residual.ts'
import { defaultParams, fitParams } from '../../../core/params.ts'
import { factorize } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import { testKernels } from '../kernels/team-kernels.ts'

let kernels: TeamKernels
beforeAll(async () => {
  kernels = await testKernels()
})
afterAll(() => kernels.shutdown())

const [rows, cols, rank] = [240, 160, 24]

/** G1 diag(ratio^i) G2: singular values that fall about as fast. */
function decaying(ratio: number) {
  const data = kernels.allocateBytes(4 * rows * cols)
  const mark = kernels.mark()
  const G1 = { rows, cols, data: kernels.allocateFloat32(rows * cols) }
  const G2 = { rows: cols, cols, data: kernels.allocateFloat32(cols * cols) }
  kernels.gaussian([1, 2], G1)
  kernels.gaussian([3, 4], G2)
  const M = kernels.allocateFloat64(cols * cols)
  for (let i = 0, at = 0; i < cols; i++) for (let j = 0; j < cols; j++, at++) M[at] = ratio ** i * G2.data[at]!
  kernels.multiplySmall(G1, M, { rows, cols, data: new Float32Array(data.buffer, data.byteOffset, rows * cols) })
  kernels.release(mark)
  return residentOperand(kernels, { rows, cols, dtype: 'F32', data, scale: 1 })
}

/** Measured, and as it follows from factors that were rounded to BF16. */
async function truncations(ratio: number) {
  const operand = decaying(ratio)
  const norm = Math.sqrt(await operand.squaredNorm())
  const params = fitParams({ ...defaultParams, method: 'randomized', rank }, rows, cols)
  const found = await factorize(kernels, operand, params, [5, 6], { phase: () => {}, checkCancelled: () => {} })
  const roots = found.s.map(Math.sqrt)
  const round = (side: 'rows' | 'cols', rows: number, cols: number, values: Float32Array) => {
    const M = { rows, cols, data: kernels.allocateFloat32(values.length) }
    M.data.set(values)
    const stored = { ...M, data: kernels.allocateFloat32(values.length) }
    return { stored, ...kernels.roundScaled(M, side, roots, 'BF16', kernels.allocateBytes(2 * values.length), stored) }
  }
  const B = round('cols', rows, rank, found.U as Float32Array)
  const A = round('rows', rank, cols, found.Vt as Float32Array)
  let square = 0
  for (let j = 0; j < rank; j++)
    square += (found.s[j]! / norm) ** 2 * (B.off[j]! / B.whole[j]! + A.off[j]! / A.whole[j]!)
  const squares = await squaredResidual(kernels, operand, rank, norm, (L, R) => {
    L.set(B.stored.data)
    R.set(A.stored.data)
  })
  const stored = { total: Math.sqrt(squares) / norm, rounding: Math.sqrt(square) }
  const at = async (given?: typeof stored) =>
    Math.sqrt((await truncationCurve(kernels, operand, found, norm, given)).squared[rank]!)
  return { stored, measured: await at(), followed: await at(stored) }
}

it('has the truncation from the error of what was stored, but where rounding is most of that', async () => {
  for (const ratio of [0.9, 0.85, 0.8]) {
    const { stored, measured, followed } = await truncations(ratio)
    expect(measured).toBeLessThan(0.1)
    expect(stored.total).toBeGreaterThan(1.4 * stored.rounding)
    expect(followed).not.toBe(measured)
    // By chance rounding and the rest are off from orthogonal by some 1 / sqrt(m n) of both.
    expect(Math.abs(followed / measured - 1)).toBeLessThan(0.01)
  }
  const { stored, measured, followed } = await truncations(0.6)
  expect(stored.total).toBeLessThan(1.4 * stored.rounding)
  expect(followed).toBe(measured)
})
