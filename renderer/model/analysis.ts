/**
 * Turns what the user looks at into jobs. One job runs at a time: a new wish ends the one before it. Moving the rank needs no job as long
 * as the last report covers it; what changes the sketch does.
 */

import type { JobEvent, JobRequest } from '../../core/contract.ts'
import { toErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import type { Params } from '../../core/params.ts'
import { fileReducers, useFile } from '../choices/file.ts'
import { noGoal, rankToAnalyze } from '../choices/goal.ts'
import { matrixSize } from '../choices/matrix.ts'
import { computingKey, paramsReducers, useParams } from '../choices/params.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { connection } from '../frame/connection.ts'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { isLast, startJob } from '../frame/job-feed.ts'
import { takeTurn } from '../frame/turn.ts'
import { covers, jobsReducers, type RunningJob, useJobs } from './jobs.ts'
import { rankAnalyzed, usePlan } from './plan.ts'

/** Longer than the 33 ms in which a held arrow key repeats, so that holding it starts one job; short enough not to be noticed. */
const settleMs = 80

/** Counts wishes: an answer to an older one is for nobody. */
let wish = 0
let jobId: string | null = null
let timer: ReturnType<typeof setTimeout> | undefined
/** Between the death of an engine and the file being open in its successor the file has no id; what is asked for meanwhile waits. */
let adrift = false
let waiting: (() => void) | null = null

export function selectTensor(name: string): void {
  if (useSelection.getState().tensor === name) return
  selectionReducers.select(name)
  takeTurn(stopRunning)
  requestAnalysis()
}

/** Changes parameters; those that change the sketch start a job, the rank only once it is let go. */
export function changeParams(changes: Partial<Params>): void {
  paramsReducers.set(changes)
  // Most changes need no job; whether one does is found once they have settled. A rank waits until it is let go.
  if (Object.keys(changes).some((key) => key !== 'rank' && !(key in noGoal))) requestAnalysis()
}

/** Every parameter as it was at first. */
export function resetParams(): void {
  paramsReducers.reset()
  requestAnalysis()
}

/** One rank for all tensors: from now on no goal decides. */
export function setRank(rank: number): void {
  changeParams({ rank, ...noGoal })
}

/** Changes the goal; an error goal may need a longer curve. */
export function setGoal(changes: Partial<Params>): void {
  changeParams({ ...noGoal, ...changes })
  requestAnalysis()
}

/** The rank handle was let go, or a rank was typed. */
export function commitRank(): void {
  requestAnalysis()
}

/** Runs the job that the selected tensor and the parameters ask for, if one is needed, once they have settled. */
export function requestAnalysis(): void {
  stopTimer()
  timer = setTimeout(ensureAnalysis, settleMs)
}

/** The selected tensor again, after a failure. */
export function retryAnalysis(): void {
  stopTimer()
  ensureAnalysis()
}

function ensureAnalysis(): void {
  timer = undefined
  const { running, analyses } = useJobs.getState()
  const { tensor } = useSelection.getState()
  const { params } = useParams.getState()
  const size = tensor === null ? null : matrixSize(useFile.getState().byName.get(tensor))
  if (tensor === null || size === null) {
    stopRunning()
    return
  }
  const rank = rankToAnalyze(params, size, rankAnalyzed(usePlan.getState(), tensor, params))
  const underWay =
    running !== null &&
    running.tensor === tensor &&
    computingKey(running.params) === computingKey(params) &&
    (running.kind === 'compare' || rank <= running.params.rank)
  if (underWay) return
  if (covers(analyses[tensor], params, rank)) stopRunning()
  else void begin('analyze', tensor, { ...params, rank })
}

/** Exact beside randomized, for the selected tensor at this rank and the parameters as they are otherwise. */
export function compareWithExact(rank: number): void {
  const { tensor } = useSelection.getState()
  if (tensor === null) return
  stopTimer()
  void begin('compare', tensor, { ...useParams.getState().params, rank })
}

/** Ends the analysis, and whatever else the engine does for this page's look at a tensor. */
export function cancelAnalysis(): void {
  interruptAnalysis()
  takeTurn(stopRunning)
}

/** Makes way for another job. Says whether an analysis was under way or about to be. */
export function interruptAnalysis(): boolean {
  const wanted = timer !== undefined || useJobs.getState().running !== null
  stopTimer()
  stopRunning()
  return wanted
}

function stopTimer(): void {
  clearTimeout(timer)
  timer = undefined
}

function stopRunning(): void {
  wish++
  const ended = jobId
  jobId = null
  jobsReducers.dropped()
  // An engine that died in the meantime has nothing left to cancel; its own message says so.
  if (ended !== null)
    connection()
      .engine.cancel(ended)
      .catch(() => {})
}

async function begin(kind: RunningJob['kind'], tensor: string, params: Params): Promise<void> {
  const fileId = useFile.getState().report?.fileId
  if (fileId === undefined) return
  if (adrift) {
    waiting = kind === 'compare' ? () => compareWithExact(params.rank) : requestAnalysis
    return
  }
  takeTurn(stopRunning)
  const { engine } = connection()
  const before = jobId
  const mine = ++wish
  jobId = null
  jobsReducers.starting(kind, tensor, params)
  try {
    if (before !== null) await engine.cancel(before)
    if (mine !== wish) return
    const started = await startJob(requestOf(kind, fileId, tensor, params), (event) => {
      if (mine === wish) follow(event)
    })
    if (mine !== wish) return await engine.cancel(started)
    // A short job may have ended by the time its id is known.
    if (!useJobs.getState().running) return
    jobId = started
    jobsReducers.started(started)
  } catch (error) {
    if (mine === wish) jobsReducers.failed(tensor, toErrorReport(error))
  }
}

/** Looking at one tensor answers every goal: the goal is the run's. A sketch that was finished before answers a look, never a stopwatch. */
function requestOf(kind: RunningJob['kind'], fileId: string, tensor: string, params: Params): JobRequest {
  const look = { fileId, tensor, params: { ...params, ...noGoal } }
  return kind === 'analyze' ? { kind, ...look, reuse: true } : { kind, ...look }
}

function follow(event: JobEvent): void {
  jobsReducers.event(event)
  if (!isLast(event)) return
  jobId = null
  void refreshEngineInfo()
}

/** The engine ended: its job failed with that sentence and is not started again by itself, it may have been the cause. */
export function engineDied(reason: Message): void {
  stopTimer()
  wish++
  jobId = null
  const { running } = useJobs.getState()
  if (running) jobsReducers.failed(running.tensor, { code: 'engine-died', said: [reason] })
  adrift = true
  waiting = null
  if (useFile.getState().status === 'opening') fileReducers.failed({ code: 'engine-died', said: [reason] })
}

/** The file is open in the engine there is now, or could not be opened again: what was asked for meanwhile is asked. */
export function fileSettled(): void {
  adrift = false
  const ask = waiting
  waiting = null
  ask?.()
}
