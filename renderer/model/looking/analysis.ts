/**
 * Turns what the user looks at into jobs. A new wish ends the look before it. Moving the rank needs no job as long as the last report
 * covers it; what changes the sketch does.
 */
import { faultOf } from '../../../core/client/latest.ts'
import type { JobRequest } from '../../../core/contract.ts'
import { type Params, sketchKeyOf } from '../../../core/params.ts'
import { storable } from '../../../core/plan/describe.ts'
import { useFile } from '../../choices/file.ts'
import { noGoal, rankToAnalyze } from '../../choices/goal.ts'
import { paramsReducers, useParams } from '../../choices/params.ts'
import { selectionReducers, useSelection } from '../../choices/selection.ts'
import { withStatistics } from '../../choices/statistics.ts'
import { answerNow, pendingCall } from '../../frame/pending-call.ts'
import { rankAnalyzed, usePlan } from '../planning/plan.ts'
import { analysesReducers, covers, useAnalyses } from './analyses.ts'
import { type AnalysisWish, analysisUnderWay, dropWork, useWork, versusUnderWay, want } from './work.ts'

/** Longer than the 33 ms in which a held arrow key repeats, so that holding it starts one job more than its first step; short enough not to be noticed. */
const settleMs = 80

/** What was changed or selected a moment ago, until that has settled. */
const settling = pendingCall()

export function selectTensor(name: string): void {
  if (useSelection.getState().tensor === name) return
  selectionReducers.select(name)
  if (versusUnderWay(useWork.getState())) dropWork('look')
  askForAnalysis()
}

/** Changes parameters; those that change the sketch start a job, the rank only once it is let go. */
export function changeParams(changes: Partial<Params>): void {
  paramsReducers.set(changes)
  // Most changes need no job; whether one does is found once they have settled. A rank waits until it is let go.
  if (Object.keys(changes).some((key) => key !== 'rank' && !(key in noGoal))) requestAnalysis()
  answerNow()
}

/** Every parameter as it was at first. */
export function resetParams(): void {
  paramsReducers.reset()
  askForAnalysis()
}

/** One rank for all tensors: from now on no goal decides. */
export function setRank(rank: number): void {
  changeParams({ rank, ...noGoal })
}

/** Changes the goal; an error goal may need a longer curve. */
export function setGoal(changes: Partial<Params>): void {
  changeParams({ ...noGoal, ...changes })
  askForAnalysis()
}

/** The rank handle was let go, or a rank was typed. */
export function commitRank(): void {
  askForAnalysis()
}

/** At the end of what a user has done: what is asked for alone is asked before the page renders it. */
export function askForAnalysis(): void {
  requestAnalysis()
  // Before the plan of the model, which a look would preempt.
  settling.answer()
  answerNow()
}

/** Runs the job that the selected tensor and the parameters ask for, if one is needed, once they have settled. */
export function requestAnalysis(): void {
  settling.settled(settleMs, ensureAnalysis)
}

/** The selected tensor again, after a failure. */
export function retryAnalysis(): void {
  settling.cancel()
  ensureAnalysis()
}

function ensureAnalysis(): void {
  const { tensor } = useSelection.getState()
  const { params, output } = useParams.getState()
  const report = tensor === null ? undefined : useFile.getState().byName.get(tensor)
  const matrix = report ? storable(report, params, output) : null
  if (tensor === null || matrix === null) {
    dropAnalysis()
    return
  }
  const rank = rankToAnalyze(params, matrix, rankAnalyzed(usePlan.getState(), tensor, params))
  const wish = analysisUnderWay(useWork.getState())?.wish
  const underWay =
    wish?.tensor === tensor &&
    sketchKeyOf(wish.params) === sketchKeyOf(params) &&
    (wish.kind === 'compare' || rank <= wish.params.rank)
  if (underWay) return
  if (covers(useAnalyses.getState().analyses[tensor], params, rank)) dropAnalysis()
  else look('analyze', tensor, { ...params, rank })
}

/** Exact beside randomized, for the selected tensor at this rank and the parameters as they are otherwise. */
export function compareWithExact(rank: number): void {
  const { tensor } = useSelection.getState()
  if (tensor === null) return
  settling.cancel()
  look('compare', tensor, { ...useParams.getState().params, rank })
}

/** Ends whatever the engine does for this page's look at a tensor, and what it was about to. */
export function cancelLook(): void {
  settling.cancel()
  dropWork('look')
}

/** Makes way for another look. Says whether an analysis was under way or about to be. */
export function interruptAnalysis(): boolean {
  return settling.cancel() || analysisUnderWay(useWork.getState()) !== null
}

function dropAnalysis(): void {
  if (analysisUnderWay(useWork.getState())) dropWork('look')
}

function look(kind: AnalysisWish['kind'], tensor: string, params: Params): void {
  want('look', {
    kind,
    tensor,
    params,
    onFile: true,
    request: () => {
      const fileId = useFile.getState().report?.fileId
      return fileId === undefined ? null : requestOf(kind, fileId, tensor, params)
    },
    hear: ({ type }) => {
      if (type === 'started') analysesReducers.asked(tensor)
    },
    end: (how) => {
      const fault = faultOf(how)
      if (fault) analysesReducers.failed(tensor, fault)
      if (how.type !== 'finished') return
      if (how.result.kind === 'analyze') analysesReducers.analyzed(how.result.report, params)
      if (how.result.kind === 'compare') analysesReducers.compared(how.result.report, params)
    },
  })
}

/** Looking at one tensor answers every goal: the goal is the run's. A sketch that was finished before answers a look, never a stopwatch. */
function requestOf(kind: AnalysisWish['kind'], fileId: string, tensor: string, params: Params): JobRequest {
  const look = { files: withStatistics(fileId), tensor, params: { ...params, ...noGoal } }
  return kind === 'analyze' ? { kind, ...look, reuse: true, estimates: true } : { kind, ...look }
}
