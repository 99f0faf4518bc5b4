/**
 * What is to be expected of each tensor before a run: from the plan where there is one for the choices as they stand, else from what has
 * been analyzed so far.
 */

import { useCallback } from 'react'
import type { PlannedTensor, TensorReport } from '../../../core/contract.ts'
import { modelError } from '../../../core/curves/model-error.ts'
import { type Params, sketchKeyOf } from '../../../core/params.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { rankWithin } from '../../../core/plan/factor-dtype.ts'
import { leastRank } from '../../../core/plan/goals.ts'
import { type Storable, shrinksAt } from '../../../core/plan/verdict.ts'
import { factorBytesIn, heldIn, keptBytesIn } from '../../../core/plan/written-bytes.ts'
import { allStyles, defaultStyle, type Style } from '../../../core/styles.ts'
import { elementCount } from '../../../core/tensor.ts'
import { goalOf } from '../../choices/goal.ts'
import { useParams } from '../../choices/params.ts'
import type { Pins } from '../../choices/rules.ts'
import { useSelection } from '../../choices/selection.ts'
import { type Analysis, useAnalyses } from '../looking/analyses.ts'
import { answerTo, failureOfChoices, isAnalyzed, type PlanAnswer, type PlanState, usePlan } from '../planning/plan.ts'
import { type RunningPlan, useRunningPlan } from '../planning/running-plan.ts'
import { useVerdicts, useWholeBytes, type Verdicts, type WholeBytes } from './verdicts.ts'

export interface Outlook {
  /** Whole: as it is, or in INT8. */
  readonly kept: boolean
  /** Whole, and written in INT8. */
  readonly inInt8: boolean
  /** null where it is kept or a goal has still to find it. */
  readonly rank: number | null
  /** Relative error at that rank, or of INT8; null while it is not known, and for what is kept as it is. */
  readonly error: number | null
  /** Differences of errors below this are rounding; 0 while that is not known. */
  readonly resolution: number
  /** Of the weights, where `error` is that of its outputs and a plan has said so; null otherwise. */
  readonly weightError: number | null
  /** Relative error where its factors take half its bytes: what an analysis finds before a goal has settled ranks; null once one has. */
  readonly errorAtHalf: number | null
  readonly bytesAfter: number
  /** Relative error at rank 0, 1, ..., as far as it is known. */
  readonly curve: readonly number[] | undefined
  /** What the engine said, exact in bytes. */
  readonly planned: PlannedTensor | null
}

/** The plan to show. */
interface ShownPlan {
  readonly answer: PlanAnswer | null
  /** Whether it is the plan of the choices as they stand: exact in bytes. For a moment the one before is shown, until the engine has answered. */
  readonly isCurrent: boolean
}

export function shownPlan(state: PlanState, running: Pick<RunningPlan, 'long'> | null): ShownPlan {
  const { question } = state
  const answer = answerTo(state, question?.recipe)
  if (answer) return { answer, isCurrent: true }
  const before = state.answers[0]
  // The bytes at one rank for all are known to the page itself, and follow every step of a drag.
  const soon =
    question &&
    goalOf(question.params) !== 'rank' &&
    isAnalyzed(state, question.params) &&
    !running?.long &&
    !failureOfChoices(state)
  return { answer: soon && before?.question.output === question.output ? before : null, isCurrent: false }
}

interface Known {
  readonly params: Params
  readonly verdicts: Verdicts
  readonly plan: PlanAnswer | null
  /** Relative error at rank 0, 1, ... */
  readonly curve: readonly number[] | undefined
  readonly resolution?: number | undefined
  /** Of its own, whatever the goal. */
  readonly pin?: number | undefined
  /** What would be written. */
  readonly style?: Style
  readonly whole?: WholeBytes
}

export function outlookOf(
  tensor: TensorReport,
  { params, verdicts, plan, curve, resolution = 0, pin, style = allStyles[defaultStyle], whole }: Known,
): Outlook {
  const planned = plan?.tensors.get(tensor.name)
  if (planned) {
    const { rank, relativeError, bytesAfter, weightError = null } = planned
    const inInt8 = rank === null && planned.factorDType === 'INT8'
    const error = rank === null && !inInt8 ? null : relativeError
    const least = planned.resolution ?? 0
    return {
      kept: rank === null,
      inInt8,
      rank,
      error,
      resolution: least,
      weightError,
      errorAtHalf: null,
      bytesAfter,
      curve,
      planned,
    }
  }
  const bytesInInt8 = whole?.get(tensor.name)
  const bytes = bytesInInt8 ?? keptBytesIn(style, tensorOf(tensor))
  const kept: Outlook = {
    kept: true,
    inInt8: bytesInInt8 !== undefined,
    rank: null,
    error: null,
    resolution,
    weightError: null,
    errorAtHalf: null,
    bytesAfter: bytes,
    curve,
    planned: null,
  }
  const verdict = verdicts.get(tensor.name)
  if (!verdict) return kept
  const rank = pin ?? expectedRank(params, verdict, curve)
  if (rank === undefined)
    return { ...kept, kept: false, inInt8: false, errorAtHalf: errorWithin(bytes / 2, verdict, style, curve) }
  if (rank === null || !shrinksAt(verdict, rank)) return kept
  const bytesAfter = factorBytesIn(style, verdict, rank)
  const error = curve?.[rank] ?? null
  return { ...kept, kept: false, inInt8: false, rank, error, bytesAfter }
}

/** Of the largest rank whose factors take no more. */
function errorWithin(
  bytes: number,
  { view, stored }: Storable,
  style: Style,
  curve: readonly number[] | undefined,
): number | null {
  return curve?.[rankWithin(bytes, view, heldIn(style, stored))] ?? null
}

/** undefined while a goal has still to find it, null where it cannot be met. */
function expectedRank(
  params: Params,
  verdict: Storable,
  curve: readonly number[] | undefined,
): number | null | undefined {
  if (goalOf(params) === 'rank') return Math.min(params.rank, verdict.view.rows, verdict.view.cols)
  // A size is shared out over all tensors: until that has been done no tensor's share is known.
  return curve && leastRank(verdict, curve, params)
}

/** The error curve of a tensor under these parameters, from the analysis of the model or of this tensor alone. */
export function curveOf(
  name: string,
  params: Params,
  { curves, curvesKey }: Pick<PlanState, 'curves' | 'curvesKey'>,
  analysis: Analysis | undefined,
): readonly number[] | undefined {
  const key = sketchKeyOf(params)
  const own = analysis?.key === key ? analysis.report.errorCurve : undefined
  const ofModel = curvesKey === key ? curves.get(name) : undefined
  return (ofModel?.length ?? 0) > (own?.length ?? 0) ? ofModel : own
}

/** The model's error with one rank for all, from the curves of its analysis; null where one of them is not known. */
export function errorAtOneRank(
  tensors: readonly TensorReport[],
  verdicts: Verdicts,
  params: Params,
  pins: Pins,
  plan: Pick<PlanState, 'curves' | 'curvesKey'>,
): number | null {
  const matrices: { entries: number; error: number }[] = []
  for (const tensor of tensors) {
    if (!tensor.matrix || tensor.sharesStorageWith !== undefined) continue
    const verdict = verdicts.get(tensor.name)
    const rank = Math.min(
      pins.get(tensor.name) ?? params.rank,
      ...(verdict ? [verdict.view.rows, verdict.view.cols] : []),
    )
    const kept = !verdict || !shrinksAt(verdict, rank)
    const error = kept ? 0 : curveOf(tensor.name, params, plan, undefined)?.[rank]
    if (error === undefined) return null
    matrices.push({ entries: elementCount(tensor.shape), error })
  }
  return modelError(matrices)
}

/** The plan as the page shows it. */
export function usePlanShown(): ShownPlan {
  const running = useRunningPlan()
  const answer = usePlan((state) => shownPlan(state, running).answer)
  const isCurrent = usePlan((state) => shownPlan(state, running).isCurrent)
  return { answer, isCurrent }
}

/** The outlook on any tensor, as everything stands. */
export function useOutlook(): (tensor: TensorReport) => Outlook {
  const params = useParams((state) => state.params)
  const verdicts = useVerdicts()
  const analyses = useAnalyses((state) => state.analyses)
  const curves = usePlan((state) => state.curves)
  const curvesKey = usePlan((state) => state.curvesKey)
  const pins = useSelection((state) => state.pins)
  const style = useParams(({ output }) => allStyles[output])
  const plan = usePlanShown().answer
  const whole = useWholeBytes()
  return useCallback(
    (tensor) => {
      const analysis = analyses[tensor.name]
      const curve = curveOf(tensor.name, params, { curves, curvesKey }, analysis)
      const resolution = analysis?.key === sketchKeyOf(params) ? analysis.report.resolution : 0
      const pin = pins.get(tensor.name)
      return outlookOf(tensor, { params, verdicts, plan, curve, resolution, pin, style, whole })
    },
    [params, verdicts, analyses, curves, curvesKey, pins, plan, style, whole],
  )
}
