/**
 * What happens to each tensor of a file, and why, at a rank or for a goal to choose among: verdicts (verdict.ts) with what is written, how it
 * is sketched, and a sentence.
 */

import type { LayoutId } from '../layouts.ts'
import { all, say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import { type FittedParams, fitParams, type Params } from '../params.ts'
import { judgeBy, pinsBy, type Rules } from '../rules.ts'
import { defaultStyle, type Style, styles } from '../styles.ts'
import {
  type ComputableDType,
  encodedBytes,
  hasKernel,
  type Magnitudes,
  type MatrixView,
  storageName,
  type TensorInfo,
  type TensorSet,
} from '../tensor.ts'
import { dtypeSketch, goalSketch } from './analysis-rank.ts'
import { denseInt8Axis } from './dense-int8.ts'
import { type FactorDType, largestUsefulRank } from './factor-dtype.ts'
import { hasGoal } from './goal.ts'
import { lengthsOf } from './shape.ts'
import { bytesAtRank, type FactorizedVerdict, shrinksAt, type Verdict, verdictsOn } from './verdict.ts'

/** Of a tensor whose rank a goal has yet to settle. */
export const unsettled: Message = all([])

interface Planned {
  readonly info: TensorInfo
  readonly view: MatrixView | null
  /** Where it stands among the tensors of the source, those of one storage side by side, while their sketch is at hand. */
  readonly place: number
  readonly reason: Message
  /** Where it is kept, it is written in INT8 with a scale for each index of this axis (dense-int8.ts). */
  readonly denseInt8?: number | undefined
  /** CRC-32 of the source's values (matrix/checksum.ts), where a pass over them was made. */
  readonly crc?: number | undefined
  /** Of each of its matrices, where that pass found them. */
  readonly magnitudes?: readonly Magnitudes[] | undefined
  /** Holds the factors of this F8 tensor: written with it where it is kept, and left out where they are in what is written. */
  readonly scale?: TensorInfo | undefined
}
export interface KeptTensor extends Planned {
  readonly action: 'keep'
  /** Nothing but the rank is in its way: at a smaller one it would be factorized. */
  readonly grows: boolean
}
export interface FactorizedTensor extends Planned {
  readonly action: 'factorize'
  readonly info: TensorInfo & { readonly dtype: ComputableDType }
  readonly view: MatrixView
  /** Fitted to this tensor's matrices; `rank` is the one that is written. */
  readonly params: FittedParams
  /** Its rank is its own: no goal changes it. */
  readonly pinned?: number | undefined
  /** How it is factorized: `rank` may be larger than what is written, where a goal chooses among ranks. */
  readonly sketch: FittedParams
  readonly factorDType: FactorDType
  readonly factorLayout: LayoutId
}
export type TensorPlan = KeptTensor | FactorizedTensor

/** The same tensor left as it is, for another reason. */
export function keepAsIs({ info, view, place, scale, crc, denseInt8 }: TensorPlan, reason: Message): KeptTensor {
  const said = withStorageNote(info, withDenseNote(denseInt8, info, reason))
  return { action: 'keep', grows: false, info, view, place, reason: said, scale, crc, denseInt8 }
}

function withDenseNote(axis: number | undefined, { shape }: TensorInfo, reason: Message): Message {
  return axis === undefined ? reason : all([reason, say('plan.dense-int8', { scales: shape[axis]! })])
}

/** The same plans, with each scale at the tensor it belongs to instead of on its own. */
function withScalesAttached(plans: readonly TensorPlan[]): TensorPlan[] {
  const byName = new Map(plans.map(({ info }) => [info.name, info]))
  const attached = new Set(plans.flatMap(({ info }) => info.scale?.tensor ?? []))
  return plans
    .filter(({ info }) => !attached.has(info.name))
    .map((plan) => (plan.info.scale ? { ...plan, scale: byName.get(plan.info.scale.tensor) } : plan))
}

/** A reason of the storage's, where this is not the first tensor that has it. */
export function withStorageNote({ sharesStorageWith }: TensorInfo, reason: Message): Message {
  return sharesStorageWith === undefined
    ? reason
    : say('plan.same-storage', { first: foreign(sharesStorageWith), reason })
}

export function isFactorized(plan: TensorPlan): plan is FactorizedTensor {
  return plan.action === 'factorize'
}

/** What a run that writes this style does with each tensor, as far as names, dtypes and shapes decide it; no weight is read. */
export function planByNames(file: Pick<TensorSet, 'tensors'>, choices: Choices, style: Style): TensorPlan[] {
  const plans = planFile(file, choices.params, choices, style, choices.convRank)
  return style.copiesKept && !style.keepsScales ? withScalesAttached(plans) : plans
}

/** The same with each scale on its own: a plan for each tensor of the file. */
export function planFile(
  { tensors }: Pick<TensorSet, 'tensors'>,
  params: Params,
  rules: Rules,
  style: Style = styles[defaultStyle],
  convRank?: number,
): TensorPlan[] {
  const verdicts = verdictsOn(tensors, params, judgeBy(rules), style)
  const places = placesOf(tensors)
  const convolution = convRank === undefined ? params : { ...params, rank: convRank, maxRank: convRank }
  const pinOf = pinsBy(rules)
  return tensors.map((info) => {
    const own = hasKernel(info) ? convolution : params
    const verdict = verdicts.get(info.name)!
    const denseInt8 = verdict.action === 'keep' && verdict.asIs ? undefined : denseInt8Axis(info, params, style)
    return planOn(verdict, info, places.get(info.name)!, own, pinOf(storageName(info)), denseInt8)
  })
}

/** Parameters and rules of a run. */
export interface Choices extends Rules {
  readonly params: Params
  /** Rank of convolutions, where they have one of their own. */
  readonly convRank?: number | undefined
}

function placesOf(tensors: readonly TensorInfo[]): Map<string, number> {
  const indexes = new Map(tensors.map(({ name }, i) => [name, i]))
  const indexOf = (info: TensorInfo) => indexes.get(storageName(info)) ?? indexes.get(info.name)!
  const neighbors = [...tensors].sort((a, b) => indexOf(a) - indexOf(b))
  return new Map(neighbors.map(({ name }, place) => [name, place]))
}

/** A verdict at the rank, or at the largest one for a goal to choose among, or at the one it is pinned to. */
function planOn(
  verdict: Verdict,
  info: TensorInfo,
  place: number,
  given: Params,
  pin: number | null,
  denseInt8: number | undefined,
): TensorPlan {
  const params = pin === null ? given : { ...given, rank: pin, maxRank: Math.max(given.maxRank, pin) }
  const keep = (reason: Message, grows = false): KeptTensor => {
    return { ...keepAsIs({ action: 'keep', grows, info, view: verdict.view, place, reason, denseInt8 }, reason), grows }
  }
  if (verdict.action === 'keep') return keep(verdict.reason)
  const { view, stored, refusal, keptBytes } = verdict
  // Of one storage the first was judged; the others are the very same view of it.
  const { name, sharesStorageWith } = info
  const tensor =
    name === verdict.info.name ? verdict.info : { ...verdict.info, name, sharesStorageWith: sharesStorageWith! }
  const planned = {
    action: 'factorize',
    info: tensor,
    view,
    place,
    factorDType: stored.dtype,
    factorLayout: stored.layout,
    denseInt8,
    ...(pin === null ? {} : { pinned: pin }),
  } as const
  if (hasGoal(params)) {
    const largest = largestUsefulRank(tensor, view, stored, keptBytes)
    if (pin !== null && pin > largest) return keep(wouldGrow(verdict, pin, largest))
    const rank = pin ?? Math.min(params.maxRank, largest)
    if (rank < 1) return keep(say('plan.never-smaller'))
    if (refusal !== null) return keep(refusal)
    const sketch = goalSketch(tensor, view, params)
    return { ...planned, params: { ...sketch, rank }, sketch, reason: withStorageNote(info, unsettled) }
  }
  const fitted = fitParams(params, view.rows, view.cols)
  const { rank } = fitted
  if (!shrinksAt(verdict, rank)) {
    const largest = largestUsefulRank(tensor, view, stored, keptBytes)
    return keep(wouldGrow(verdict, rank, largest), largest > 0)
  }
  if (refusal !== null) return keep(refusal)
  const sketch = analysisDecides(params) ? dtypeSketch(tensor, view, params) : fitted
  const reason = withStorageNote(info, atRank(tensor, view, rank, bytesAtRank(verdict, rank)))
  return { ...planned, params: { ...sketch, rank }, sketch, reason }
}

/** Whether the bytes of the output follow from how errors fall with the rank: the ranks of a goal, the tensors that tolerate INT8. */
export function analysisDecides(params: Params): boolean {
  return hasGoal(params) || (params.factorDType === 'INT8' && !params.int8Always)
}

export function atRank(info: TensorInfo, view: MatrixView, rank: number, bytes: number): Message {
  return say('plan.rank', { shape: lengthsOf(view), rank, before: encodedBytes(info), after: bytes })
}

function wouldGrow(verdict: FactorizedVerdict, rank: number, largest: number): Message {
  const { info, stored, keptBytes = encodedBytes(info) } = verdict
  const bytes = { before: keptBytes, after: bytesAtRank(verdict, rank) }
  const grows = say('plan.grows', { rank, dtype: stored.dtype, ...bytes })
  const useful = largest > 0 ? say('plan.largest-useful-rank', { rank: largest }) : say('plan.never-smaller')
  if (info.storedBytes === undefined) return all([grows, useful])
  return all([grows, useful, say('plan.copied-as', { dtype: foreign(info.dtype), bytes: info.byteLength })])
}
