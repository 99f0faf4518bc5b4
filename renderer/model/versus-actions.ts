/** Compares two ways on the selected tensor. It has the engine to itself while it runs; whoever looks at something else ends it. */

import type { JobEvent } from '../../core/contract.ts'
import { toErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { useSelection } from '../choices/selection.ts'
import { connection } from '../frame/connection.ts'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { isLast, startJob } from '../frame/job-feed.ts'
import { takeTurn } from '../frame/turn.ts'
import { interruptAnalysis, requestAnalysis } from './analysis.ts'
import { jobsReducers } from './jobs.ts'
import { useRuns } from './runs.ts'
import { comparisonOf, type Sides, useVersus, versusReducers } from './versus.ts'

/** Counts runs: an answer to an older one is for nobody. */
let run = 0
/** An analysis made way and is asked for again afterwards. */
let interrupted = false

/** Runs both sides on the selected tensor; what is randomized with `seeds` seeds: its own and those that follow it. */
export async function runVersus(sides: Sides, seeds: number): Promise<void> {
  const fileId = useFile.getState().report?.fileId
  const { tensor } = useSelection.getState()
  if (fileId === undefined || tensor === null) return
  giveUp()
  if (interruptAnalysis()) interrupted = true
  takeTurn(giveUp)
  const mine = ++run
  versusReducers.starting(tensor, sides)
  try {
    const started = await startJob({ kind: 'versus', fileId, tensor, ...sides, seeds }, (event) => {
      if (mine === run) follow(event)
    })
    if (mine !== run) return await connection().engine.cancel(started)
    versusReducers.started(started)
  } catch (error) {
    if (mine !== run) return
    versusReducers.failed(tensor, toErrorReport(error))
    resumeAnalysis()
  }
}

export function cancelVersus(): void {
  giveUp()
  resumeAnalysis()
}

function follow(event: JobEvent): void {
  if (useRuns.getState().runs.some(({ state }) => state === 'running')) versusReducers.disturbed()
  const sides = useVersus.getState().running?.sides
  versusReducers.event(event)
  if (!isLast(event)) return
  if (event.type === 'finished' && event.result.kind === 'versus') {
    const comparison = comparisonOf(event.result.report)
    if (sides && comparison) {
      const [exact, randomized] =
        event.result.report.a.report.method === 'exact' ? [sides.a, sides.b] : [sides.b, sides.a]
      jobsReducers.compared(comparison, { ...randomized, exactRoute: exact.exactRoute })
    }
  }
  void refreshEngineInfo()
  resumeAnalysis()
}

function resumeAnalysis(): void {
  if (interrupted) requestAnalysis()
  interrupted = false
}

function giveUp(): void {
  const { running } = useVersus.getState()
  run++
  versusReducers.dropped()
  // An engine that died in the meantime has nothing left to cancel; its own message says so.
  if (running?.jobId)
    connection()
      .engine.cancel(running.jobId)
      .catch(() => {})
}

/** The engine ended: the run failed with that sentence and is not started again by itself. */
export function versusLost(reason: Message): void {
  run++
  interrupted = false
  const { running } = useVersus.getState()
  if (running) versusReducers.failed(running.tensor, { code: 'engine-died', said: [reason] })
}
