/**
 * What an analysis or an exact SVD would take here, in seconds: what it costs (core/cost.ts) at the pace of the jobs this page has seen
 * finish. A guess to a factor of two or so, and said as one; null before there is anything to go by.
 */
import { useMemo } from 'react'
import type { AnalysisReport } from '../../../core/contract.ts'
import { exactCost, sketchCost } from '../../../core/cost.ts'
import { type FittedParams, fitParams, type Params } from '../../../core/params.ts'
import { planSketch } from '../../../core/plan/analysis-rank.ts'
import { viewOf } from '../../../core/plan/describe.ts'
import type { Storable } from '../../../core/plan/verdict.ts'
import { encodedBytes, type MatrixView } from '../../../core/tensor.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { useVerdicts, type Verdicts } from '../figures/verdicts.ts'
import { type Analysis, useAnalyses } from '../looking/analyses.ts'
import type { TensorView } from '../looking/view.ts'

/** Milliseconds here for each one of the cost's. */
export type Pace = number

/** Of one thread, as the cost reckons: what is assumed where only the order of magnitude matters. */
export const reckonedPace: Pace = 1

const costOf = ({ rows, cols, count }: MatrixView, fitted: FittedParams) =>
  count * (fitted.method === 'exact' ? exactCost(rows, cols, fitted.rank) : sketchCost(rows, cols, fitted))

/** A job shorter than this says more of its start than of the machine. */
const leastMs = 5

/** All that finished analyses took over all they cost. What was kept from an earlier job took nothing, and says nothing. */
export function paceOf(
  found: readonly { readonly report: AnalysisReport; readonly params: Params; readonly size: MatrixView }[],
): Pace | null {
  let cost = 0
  let took = 0
  for (const { report, params, size } of found) {
    const { read: _, ...phases } = report.phasesMs
    const ms = Object.values(phases).reduce((sum, part) => sum + part, 0)
    if (report.reused || ms < leastMs) continue
    const { rank, method, nIter } = report
    cost += costOf(size, fitParams({ ...params, rank, method, nIter }, size.rows, size.cols))
    took += ms
  }
  return cost === 0 ? null : took / cost
}

interface MatrixKind {
  readonly first: Storable
  times: number
}

/** Matrices of one shape and as many bytes cost the same: ten thousand are of a few kinds, and each speed asks for their price. */
const kinds = new WeakMap<Verdicts, readonly MatrixKind[]>()

function kindsOf(verdicts: Verdicts): readonly MatrixKind[] {
  const known = kinds.get(verdicts)
  if (known) return known
  const found = new Map<string, MatrixKind>()
  for (const verdict of verdicts.values()) {
    const { info, view } = verdict
    if (info.sharesStorageWith !== undefined) continue
    const key = `${view.count} ${view.rows} ${view.cols} ${encodedBytes(info)}`
    const kind = found.get(key)
    if (kind) kind.times++
    else found.set(key, { first: verdict, times: 1 })
  }
  kinds.set(verdicts, [...found.values()])
  return [...found.values()]
}

/** Seconds that the analysis of the whole model takes under these parameters, if nothing of it is kept from before. */
function analysisSeconds(verdicts: Verdicts, params: Params, pace: Pace): number {
  let cost = 0
  for (const { first, times } of kindsOf(verdicts))
    cost += times * costOf(first.view, planSketch(first.info, first.view, params))
  return (cost * pace) / 1000
}

/** Seconds of an exact SVD of one tensor. */
export function exactSeconds({ size }: Pick<TensorView, 'size'>, params: Params, pace: Pace): number {
  return (costOf(size, fitParams({ ...params, method: 'exact' }, size.rows, size.cols)) * pace) / 1000
}

/** Bytes that an exact SVD works in: the Gram matrix of the smaller side in f64, its eigenvectors, and as much again. */
export function exactBytes({ rows, cols }: MatrixView): number {
  return 4 * 8 * Math.min(rows, cols) ** 2
}

export function usePace(): Pace | null {
  const analyses = useAnalyses((state) => state.analyses)
  const byName = useFile((state) => state.byName)
  return useMemo(() => {
    const { params } = useParams.getState()
    const known = ({ report }: Analysis) => {
      const tensor = byName.get(report.tensor)
      const size = tensor && viewOf(tensor)
      return size ? [{ report, params, size }] : []
    }
    return paceOf(Object.values(analyses).flatMap(known))
  }, [analyses, byName])
}

/** What the analysis would take, by parameters; null while that would be a guess without a ground. */
export function useAnalysisPrice(): ((params: Params) => number) | null {
  const pace = usePace()
  const verdicts = useVerdicts()
  return useMemo(
    () => (pace === null ? null : (params: Params) => analysisSeconds(verdicts, params, pace)),
    [pace, verdicts],
  )
}
