/**
 * Randomized SVD beside the exact SVD on this machine: time, memory, error and singular-value error on matrices of standard normals,
 * whose exact error theory knows (Marchenko-Pastur), and what has to hold whatever the machine.
 */

import type { JobOf, SelfTestReport, SelfTestRow } from '../contract.ts'
import { errorCurve, floorCurve } from '../curves/error-curve.ts'
import { noiseError } from '../curves/noise-line.ts'
import { roundingLevel } from '../curves/resolution.ts'
import { singularValueErrors } from '../curves/singular-value-error.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { observer } from '../matrix/observer.ts'
import { isShare, reachesFloor } from '../measure/check.ts'
import { distanceFromOrthonormal } from '../measure/orthonormality.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { fitParams, type Params } from '../params.ts'
import type { Factorization } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import { residentOperand } from '../svd/operand.ts'
import { gaussianKey } from '../svd/random.ts'
import type { FilesOf } from './files.ts'

const QUICK = [
  { size: 512, rank: 32 },
  { size: 1024, rank: 64 },
  { size: 2048, rank: 128 },
]
const FULL = [...QUICK, { size: 4096, rank: 128 }]

interface SelfTestCase {
  readonly size: number
  readonly rank: number
}

/** Cost: dominated by the exact SVD, O(size^3) each. @throws AppError `out-of-memory`, `cancelled` */
export async function selfTest(
  _: FilesOf<'selftest'>,
  job: JobOf<'selftest'>,
  context: JobContext,
  cases: readonly SelfTestCase[] = job.full ? FULL : QUICK,
): Promise<SelfTestReport> {
  const measured: Measured[] = []
  for (const [done, each] of cases.entries()) {
    const name = `${each.size} × ${each.size}`
    context.report({ type: 'progress', phase: 'selftest', tensor: name, done, total: cases.length })
    measured.push(await measure(each.size, { ...job.params, rank: each.rank }, context))
  }
  const checks = claims(measured)
  const device = measured.find((each) => each.device !== undefined)?.device
  return {
    rows: measured.map(({ row }) => row),
    checks,
    passed: checks.every(({ passed }) => passed),
    ...context.kernels.info,
    ...(device !== undefined && { device }),
    notices: kernelNotices(context),
  }
}

interface Measured {
  readonly row: SelfTestRow
  /** The same seed gave the same bits in both runs. */
  readonly repeats: boolean
  /** What made the products of the randomized runs. */
  readonly device: string | undefined
}

async function measure(size: number, params: Params, context: JobContext): Promise<Measured> {
  const { kernels } = context
  const mark = kernels.mark()
  try {
    const data = kernels.allocateFloat32(size * size)
    kernels.gaussian(gaussianKey(context.sha256, params.seed, `selftest ${size}`), { rows: size, cols: size, data })
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const operand = residentOperand(kernels, { rows: size, cols: size, dtype: 'F32', data: bytes, scale: 1 })
    const frobeniusNorm = Math.sqrt((await operand.statistics()).sumOfSquares)
    const run = async (method: Params['method']) => {
      const fitted = fitParams({ ...params, method }, size, size)
      const key = gaussianKey(context.sha256, params.seed, 'sketch')
      kernels.memory.restartPeak()
      const before = kernels.memory.usedBytes
      const started = performance.now()
      const found = await factorize(kernels, operand, fitted, key, observer(context, {}, frobeniusNorm, false))
      return { found, elapsedMs: performance.now() - started, bytes: kernels.memory.peakBytes - before }
    }
    // The sketch is short: its first run pays for compiling. The exact side is long enough to warm itself up.
    const first = await run('randomized')
    const randomized = await run('randomized')
    const exact = await run('exact')
    const { rank } = randomized.found
    const errors = singularValueErrors(exact.found.spectrum!, randomized.found.s, 0)
    return {
      repeats: sameBits(first.found, randomized.found),
      device: randomized.found.device,
      row: {
        size,
        rank,
        exactMs: exact.elapsedMs,
        randomizedMs: randomized.elapsedMs,
        speedup: exact.elapsedMs / randomized.elapsedMs,
        exactBytes: exact.bytes,
        randomizedBytes: randomized.bytes,
        exactError: floorCurve(exact.found.spectrum!)[rank]!,
        randomizedError: errorCurve(frobeniusNorm, randomized.found.s)[rank]!,
        noiseError: noiseError(size, size, rank),
        singularValueError: { mean: errors.mean, max: errors.max },
        orthogonality: distanceFromOrthonormal(kernels, randomized.found),
      },
    }
  } finally {
    kernels.release(mark)
  }
}

function sameBits(a: Factorization, b: Factorization): boolean {
  return a.U.every((value, i) => value === b.U[i]) && a.s.every((value, i) => value === b.s[i])
}

function claims(measured: readonly Measured[]): { claim: Message; passed: boolean }[] {
  const all = (holds: (row: SelfTestRow) => boolean) => measured.every(({ row }) => holds(row))
  return [
    {
      claim: say('selftest.eckart-young'),
      passed: all(({ size, exactError: f, randomizedError: e }) => {
        const tau = roundingLevel('f32', size)
        return reachesFloor(e, f, tau) && isShare(e, tau) && isShare(f, tau)
      }),
    },
    {
      // The error of an n x n Gaussian matrix fluctuates by less than 1 / n.
      claim: say('selftest.theory'),
      passed: all(({ size, exactError, noiseError }) => Math.abs(exactError - noiseError) < 2 / size),
    },
    {
      claim: say('selftest.orthonormal'),
      passed: all(({ orthogonality }) => orthogonality <= 1e-6),
    },
    { claim: say('selftest.same-bits'), passed: measured.every(({ repeats }) => repeats) },
  ]
}
