/**
 * The short form of test/judge/zoo.py: matrices of every awkward kind through the jobs, on the fast kernels and through the gate. The judge is one-sided
 * Jacobi in plain f64 loops on the stored values, which shares no code with what is judged.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import { analyzeTensor } from '../../../core/jobs/analyze.ts'
import { compareTensor } from '../../../core/jobs/compare.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { checkReport } from '../../../core/jobs/gate.ts'
import { versusTensor } from '../../../core/jobs/versus.ts'
import { jacobiSvd } from '../../../core/kernels/reference-jacobi.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { testKernels } from '../kernels/team-kernels.ts'
import { memoryFolder } from '../memory-folder.ts'
import { gaussianMatrix, withSpectrum } from '../svd/matrices.ts'
import { compressJob, openTensors, plain, testContext } from './harness.ts'

const [rows, cols, rank] = [80, 72, 12]
type Entry = (i: number, j: number) => number

const gauss = gaussianMatrix(rows, cols).data
const normal: Entry = (i, j) => gauss[i * cols + j]!
const spectrum = (value: (i: number) => number): Entry => {
  const { data } = withSpectrum(
    rows,
    cols,
    Float64Array.from({ length: cols }, (_, i) => value(i + 1)),
  )
  return (i, j) => data[i * cols + j]!
}
const falling = spectrum((i) => 1 / i)

const zoo: Record<string, Entry> = {
  Gaussian: normal,
  'i^-1': falling,
  'i^-1.5': spectrum((i) => i ** -1.5),
  'i^-3': spectrum((i) => i ** -3),
  flat: spectrum(() => 1),
  'rank 5': spectrum((i) => (i <= 5 ? 6 - i : 0)),
  '30 equal': spectrum((i) => (i <= 30 ? 1 : 0.1)),
  'a step to the noise of f32': spectrum((i) => (i <= 8 ? 1 : 1e-7)),
  zero: () => 0,
  ones: () => 1,
  identity: (i, j) => (i === j ? 1 : 0),
  'zero rows': (i, j) => (i < 20 ? normal(i, j) : 0),
  'equal rows': (i, j) => normal(i % 5, j),
  'one entry': (i, j) => (i === 7 && j === 9 ? 5 : 0),
  'a heavy row': (i, j) => normal(i, j) * (i === 7 ? 1e6 : 1),
  outliers: (i, j) => 0.02 * normal(i, j) + (i * cols + j === 777 ? 30 : 0),
  'a diagonal and dust': (i, j) => (i === j ? normal(i, i) : 0) + 1e-6 * normal(i, j),
  Hilbert: (i, j) => 1 / (i + j + 1),
  'graded rows': (i, j) => 10 ** (-i / 3) * normal(i, j),
  'around one': (i, j) => 1 + 2 ** -23 * Math.sign(normal(i, j)),
  '1e-15 around one value': (i, j) => (1 + 0.2 * normal(i, j)) * 1e-15,
  '1e-310': (i, j) => falling(i, j) * 1e-310,
  '1e-30': (i, j) => falling(i, j) * 1e-30,
  '1e30': (i, j) => falling(i, j) * 1e30,
  '1e300': (i, j) => falling(i, j) * 1e300,
}

let kernels: TeamKernels
beforeAll(async () => {
  kernels = await testKernels()
})
afterAll(() => kernels.shutdown())

/** All singular values of stored weights. */
function trueValues(W: Float64Array): Float64Array {
  const columns = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) columns[j * rows + i] = W[i * cols + j]!
  const values = new Float64Array(cols)
  jacobiSvd(columns, cols, rows, values, null)
  return values
}

const methods: Record<string, Partial<Params>> = {
  gram: { method: 'exact' },
  jacobi: { method: 'exact', exactRoute: 'jacobi' },
  subspace: { method: 'randomized' },
  krylov: { method: 'randomized', algorithm: 'krylov' },
}
const stored: Record<string, Partial<Params>> = {
  'its own dtype': {},
  BF16: { factorDType: 'BF16' },
  F16: { factorDType: 'F16' },
  INT8: { factorDType: 'INT8', int8Always: true },
  'a sparse part': { sparseDensity: 0.01 },
}

describe.each(['F64', 'F32'] as const)('%s', (dtype) => {
  const range = dtype === 'F64' ? Object.keys(zoo) : Object.keys(zoo).filter((name) => !/1e300|1e-310/.test(name))

  it.each(range)('%s: every number is within the resolution beside it', async (name) => {
    const values = Float64Array.from({ length: rows * cols }, (_, at) => zoo[name]!(Math.floor(at / cols), at % cols))
    const { bytes } = encode(dtype, values)
    const file = await openTensors(plain('w', dtype, [rows, cols], bytes))
    const context = testContext({ kernels })
    const s = trueValues(decodeFloat64(dtype, bytes))
    const floor = floorCurve(s)[rank]!
    const params = { ...defaultParams, rank }
    const job = { files: { model: '' }, tensor: 'w', repeat: 0, reuse: false, params }
    for (const [, method] of Object.entries(methods)) {
      const report = await analyzeTensor(
        { model: file },
        { ...job, kind: 'analyze', params: { ...params, ...method } },
        context,
      )
      checkReport({ kind: 'analyze', report })
      const { singularValues, relativeError, resolution, valueResolution, numericalRank } = report
      if (report.method === 'exact') {
        expect(Math.abs(relativeError - floor)).toBeLessThanOrEqual(resolution)
        for (const [i, sigma] of s.entries())
          expect(Math.abs(singularValues[i]! - sigma)).toBeLessThanOrEqual(valueResolution)
        expect(numericalRank).toBeLessThanOrEqual(s.filter((sigma) => sigma > valueResolution / 2).length)
        expect(numericalRank).toBeGreaterThanOrEqual(s.filter((sigma) => sigma > 2 * valueResolution).length)
      } else {
        expect(relativeError).toBeGreaterThanOrEqual(floor - resolution)
        for (const [i, value] of singularValues.entries()) expect(value - s[i]!).toBeLessThanOrEqual(valueResolution)
      }
    }
    const comparison = await compareTensor(
      { model: file },
      { kind: 'compare', files: { model: '' }, tensor: 'w', params },
      context,
    )
    checkReport({ kind: 'compare', report: comparison })
    const gap = comparison.randomized.relativeError - floor
    // Equal to rounding, or a ratio of numbers that differ by more than that.
    if (comparison.excess === 0) expect(Math.abs(gap)).toBeLessThanOrEqual(2 * comparison.resolution)
    else expect(Math.abs(comparison.excess - gap / floor)).toBeLessThanOrEqual((2 * comparison.resolution) / floor)
    const ways = {
      a: { ...params, ...methods.jacobi },
      b: { ...params, ...methods.krylov },
      seeds: 1,
      warmExact: false,
      estimates: false,
    }
    const report = await versusTensor(
      { model: file },
      { kind: 'versus', files: { model: '' }, tensor: 'w', ...ways },
      context,
    )
    checkReport({ kind: 'versus', report })
  })

  it.each(range)('%s: what is written has the error that is said, or is kept with a reason', async (name) => {
    const values = Float64Array.from({ length: rows * cols }, (_, at) => zoo[name]!(Math.floor(at / cols), at % cols))
    const { bytes } = encode(dtype, values)
    const file = await openTensors(plain('w', dtype, [rows, cols], bytes))
    const floor = floorCurve(trueValues(decodeFloat64(dtype, bytes)))[rank]!
    for (const [how, changes] of Object.entries(stored)) {
      const folder = memoryFolder('out')
      const job = compressJob(
        { rank, method: 'randomized', algorithm: 'krylov', ...changes },
        { output: 'dense', include: ['w'] },
      )
      const report = await compressFile(
        { model: file, target: { folder, name: 'out.safetensors' } },
        job,
        testContext({ kernels }),
      )
      checkReport({ kind: 'compress', report })
      const [outcome] = report.tensors
      expect(outcome!.relativeError, how).toBeLessThanOrEqual(1 + 4e-6)
      if (outcome!.action === 'factorized' && how !== 'a sparse part' && dtype === 'F64')
        expect(outcome!.relativeError, how).toBeGreaterThanOrEqual(floor - outcome!.resolution!)
    }
  })
})
