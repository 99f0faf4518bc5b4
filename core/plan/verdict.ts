/**
 * What names, dtypes, shapes and rules decide of a tensor, whatever its rank: kept, and why, or to be factorized. Decided once for a file,
 * its rules and its kind of output; what follows from a rank is then a product of four numbers, for ten thousand tensors a drag.
 *
 * Order of the rules: what cannot be factorized, or has to stay in its graph; `exclude`; `include` (with any, only those are factorized, and the habits below do not
 * hold them back); habits that protect a model (embeddings, output head, routers, narrow matrices).
 * Tensors that share a storage share the decision on its first.
 */
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import type { Params } from '../params.ts'
import { roleOf } from '../roles.ts'
import type { Ruling } from '../rules.ts'
import { moduleOf, type Style } from '../styles.ts'
import {
  axesOfTensor,
  type ComputableDType,
  type ComputableTensor,
  encodedBytes,
  hasComputableDType,
  hasKernel,
  type MatrixView,
  matrixView,
  storageName,
  type TensorInfo,
} from '../tensor.ts'
import { denseInt8Axis, denseInt8Bytes } from './dense-int8.ts'
import { type FactorDType, factorBytes, factorDType, type StoredAs } from './factor-dtype.ts'
import { lengthsOf } from './shape.ts'

/** Below this many rows or columns a matrix holds too little to be worth an error. */
const SMALLEST_DIMENSION = 64

interface KeptVerdict {
  readonly action: 'keep'
  /** null for what is no matrix of weights: it counts for nothing in the model's error. */
  readonly view: MatrixView | null
  readonly reason: Message
  /** Whether it is to stay as it is to the bit: a rule says so, or it is no weight. */
  readonly asIs: boolean
}
/** A matrix of weights and how its factors are stored. */
export interface Storable {
  readonly info: ComputableTensor
  readonly view: MatrixView
  readonly stored: StoredAs
  /** Bytes of the matrix where it is kept, if those are not the source's: what its factors have to be smaller than. */
  readonly keptBytes?: number | undefined
  /** Of a difference, which has no bytes to save: factors of any rank are written. */
  readonly isDifference?: boolean
}
export interface FactorizedVerdict extends Storable {
  readonly action: 'factorize'
  /** Why this output has no place for it, where it would be factorized. */
  readonly refusal: Message | null
}
export type Verdict = KeptVerdict | FactorizedVerdict

/** Says what rules and choices say of a name. */
export type Judge = (name: string) => Ruling

/** By name, in the order of the tensors. Cost: one pass over names and shapes. */
export function verdictsOn(
  tensors: readonly TensorInfo[],
  params: Params,
  judge: Judge,
  style: Style,
): ReadonlyMap<string, Verdict> {
  const owners = new Map(tensors.flatMap(({ name, scale }) => (scale ? [[scale.tensor, name]] : [])))
  const verdictFor = inOrder(params, judge, style, owners)
  return new Map(tensors.map((info) => [info.name, verdictFor(info)]))
}

/** Judges tensors one after another, in their order: one that shares a storage is judged by the first that has it. `owners` have scales by name. */
export function inOrder(
  params: Params,
  judge: Judge,
  style: Style,
  owners: ReadonlyMap<string, string> = new Map(),
): (info: TensorInfo) => Verdict {
  const verdicts = new Map<string, Verdict>()
  const verdictFor = (info: TensorInfo): Verdict => {
    const first = verdicts.get(storageName(info))
    if (first) return first
    const owner = owners.get(info.name)
    if (owner !== undefined) return { action: 'keep', view: null, reason: scaleReason(owner), asIs: true }
    return verdictOn(info, params, judge(info.name), style)
  }
  return (info) => {
    const verdict = verdictFor(info)
    verdicts.set(info.name, verdict)
    return verdict
  }
}

function scaleReason(owner: string): Message {
  return say('plan.scale', { owner: foreign(owner) })
}

/** What becomes of the scale attached to a tensor: part of its factors, or copied with it. */
export function reasonOfScale(owner: string, action: 'factorize' | 'keep'): Message {
  return action === 'factorize' ? say('plan.scale-in-factors', { owner: foreign(owner) }) : scaleReason(owner)
}

/** Why a tensor is kept, as an output of this style has it: in one of factors alone it is missing. */
export function reasonKept({ copiesKept }: Pick<Style, 'copiesKept'>, reason: Message): Message {
  return copiesKept ? reason : say('plan.not-in-output', { reason })
}

/** Relative errors of one matrix or tensor at its rank, before a sparse part is added. */
interface RoundedErrors {
  readonly total: number
  readonly truncation: number
  readonly rounding: number
}

/**
 * Why factors that miss by more than the whole matrix are not written; null where they do not, or rounding does not explain it: neither as
 * the larger part, nor as what lifts the error above 1. That would contradict mathematics and is for the internal check.
 */
export function worthless(dtype: FactorDType, { total, truncation, rounding }: RoundedErrors): Message | null {
  if (!(total > 1 && (rounding > truncation || rounding ** 2 >= total ** 2 - 1))) return null
  return say('overflow.worthless', { dtype, error: total })
}

function verdictOn(info: TensorInfo, params: Params, ruling: Ruling, style: Style): Verdict {
  const view = matrixView(info)
  const keep = (reason: Message, asIs = false): KeptVerdict => ({ action: 'keep', view, reason, asIs })
  const setAside = (reason: Message): KeptVerdict => ({ action: 'keep', view: null, reason, asIs: true })

  if (info.unfit !== undefined) return setAside(info.unfit)
  if (!view) return keep(notAMatrix(info.shape))
  if (!hasComputableDType(info)) return setAside(say('plan.dtype', { dtype: foreign(info.dtype) }))
  if (style.isGraph && info.inGraph?.unfit) return keep(info.inGraph.unfit)
  if (ruling.says === 'out') {
    return ruling.pattern === null
      ? keep(say('plan.not-included'))
      : keep(say('plan.excluded', { pattern: quoted(ruling.pattern) }), true)
  }
  if (ruling.says === 'nothing') {
    const other = notWeights(info.name)
    if (other) return setAside(other)
    const habit = style.isDifference ? leftOutOfAdapters(info, view, style) : keptByHabit(info, view)
    if (habit) return keep(habit)
  }
  const stored = storedAs(info.dtype, params, style)
  const { isDifference } = style
  const axis = denseInt8Axis(info, params, style)
  const keptBytes = axis === undefined ? undefined : denseInt8Bytes(info, axis)
  return {
    action: 'factorize',
    info,
    view,
    stored,
    keptBytes,
    isDifference,
    refusal: refusalOf(style, info, view, stored),
  }
}

/** Bytes of the factors at a rank, of all matrices of the tensor, with all that is stored beside them. */
export function bytesAtRank({ view, stored }: Pick<Storable, 'view' | 'stored'>, rank: number): number {
  return factorBytes(view, Math.min(rank, view.rows, view.cols), stored)
}

/** Whether factors of this rank are smaller than the tensor as it is. */
export function shrinksAt(matrix: Storable, rank: number): boolean {
  return matrix.isDifference === true || bytesAtRank(matrix, rank) < (matrix.keptBytes ?? encodedBytes(matrix.info))
}

/** How a style stores factors of a matrix of these values. */
export function storedAs(
  dtype: ComputableDType,
  { factorDType: asked, factorLayout, sparseDensity }: Params,
  { prescribed }: Pick<Style, 'prescribed'>,
): StoredAs {
  return { dtype: factorDType(dtype, asked, prescribed), layout: prescribed?.layout ?? factorLayout, sparseDensity }
}

function refusalOf(
  { holds, asModules }: Style,
  info: TensorInfo,
  view: MatrixView,
  { dtype, sparseDensity }: StoredAs,
): Message | null {
  if (view.kind === 'experts' && !holds.experts) return say('plan.no-place-for-experts')
  if (sparseDensity > 0 && !holds.sparse) return say('plan.no-place-for-sparse')
  if (dtype === 'INT8' && !holds.int8) return say('plan.no-place-for-int8')
  if (asModules && !isLinearWeight(info, view)) return say('plan.no-place-but-linear')
  return null
}

function isLinearWeight({ name, shape }: TensorInfo, { kind }: MatrixView): boolean {
  return kind === 'linear' && shape.length === 2 && moduleOf(name) !== null && roleOf(name) !== 'embedding'
}

function notAMatrix(shape: readonly number[]): Message {
  if (shape.includes(0)) return say('plan.no-entries')
  if (shape.length === 0) return say('plan.scalar')
  if (shape.length === 1) return say('plan.one-dimensional')
  return say('plan.dimensions', { count: shape.length })
}

/** Why this tensor is kept unless it is included by name. */
function keptByHabit(info: TensorInfo, view: MatrixView): Message | null {
  const role = protectedRole(info, view)
  if (role) return role
  const smallest = Math.min(view.rows, view.cols)
  if (smallest < SMALLEST_DIMENSION) {
    return say('plan.narrow', { shape: lengthsOf(view), least: SMALLEST_DIMENSION })
  }
  return null
}

/** A difference has no bytes to save: of what protects a model only what adapters rarely hold remains. */
function leftOutOfAdapters(
  info: TensorInfo,
  view: MatrixView,
  { takesConvolutions }: Pick<Style, 'takesConvolutions'>,
): Message | null {
  const { name, shape } = info
  if (!takesConvolutions && hasKernel({ shape })) return say('extract.conv')
  if (shape.length > 2 && axesOfTensor(info) === 'unknown')
    return say('plan.axes', { axes: shape.length, shape: lengthsOf(view) })
  return view.kind === 'linear' && roleOf(name) === 'embedding' ? say('extract.embedding') : null
}

function protectedRole(info: TensorInfo, view: MatrixView): Message | null {
  const { name, shape } = info
  if (shape.length > 2 && axesOfTensor(info) === 'unknown')
    return say('plan.axes', { axes: shape.length, shape: lengthsOf(view) })
  if (view.kind !== 'linear') return null
  switch (roleOf(name)) {
    case 'head':
      return say('plan.head')
    case 'embedding':
      return say('plan.embedding')
    case 'router':
      return say('plan.router')
    default:
      return null
  }
}

/** What a trainer or a model keeps beside its weights, by its name. */
function notWeights(name: string): Message | null {
  switch (roleOf(name)) {
    case 'optimizer':
      return say('plan.optimizer')
    case 'mask':
      return say('plan.mask')
    case 'positions':
      return say('plan.positions')
    case 'factor':
      return say('plan.factor')
    default:
      return null
  }
}
