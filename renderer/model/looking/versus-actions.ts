/** Compares two ways on the selected tensor, in place of any other look at it; looking at something else ends it. */
import { faultOf, type WishEnd } from '../../../core/client/latest.ts'
import { comparisonOf } from '../../../core/plan/comparison.ts'
import { useFile } from '../../choices/file.ts'
import { useSelection } from '../../choices/selection.ts'
import { withStatistics } from '../../choices/statistics.ts'
import { useRuns } from '../running/runs.ts'
import { analysesReducers } from './analyses.ts'
import { interruptAnalysis, requestAnalysis } from './analysis.ts'
import { type Sides, type VersusResult, versusReducers } from './versus.ts'
import { dropWork, useWork, versusUnderWay, want } from './work.ts'

/** Runs both sides on the selected tensor; what is randomized with `seeds` seeds: its own and those that follow it. */
export function runVersus(sides: Sides, seeds: number): void {
  const { tensor } = useSelection.getState()
  if (tensor === null) return
  const before = versusUnderWay(useWork.getState())?.wish
  const interrupted = interruptAnalysis() || before?.interrupted === true
  let disturbed = false
  want('look', {
    kind: 'versus',
    tensor,
    sides,
    interrupted,
    onFile: true,
    request: () => {
      const fileId = useFile.getState().report?.fileId
      return fileId === undefined ? null : { kind: 'versus', files: withStatistics(fileId), tensor, ...sides, seeds }
    },
    hear: ({ type }) => {
      if (type === 'started') versusReducers.asked(tensor)
      disturbed ||= runUnderWay()
    },
    end: (how) => {
      const fault = faultOf(how)
      if (fault) versusReducers.failed(tensor, fault)
      take(how, sides, disturbed || runUnderWay())
      if (interrupted && how.type !== 'lost') requestAnalysis()
    },
  })
}

export function cancelVersus(): void {
  const wish = versusUnderWay(useWork.getState())?.wish
  if (!wish) return
  dropWork('look')
  if (wish.interrupted) requestAnalysis()
}

function take(how: WishEnd, sides: Sides, disturbed: VersusResult['disturbed']): void {
  if (how.type !== 'finished' || how.result.kind !== 'versus') return
  const { report } = how.result
  versusReducers.finished({ sides, disturbed, report })
  const comparison = comparisonOf(report)
  if (!comparison) return
  const [exact, randomized] = report.a.report.method === 'exact' ? [sides.a, sides.b] : [sides.b, sides.a]
  analysesReducers.foundComparison(comparison, { ...randomized, exactRoute: exact.exactRoute })
}

/** A compression shares the machine. */
function runUnderWay(): boolean {
  return useRuns.getState().runs.some(({ state }) => state === 'running')
}
