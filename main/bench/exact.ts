/** Exact singular values beside scipy's, and the exact thin SVD beside numpy's. */
import type { Kernels } from '../../core/kernels/kernels.ts'
import { defaultParams, fitParams } from '../../core/params.ts'
import type { PhaseTimes } from '../../core/phases.ts'
import { exactSingularValues, factorize, type Observer } from '../../core/svd/factorize.ts'
import type { Operand } from '../../core/svd/operand.ts'
import type { BenchOptions } from './options.ts'
import { booking, medianOfEach, type Timing, timing } from './turns.ts'

export interface ExactReport {
  readonly values: Timing & { readonly phasesMs: PhaseTimes }
  /** Up to 2048, where either side takes seconds. */
  readonly full: (Timing & { readonly phasesMs: PhaseTimes }) | null
}

/** Largest size at which the full thin SVD is timed: at 4096 either side takes most of a minute a run. */
const largestFull = 2048

export async function timeExact(
  kernels: Kernels,
  operand: Operand,
  { repeat, peers, say }: BenchOptions,
): Promise<ExactReport> {
  const { rows, cols } = operand
  say(`${rows} x ${cols}: exact`)
  const time = async (work: (observer: Observer) => Promise<unknown>, op: 'values' | 'full', peer: string) => {
    const ours: number[] = []
    const theirs: number[] = []
    const phases: PhaseTimes[] = []
    for (let run = 0; run <= repeat; run++) {
      const { observer, phasesMs } = booking()
      const started = performance.now()
      await work(observer)
      const ms = performance.now() - started
      const reply = await peers?.ask({ op })
      if (run === 0) continue
      ours.push(ms)
      phases.push(phasesMs)
      if (reply) theirs.push(reply.ms)
    }
    return { ...timing(ours, new Map([[peer, theirs]])), phasesMs: medianOfEach(phases) }
  }
  const count = Math.min(rows, cols)
  const full = fitParams({ ...defaultParams, method: 'exact', rank: count }, rows, cols)
  return {
    values: await time((observer) => exactSingularValues(kernels, operand, observer), 'values', 'scipy'),
    full:
      count > largestFull
        ? null
        : await time((observer) => factorize(kernels, operand, full, [1, 1], observer), 'full', 'numpy'),
  }
}
