/** Why the choices as they stand would leave the model as it is, and what would do instead. */
import { useMemo } from 'react'
import { type Nothing, nothingCompressed } from '../../../core/plan/nothing.ts'
import { allStyles } from '../../../core/styles.ts'
import { elementCount } from '../../../core/tensor.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { useStatistics } from '../../choices/statistics.ts'
import { usePlan } from '../planning/plan.ts'
import type { Outcome } from './outcome.ts'
import { curveOf } from './outlook.ts'
import { useVerdicts } from './verdicts.ts'

/** Whether an outcome writes nothing smaller than it was; nothing is said while an older plan is shown. */
function isNothing(outcome: Outcome): boolean {
  const isCurrent = outcome.state === 'planned' ? outcome.isCurrent : outcome.state === 'unknown'
  return isCurrent && outcome.compressed === 0 && outcome.rounded === 0
}

/** null where something is made smaller, or not known to be made. Cost: a pass over the curves, where nothing is. */
export function useNothing(outcome: Outcome): Nothing | null {
  const report = useFile((state) => state.report)
  const params = useParams((state) => state.params)
  const style = useParams(({ output }) => allStyles[output])
  const verdicts = useVerdicts()
  const weighted = useStatistics(({ chosen }) => chosen !== null)
  const curves = usePlan((state) => state.curves)
  const curvesKey = usePlan((state) => state.curvesKey)
  const nothing = isNothing(outcome) && style.copiesKept && !style.isDifference
  return useMemo(() => {
    if (!nothing || !report) return null
    const once = report.tensors.filter(({ sharesStorageWith }) => sharesStorageWith === undefined)
    const matrices = once.flatMap(({ name }) => {
      const verdict = verdicts.get(name)
      return verdict ? [{ ...verdict, curve: curveOf(name, params, { curves, curvesKey }, undefined) }] : []
    })
    const entries = once.reduce((sum, { matrix, shape }) => sum + (matrix ? elementCount(shape) : 0), 0)
    return nothingCompressed(matrices, { params, style, totalBytes: report.totalBytes, entries, weighted })
  }, [nothing, report, params, style, verdicts, weighted, curves, curvesKey])
}
