/** What is known of each tensor, from the jobs that looked at it. */
import { create } from 'zustand'
import type { AnalysisReport, ComparisonReport } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { type Params, sketchKeyOf } from '../../../core/params.ts'
import { comparisonKey } from '../../choices/params.ts'

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

export interface AnalysesState {
  readonly analyses: Readonly<Record<string, Analysis>>
  /** Exact singular values do not depend on the sketch, so a comparison keeps its worth when parameters change. */
  readonly comparisons: Readonly<Record<string, Comparison>>
  /** Why the last job of a tensor ended without a report. */
  readonly failures: Readonly<Record<string, ErrorReport>>
}

const none: AnalysesState = { analyses: {}, comparisons: {}, failures: {} }

export const useAnalyses = create<AnalysesState>(() => none)

export const analysesReducers = {
  reset() {
    useAnalyses.setState(none)
  },
  /** A job looks at the tensor: why the one before failed is no longer of interest. */
  asked(tensor: string) {
    useAnalyses.setState(({ failures: { [tensor]: _, ...failures } }) => ({ failures }))
  },
  failed(tensor: string, error: ErrorReport) {
    useAnalyses.setState(({ failures }) => ({ failures: { ...failures, [tensor]: error } }))
  },
  analyzed(report: AnalysisReport, params: Params) {
    const analysis = { key: sketchKeyOf(params), report }
    useAnalyses.setState(({ analyses }) => ({ analyses: { ...analyses, [report.tensor]: analysis } }))
  },
  /** Randomized beside exact; its sketch is an analysis like any other, unless a better one for the same parameters is there. */
  compared(report: ComparisonReport, params: Params) {
    const { tensor, randomized } = report
    analysesReducers.foundComparison(report, params)
    if (!covers(useAnalyses.getState().analyses[tensor], params, randomized.rank))
      analysesReducers.analyzed(randomized, params)
  },
  /** Randomized beside exact, found on the way by another job under these parameters. */
  foundComparison(report: ComparisonReport, params: Params) {
    const comparison = { key: comparisonKey(params), report }
    useAnalyses.setState(({ comparisons }) => ({ comparisons: { ...comparisons, [report.tensor]: comparison } }))
  },
}

/** Whether an analysis already holds the numbers for these parameters at this rank: then no job is needed. */
export function covers(analysis: Analysis | undefined, params: Params, rank: number): boolean {
  if (!analysis || analysis.key !== sketchKeyOf(params)) return false
  return analysis.report.method === 'exact' || rank <= analysis.report.rank
}
