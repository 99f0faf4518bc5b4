import { expect, it } from 'vitest'
import { selfTest } from '../../../core/jobs/selftest.ts'
import { defaultParams } from '../../../core/params.ts'
import { testContext } from './harness.ts'

it('passes on kernels that are right, and fails on kernels that are not', async () => {
  const job = { kind: 'selftest', files: {}, full: false, params: defaultParams } as const
  const cases = [{ size: 96, rank: 12 }]
  const good = testContext()
  const report = await selfTest({}, job, good, cases)
  expect(report.checks.filter(({ passed }) => !passed)).toEqual([])
  expect(report.passed).toBe(true)
  expect(report.rows[0]).toMatchObject({ size: 96, rank: 12 })

  // A product that is 20 % too large: the sketch claims more energy than a rank can hold.
  const { kernels } = testContext()
  const gemmTransposed: typeof kernels.gemmTransposed = (A, Y, Z, accumulate) => {
    kernels.gemmTransposed(A, Y, Z, accumulate)
    for (let i = 0; i < Z.data.length; i++) Z.data[i]! *= 1.2
  }
  const bad = testContext({ kernels: { ...kernels, gemmTransposed } })
  expect((await selfTest({}, job, bad, cases)).passed).toBe(false)
})
