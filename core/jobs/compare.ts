/** Randomized beside exact on one matrix read once: what going fast costs, and what it gains. */

import type { ComparisonReport, JobOf } from '../contract.ts'
import { excessOverFloor, floorCurve } from '../curves/error-curve.ts'
import { singularValueErrors } from '../curves/singular-value-error.ts'
import type { JobContext } from '../matrix/context.ts'
import { loadMatrix } from '../matrix/load.ts'
import { largestAngle } from '../measure/subspace-angle.ts'
import type { Params } from '../params.ts'
import { analyzeLoaded, factorizable } from './analyze.ts'
import type { FilesOf } from './files.ts'

export async function compareTensor(
  { model: file }: FilesOf<'compare'>,
  job: JobOf<'compare'>,
  context: JobContext,
): Promise<ComparisonReport> {
  const { tensor, view } = await factorizable(file, job.tensor, context)
  const mark = context.kernels.mark()
  try {
    const started = performance.now()
    const loaded = await loadMatrix(file, tensor, view, 0, context, { ...job.params, method: 'exact' })
    const readMs = performance.now() - started
    const side = (method: Params['method'], repeat: number) =>
      analyzeLoaded(tensor, view, loaded, { ...job.params, method }, readMs, repeat, context)
    // The sketch is short, so code still being compiled would show in its time; the exact side is long enough to warm itself up.
    const randomized = await side('randomized', 1)
    const exact = await side('exact', 0)
    const { rank } = randomized.report
    const floor = floorCurve(exact.report.singularValues)[rank]!
    return {
      tensor: tensor.name,
      exact: { ...exact.report, computeMs: exact.computeMs, workingBytes: exact.workingBytes },
      randomized: { ...randomized.report, computeMs: randomized.computeMs, workingBytes: randomized.workingBytes },
      floor,
      excess: excessOverFloor(randomized.report.relativeError, floor),
      singularValueError: singularValueErrors(exact.report.singularValues, randomized.report.singularValues),
      subspaceAngle: largestAngle(context.kernels, exact.factorization.U, randomized.factorization.U, view.rows, rank),
      speedup: exact.computeMs[0]! / randomized.computeMs[0]!,
    }
  } finally {
    context.kernels.release(mark)
  }
}
