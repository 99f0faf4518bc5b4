/** Two ways to factorize the same matrix, read once and taking turns: what each costs in time and memory, and what it gets for that. */

import type { JobOf, VersusReport } from '../contract.ts'
import { excessOverFloor, floorCurve } from '../curves/error-curve.ts'
import { mean } from '../curves/mean.ts'
import type { JobContext } from '../matrix/context.ts'
import { factorizable } from '../matrix/factorizable.ts'
import { loadMatrix } from '../matrix/load.ts'
import { reportRun } from '../matrix/report-run.ts'
import { type TimedRun, timedRun } from '../matrix/timed-run.ts'
import { compareSpans, largestAngle } from '../measure/subspace-angle.ts'
import { fitParams, type Params } from '../params.ts'
import type { Factorization } from '../svd/factorization.ts'
import type { FilesOf } from './files.ts'
import { withStatistics } from './steps/with-statistics.ts'

type VersusJob = JobOf<'versus'>

/** What a way found with each of its seeds, its first factorization whole. */
interface Side {
  readonly report: VersusReport['a']['report']
  readonly first: TimedRun['found']
  readonly computeMs: number[]
  readonly errors: number[]
  readonly workingBytes: number
}

/** Cost: one untimed factorization of each way (of an exact one on request) and one for each seed; an exact way has no use for a second seed. */
export async function versusTensor(
  { model: file, statistics }: FilesOf<'versus'>,
  job: VersusJob,
  host: JobContext,
): Promise<VersusReport> {
  const context = await withStatistics({ model: file, statistics }, undefined, host)
  const { tensor, view } = await factorizable(file, job.tensor, context)
  const { kernels } = context
  const ways = [job.a, job.b]
  const fitted = ways.map((params) => fitParams(params, view.rows, view.cols))
  const someExact = fitted.some(({ method }) => method === 'exact')
  const mark = kernels.mark()
  try {
    const started = performance.now()
    const { memoryLimit } = job.a
    const method = someExact ? 'exact' : 'randomized'
    const loaded = await loadMatrix(file, tensor, view, 0, context, { memoryLimit, method })
    const readMs = performance.now() - started

    const warmed = ways.filter((_, i) => job.warmExact || fitted[i]!.method !== 'exact')
    const total = warmed.length + fitted.reduce((sum, { method }) => sum + (method === 'exact' ? 1 : job.seeds), 0)
    let done = 0
    const turn = async (params: Params, showEstimates = false) => {
      context.checkCancelled()
      context.report({ type: 'progress', phase: 'versus', tensor: tensor.name, done: done++, total })
      return timedRun(tensor, loaded, fitParams(params, view.rows, view.cols), context, showEstimates)
    }
    const reported = (params: Params, run: TimedRun) => reportRun(tensor, view, loaded, params, readMs, run, context)

    // Once each to warm up: code is compiled, pages are mapped.
    for (const params of warmed) await turn(params, job.estimates)
    const sides: Side[] = []
    for (const params of ways) {
      const run = await turn(params, job.estimates && !warmed.includes(params))
      const report = await reported(params, run)
      const { computeMs, found, workingBytes } = run
      sides.push({ report, first: found, computeMs: [computeMs], errors: [report.relativeError], workingBytes })
    }
    for (let seed = 1; seed < job.seeds; seed++) {
      for (const [i, params] of ways.entries()) {
        if (fitted[i]!.method === 'exact') continue
        const run = await turn({ ...params, seed: params.seed + seed })
        sides[i]!.computeMs.push(run.computeMs)
        sides[i]!.errors.push((await reported(params, run)).relativeError)
      }
    }
    const [a, b] = sides as [Side, Side]
    const spectrum = a.first.spectrum ?? b.first.spectrum
    const floor = spectrum ? floorCurve(spectrum) : null
    const rank = Math.min(a.first.rank, b.first.rank)
    const resolution = Math.max(a.report.resolution, b.report.resolution)
    const valueLimit = Math.max(a.report.valueResolution, b.report.valueResolution)
    const spans = compareSpans(kernels, a.first, b.first, valueLimit)
    return {
      tensor: tensor.name,
      a: sideOf(a, floor, resolution),
      b: sideOf(b, floor, resolution),
      floor: floor && floor[rank]!,
      resolution,
      largestGap: largestGap(a.first, b.first, valueLimit),
      subspaceAngle: largestAngle(spans, valueLimit / (a.first.s[0] ?? 1)),
      canonicalAngles: { ...spans, angles: [...spans.angles] },
    }
  } finally {
    kernels.release(mark)
  }
}

function sideOf(
  { report, computeMs, errors, workingBytes }: Side,
  floor: readonly number[] | null,
  resolution: number,
): VersusReport['a'] {
  const excess = floor && excessOverFloor(mean(errors), floor[report.rank]!, resolution)
  return { report: { ...report, computeMs, workingBytes }, computeMs, errors, workingBytes, excess }
}

function largestGap({ s: a }: Factorization, { s: b }: Factorization, resolution: number): VersusReport['largestGap'] {
  let largest = { index: 1, relative: 0 }
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const larger = Math.max(a[i]!, b[i]!)
    const relative = larger <= resolution ? 0 : Math.abs(a[i]! - b[i]!) / larger
    if (relative > largest.relative) largest = { index: i + 1, relative }
  }
  return largest
}
