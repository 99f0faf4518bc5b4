/** What is known beforehand of the answers of the open model, by others' measurements and by its own spectra. */
import { useMemo } from 'react'
import type { Message } from '../../../core/messages/message.ts'
import { sketchKeyOf } from '../../../core/params.ts'
import { viewOf } from '../../../core/plan/describe.ts'
import { forecastOf } from '../../../core/plan/forecast.ts'
import { hasGraph } from '../../../core/weight-formats.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { useStatistics } from '../../choices/statistics.ts'
import { usePlan } from '../planning/plan.ts'
import type { Outcome } from './outcome.ts'

/** null where nothing is known, and while the size is not. */
export function useForecast({ bytesAfter, bytesBefore }: Outcome): Message | null {
  const report = useFile((state) => state.report)
  const weighted = useStatistics(({ chosen }) => chosen !== null)
  const curves = usePlan((state) => state.curves)
  const curvesKey = usePlan((state) => state.curvesKey)
  const key = useParams(({ params }) => sketchKeyOf(params))
  return useMemo(() => {
    if (!report || report.difference || bytesAfter === null || bytesBefore === 0) return null
    const known = curvesKey === key ? curves : null
    const matrices = report.tensors.flatMap((tensor) => {
      const curve = known?.get(tensor.name)
      const view = viewOf(tensor)
      // Spectra are those of weights: in another norm they say nothing of noise.
      return view && curve && !weighted ? [{ rows: view.rows, cols: view.cols, curve }] : []
    })
    const names = report.tensors.map(({ name }) => name)
    return forecastOf({ names, share: bytesAfter / bytesBefore, weighted, runs: hasGraph(report.format), matrices })
  }, [report, weighted, curves, curvesKey, key, bytesAfter, bytesBefore])
}
