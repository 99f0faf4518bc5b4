/**
 * What happens to each tensor of a file, and why. Decided from names, dtypes and shapes alone: no weight is read.
 *
 * Order of the rules: what cannot be factorized; `exclude`; `include` (with any, only those are factorized, and the habits below do not
 * hold them back); habits that protect a model (embeddings, output head, routers, narrow matrices); factors that would not be smaller.
 * Tensors that share a storage share the decision on its first.
 */
import { AppError } from '../errors.ts'
import { type FittedParams, fitParams, type Params } from '../params.ts'
import { axesOf, roleOf } from '../roles.ts'
import { judgeBy, type Rules, type Ruling } from '../rules.ts'
import {
  type ComputableDType,
  encodedBytes,
  hasComputableDType,
  type MatrixView,
  matrixView,
  storageName,
  type TensorInfo,
  type TensorSet,
} from '../tensor.ts'
import { dtypeSketch, goalSketch } from './analysis-rank.ts'
import { type FactorDType, factorBytes, factorDType, largestUsefulRank, type StoredAs } from './factor-dtype.ts'

/** Below this many rows or columns a matrix holds too little to be worth an error. */
const SMALLEST_DIMENSION = 64

interface Planned {
  readonly info: TensorInfo
  readonly view: MatrixView | null
  /** Where it stands among the tensors of the source, those of one storage side by side, while their sketch is at hand. */
  readonly place: number
  /** A sentence for the user. */
  readonly reason: string
  /** CRC-32 of the source's values (matrix/checksum.ts), where a pass over them was made. */
  readonly crc?: number | undefined
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
  /** How it is factorized: `rank` may be larger than what is written, where a goal chooses among ranks. */
  readonly sketch: FittedParams
  readonly factorDType: FactorDType
}
export type TensorPlan = KeptTensor | FactorizedTensor

/** The same tensor left as it is, for another reason. */
export function kept({ info, view, place, scale, crc }: TensorPlan, reason: string): KeptTensor {
  return { action: 'keep', grows: false, info, view, place, reason: tied(info, reason), scale, crc }
}

/** The same plans, with each scale at the tensor it belongs to instead of on its own. */
export function withScalesAttached(plans: readonly TensorPlan[]): TensorPlan[] {
  const byName = new Map(plans.map(({ info }) => [info.name, info]))
  const attached = new Set(plans.flatMap(({ info }) => info.scale?.tensor ?? []))
  return plans
    .filter(({ info }) => !attached.has(info.name))
    .map((plan) => (plan.info.scale ? { ...plan, scale: byName.get(plan.info.scale.tensor) } : plan))
}

/** A sentence about the storage, where this is not the first tensor that has it. */
export function tied({ sharesStorageWith }: TensorInfo, reason: string): string {
  return sharesStorageWith === undefined ? reason : `Same storage as ${sharesStorageWith}: ${reason}`
}

export function isFactorized(plan: TensorPlan): plan is FactorizedTensor {
  return plan.action === 'factorize'
}

export function planFile(file: TensorSet, params: Params, rules: Rules): TensorPlan[] {
  const judge = judgeBy(rules)
  const scaled = new Map(file.tensors.flatMap(({ name, scale }) => (scale ? [[scale.tensor, name]] : [])))
  const planned = new Map<string, TensorPlan>()
  const places = placesOf(file.tensors)
  const plan = (info: TensorInfo): TensorPlan => {
    const place = places.get(info.name)!
    const first = planned.get(storageName(info))
    if (first) return { ...planLike(first, info), place }
    const owner = scaled.get(info.name)
    if (owner === undefined) return planTensor({ info, place }, params, judge(info.name))
    return { action: 'keep', grows: false, info, view: null, place, reason: scaleReason(owner) }
  }
  for (const info of file.tensors) planned.set(info.name, plan(info))
  return [...planned.values()]
}

function placesOf(tensors: readonly TensorInfo[]): Map<string, number> {
  const indexes = new Map(tensors.map(({ name }, i) => [name, i]))
  const indexOf = (info: TensorInfo) => indexes.get(storageName(info)) ?? indexes.get(info.name)!
  const neighbors = [...tensors].sort((a, b) => indexOf(a) - indexOf(b))
  return new Map(neighbors.map(({ name }, place) => [name, place]))
}

export function scaleReason(owner: string): string {
  return `It holds the scale of ${owner}.`
}

/** The decision on the first tensor of this one's storage, of which it is the very same view. */
function planLike(first: TensorPlan, { name, sharesStorageWith = first.info.name }: TensorInfo): TensorPlan {
  const same = { name, sharesStorageWith }
  const reason = tied({ ...first.info, ...same }, first.reason)
  return first.action === 'factorize'
    ? { ...first, info: { ...first.info, ...same }, reason }
    : { ...first, info: { ...first.info, ...same }, reason }
}

function planTensor({ info, place }: Pick<TensorPlan, 'info' | 'place'>, params: Params, ruling: Ruling): TensorPlan {
  const view = matrixView(info.name, info.shape)
  const keep = (reason: string): KeptTensor => ({ action: 'keep', grows: false, info, view, place, reason })
  /** What is no matrix of weights counts for nothing in the model's error. */
  const setAside = (reason: string): KeptTensor => ({ ...keep(reason), view: null })

  if (info.unfit !== undefined) return setAside(info.unfit)
  if (!view) return keep(notAMatrix(info.shape))
  if (!hasComputableDType(info))
    return setAside(`${info.dtype} values are not weights to factorize; copied as they are.`)
  if (ruling.says === 'out') {
    return keep(
      ruling.pattern === null ? 'Not among the included tensors.' : `Excluded by the rule "${ruling.pattern}".`,
    )
  }
  if (ruling.says === 'nothing') {
    const other = notWeights(info.name)
    if (other) return setAside(`${other} Name it with --include to factorize it.`)
    const habit = keptByHabit(info, view)
    if (habit) return keep(habit)
  }
  const stored = storedAs(info.dtype, params)
  if (hasGoal(params)) {
    const largest = Math.min(params.maxRank, largestUsefulRank(info, view, stored))
    if (largest < 1) return keep(`No rank makes this tensor (${shapeOf(view)}) smaller.`)
    const sketch = goalSketch(info, view, params)
    const written = { ...sketch, rank: largest }
    return { action: 'factorize', info, view, place, params: written, sketch, factorDType: stored.dtype, reason: '' }
  }
  const fitted = fitParams(params, view.rows, view.cols)
  const bytes = factorBytes(view, fitted.rank, stored)
  if (bytes >= encodedBytes(info)) {
    const grows = largestUsefulRank(info, view, stored) > 0
    return { ...keep(wouldGrow(info, view, fitted.rank, stored)), grows }
  }
  const reason = atRank(info, view, fitted.rank, bytes)
  const sketch = analysisDecides(params) ? dtypeSketch(info, view, params) : fitted
  return {
    action: 'factorize',
    info,
    view,
    place,
    params: { ...sketch, rank: fitted.rank },
    sketch,
    factorDType: stored.dtype,
    reason,
  }
}

/** Whether the bytes of the output follow from how errors fall with the rank: the ranks of a goal, the tensors that bear INT8. */
export function analysisDecides(params: Params): boolean {
  return hasGoal(params) || (params.factorDType === 'INT8' && !params.int8Always)
}

/** Whether ranks follow from a goal instead of being given. @throws AppError `bad-request` for two goals at once */
export function hasGoal({ goalSize, goalError, goalEnergy }: Params): boolean {
  const goals = [goalSize, goalError, goalEnergy].filter((goal) => goal > 0).length
  if (goals > 1) throw new AppError('bad-request', 'One goal at a time: a size, an error or an energy.')
  return goals === 1
}

export function storedAs(dtype: ComputableDType, params: Params): StoredAs {
  if (params.factorDType === 'INT8' && params.factorLayout === 'usv') {
    throw new AppError('bad-request', 'INT8 factors are written as A and B. Choose the layout ab.')
  }
  return {
    dtype: factorDType(dtype, params.factorDType),
    layout: params.factorLayout,
    sparseDensity: params.sparseDensity,
  }
}

export function atRank(info: TensorInfo, view: MatrixView, rank: number, bytes: number): string {
  return `${shapeOf(view)} to rank ${rank}: ${megabytes(encodedBytes(info))} to ${megabytes(bytes)}.`
}

function notAMatrix(shape: readonly number[]): string {
  if (shape.includes(0)) return 'It has no entries.'
  if (shape.length === 0) return 'It is a single number.'
  if (shape.length === 1) return 'It is one-dimensional: there is no rank to lower.'
  return `It has ${shape.length} dimensions; up to 5 can be seen as a matrix.`
}

/** Why this tensor is better left alone unless somebody asks for it by name. */
function keptByHabit(info: TensorInfo, view: MatrixView): string | null {
  const role = protectedRole(info, view)
  if (role) return `${role} Name it with --include to factorize it.`
  const smallest = Math.min(view.rows, view.cols)
  if (smallest < SMALLEST_DIMENSION) {
    return `Its smaller dimension (${shapeOf(view)}) is below ${SMALLEST_DIMENSION}: little to save.`
  }
  return null
}

/** Whether this matrix is a table of embeddings, by its name. */
export function isEmbedding(name: string, view: MatrixView): boolean {
  return view.kind === 'linear' && roleOf(name) === 'embedding'
}

function protectedRole({ name, shape }: TensorInfo, view: MatrixView): string | null {
  if (shape.length > 2 && axesOf(name, shape) === 'unknown')
    return `Its ${shape.length} axes are neither a known stack of matrices nor those of a convolution; as one matrix (${shapeOf(view)}) it may make no sense.`
  if (view.kind !== 'linear') return null
  switch (roleOf(name)) {
    case 'head':
      return 'The output head decides every token; it is kept by default.'
    case 'embedding':
      return 'An embedding: its rare rows would suffer first; kept by default.'
    case 'router':
      return 'A router decides which expert runs; it is kept by default.'
    default:
      return null
  }
}

/** What a trainer or a model keeps beside its weights, by its name. */
function notWeights(name: string): string | null {
  switch (roleOf(name)) {
    case 'optimizer':
      return 'State of an optimizer, not a weight of the model; kept as it is.'
    case 'mask':
      return 'A mask, not a weight; kept as it is.'
    case 'positions':
      return 'Computed from positions, not learned; kept as it is.'
    case 'factor':
      return 'A factor of a low-rank matrix already; a factor of a factor would only add an error.'
    default:
      return null
  }
}

function wouldGrow(info: TensorInfo, view: MatrixView, rank: number, stored: StoredAs): string {
  const grown = factorBytes(view, rank, stored)
  const useful = largestUsefulRank(info, view, stored)
  const verb = grown === encodedBytes(info) ? 'not shrink' : 'grow'
  const advice = useful > 0 ? `Largest useful rank: ${useful}.` : 'No rank makes it smaller.'
  const written =
    info.storedBytes === undefined ? '' : ` A copy is written as ${info.dtype}: ${megabytes(info.byteLength)}.`
  return `At rank ${rank} this tensor (${shapeOf(view)}) would ${verb} from ${megabytes(encodedBytes(info))} to ${megabytes(grown)} (${stored.dtype}). ${advice}${written}`
}

export function shapeOf({ count, rows, cols }: MatrixView): string {
  return count === 1 ? `${rows} x ${cols}` : `${count} x ${rows} x ${cols}`
}

/** Decimal, two significant digits at least: "34 MB", "1.6 MB", "0.33 MB". */
function megabytes(bytes: number): string {
  const value = bytes / 1e6
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2)} MB`
}
