/** Analyses: the one that runs, and what is known of each tensor. */
import { create } from 'zustand'
import type { AnalysisReport, ComparisonReport, JobEvent } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'
import type { Params } from '../../core/params.ts'
import { comparisonKey, computingKey } from '../choices/params.ts'

/** What one power iteration left behind. */
export interface Estimate {
  readonly iteration: number
  readonly iterations: number
  readonly singularValues: readonly number[]
  readonly errorCurve: readonly number[]
}

export interface RunningJob {
  readonly kind: 'analyze' | 'compare'
  /** null until the engine has answered with it. */
  readonly jobId: string | null
  readonly tensor: string
  readonly params: Params
  readonly phase: string | null
  /** 0..1, null while unknown. */
  readonly share: number | null
  readonly estimate: Estimate | null
}

/** A finished analysis and the parameters it answers for. */
export interface Analysis {
  readonly key: string
  readonly report: AnalysisReport
}

/** Randomized beside exact, and the parameters it answers for. */
export interface Comparison {
  readonly key: string
  readonly report: ComparisonReport
}

export interface JobsState {
  readonly running: RunningJob | null
  readonly analyses: Readonly<Record<string, Analysis>>
  /** Exact singular values do not depend on the sketch, so a comparison keeps its worth when parameters change. */
  readonly comparisons: Readonly<Record<string, Comparison>>
  /** Why the last job of a tensor ended without a report. */
  readonly failures: Readonly<Record<string, ErrorReport>>
}

const idle: JobsState = { running: null, analyses: {}, comparisons: {}, failures: {} }

export const useJobs = create<JobsState>(() => idle)

export const jobsReducers = {
  reset() {
    useJobs.setState(idle)
  },
  starting(kind: RunningJob['kind'], tensor: string, params: Params) {
    useJobs.setState(({ failures }) => ({
      running: { kind, jobId: null, tensor, params, phase: null, share: null, estimate: null },
      failures: without(failures, tensor),
    }))
  },
  started(jobId: string) {
    useJobs.setState(({ running }) => (running ? { running: { ...running, jobId } } : {}))
  },
  /** The job was given up: what it might still say no longer matters. */
  dropped() {
    useJobs.setState({ running: null })
  },
  failed(tensor: string, error: ErrorReport) {
    useJobs.setState(({ failures }) => ({ running: null, failures: { ...failures, [tensor]: error } }))
  },
  /** Randomized beside exact, found on the way by another job under these parameters. */
  compared(report: ComparisonReport, params: Params) {
    const comparison = { key: comparisonKey(params), report }
    useJobs.setState(({ comparisons }) => ({ comparisons: { ...comparisons, [report.tensor]: comparison } }))
  },
  event(event: JobEvent) {
    useJobs.setState((state) => afterEvent(state, event))
  },
}

/** The state after an event of the running job. */
export function afterEvent(state: JobsState, event: JobEvent): JobsState {
  const { running } = state
  if (!running) return state
  const { tensor, params } = running
  switch (event.type) {
    case 'started':
    case 'waiting':
    case 'spectrum':
    case 'tensor':
      return state
    case 'progress':
      return {
        ...state,
        running: { ...running, phase: event.phase, share: event.total > 0 ? event.done / event.total : null },
      }
    case 'estimate':
      return { ...state, running: { ...running, estimate: event } }
    case 'cancelled':
      return { ...state, running: null }
    case 'failed':
      return { ...state, running: null, failures: { ...state.failures, [tensor]: event.error } }
    case 'finished': {
      const ended = { ...state, running: null }
      const key = computingKey(params)
      switch (event.result.kind) {
        case 'analyze':
          return { ...ended, analyses: { ...state.analyses, [tensor]: { key, report: event.result.report } } }
        case 'compare': {
          const { report } = event.result
          return {
            ...ended,
            comparisons: { ...state.comparisons, [tensor]: { key: comparisonKey(params), report } },
            // The sketch of a comparison is an analysis like any other, unless a better one for the same parameters is there.
            analyses: covers(state.analyses[tensor], params, report.randomized.rank)
              ? state.analyses
              : { ...state.analyses, [tensor]: { key, report: report.randomized } },
          }
        }
        default:
          return ended
      }
    }
  }
}

/** Whether an analysis already holds the numbers for these parameters at this rank: then no job is needed. */
export function covers(analysis: Analysis | undefined, params: Params, rank: number): boolean {
  if (!analysis || analysis.key !== computingKey(params)) return false
  return analysis.report.method === 'exact' || rank <= analysis.report.rank
}

function without<V>(record: Readonly<Record<string, V>>, key: string): Readonly<Record<string, V>> {
  const { [key]: _, ...rest } = record
  return rest
}
