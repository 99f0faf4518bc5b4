/**
 * What names, dtypes, shapes and rules decide of a tensor, whatever its rank: kept, and why, or to be factorized. Decided once for a file,
 * its rules and its kind of output; what follows from a rank is then a product of four numbers, for ten thousand tensors a drag.
 *
 * Order of the rules: what cannot be factorized; `exclude`; `include` (with any, only those are factorized, and the habits below do not
 * hold them back); habits that protect a model (embeddings, output head, routers, narrow matrices).
 * Tensors that share a storage share the decision on its first.
 */
import type { Params } from '../params.ts'
import { axesOf, roleOf } from '../roles.ts'
import type { Ruling } from '../rules.ts'
import type { Style } from '../styles.ts'
import {
  type ComputableDType,
  type ComputableTensor,
  encodedBytes,
  hasComputableDType,
  type MatrixView,
  matrixView,
  storageName,
  type TensorInfo,
} from '../tensor.ts'
import { factorBytes, factorDType, type StoredAs } from './factor-dtype.ts'
import { shapeOf } from './text.ts'

/** Below this many rows or columns a matrix holds too little to be worth an error. */
const SMALLEST_DIMENSION = 64

export interface KeptVerdict {
  readonly action: 'keep'
  /** null for what is no matrix of weights: it counts for nothing in the model's error. */
  readonly view: MatrixView | null
  readonly reason: string
}
/** A matrix of weights and how its factors are stored. */
export interface Storable {
  readonly info: ComputableTensor
  readonly view: MatrixView
  readonly stored: StoredAs
}
export interface FactorizedVerdict extends Storable {
  readonly action: 'factorize'
  /** Why this output has no place for it, where it would be factorized. */
  readonly refusal: string | null
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
  const verdicts = new Map<string, Verdict>()
  for (const info of tensors) {
    const first = verdicts.get(storageName(info))
    const owner = owners.get(info.name)
    if (first) verdicts.set(info.name, first)
    else if (owner !== undefined) verdicts.set(info.name, { action: 'keep', view: null, reason: scaleReason(owner) })
    else verdicts.set(info.name, verdictOn(info, params, judge(info.name), style))
  }
  return verdicts
}

export function scaleReason(owner: string): string {
  return `It holds the scale of ${owner}.`
}

function verdictOn(info: TensorInfo, params: Params, ruling: Ruling, style: Style): Verdict {
  const view = matrixView(info.name, info.shape)
  const keep = (reason: string): KeptVerdict => ({ action: 'keep', view, reason })
  const setAside = (reason: string): KeptVerdict => ({ action: 'keep', view: null, reason })

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
  return { action: 'factorize', info, view, stored, refusal: refusalOf(style, view, stored) }
}

/** Bytes of the factors at a rank, of all matrices of the tensor, with all that is stored beside them. */
export function bytesAtRank({ view, stored }: Pick<Storable, 'view' | 'stored'>, rank: number): number {
  return factorBytes(view, Math.min(rank, view.rows, view.cols), stored)
}

/** Whether factors of this rank are smaller than the tensor as it is. */
export function shrinksAt(matrix: Storable, rank: number): boolean {
  return bytesAtRank(matrix, rank) < encodedBytes(matrix.info)
}

/** How factors of a matrix of these values are stored. */
export function storedAs(
  dtype: ComputableDType,
  { factorDType: asked, factorLayout, sparseDensity }: Params,
): StoredAs {
  return { dtype: factorDType(dtype, asked), layout: factorLayout, sparseDensity }
}

function refusalOf({ holds }: Style, view: MatrixView, { dtype, sparseDensity }: StoredAs): string | null {
  if (view.kind === 'experts' && !holds.experts) return 'A stack of experts has no place in this output.'
  if (sparseDensity > 0 && !holds.sparse) return 'This output has no place for a sparse part.'
  if (dtype === 'INT8' && !holds.int8) return 'This output holds floating-point factors; INT8 was asked for.'
  return null
}

function notAMatrix(shape: readonly number[]): string {
  if (shape.includes(0)) return 'It has no entries.'
  if (shape.length === 0) return 'It is a single number.'
  if (shape.length === 1) return 'It is one-dimensional: there is no rank to lower.'
  return `It has ${shape.length} dimensions; up to 5 can be seen as a matrix.`
}

/** Why this tensor is kept unless it is included by name. */
function keptByHabit(info: TensorInfo, view: MatrixView): string | null {
  const role = protectedRole(info, view)
  if (role) return `${role} Name it with --include to factorize it.`
  const smallest = Math.min(view.rows, view.cols)
  if (smallest < SMALLEST_DIMENSION) {
    return `Its smaller dimension (${shapeOf(view)}) is below ${SMALLEST_DIMENSION}: little to save.`
  }
  return null
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
