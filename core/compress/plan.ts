/**
 * What happens to each tensor of a file, and why. Decided from names, dtypes and shapes alone: no weight is read.
 *
 * Order of the rules: what cannot be factorized; `exclude`; `include` (with any, only those are factorized, and the habits below do not
 * hold them back); habits that protect a model (embeddings, output head, routers, narrow matrices); factors that would not be smaller.
 */
import type { WeightFile } from '../formats/format.ts'
import { type FittedParams, fitParams, type Params } from '../params.ts'
import { type ComputableDType, isComputable, type MatrixView, matrixView, type TensorInfo } from '../tensor.ts'
import { type FactorDType, factorBytes, factorDType, largestUsefulRank } from './factor-dtype.ts'
import { matchNames, type NameMatcher } from './patterns.ts'

/** Below this many rows or columns a matrix holds too little to be worth an error. */
const SMALLEST_DIMENSION = 64

export interface Rules {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

export const noRules: Rules = { include: [], exclude: [] }

interface Planned {
  readonly info: TensorInfo
  readonly view: MatrixView | null
  /** A sentence for the user. */
  readonly reason: string
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
  /** Fitted to this tensor's matrices. */
  readonly params: FittedParams
  readonly factorDType: FactorDType
}
export type TensorPlan = KeptTensor | FactorizedTensor

/** The same tensor left as it is, for another reason. */
export function kept({ info, view }: TensorPlan, reason: string): KeptTensor {
  return { action: 'keep', grows: false, info, view, reason }
}

export function isFactorized(plan: TensorPlan): plan is FactorizedTensor {
  return plan.action === 'factorize'
}

export function planFile(file: WeightFile, params: Params, rules: Rules): TensorPlan[] {
  const included = matchNames(rules.include)
  const excluded = matchNames(rules.exclude)
  return file.tensors.map((info) => planTensor(info, params, included, excluded, rules.include.length > 0))
}

function planTensor(
  info: TensorInfo,
  params: Params,
  included: NameMatcher,
  excluded: NameMatcher,
  onlyIncluded: boolean,
): TensorPlan {
  const view = matrixView(info.name, info.shape)
  const keep = (reason: string): KeptTensor => ({ action: 'keep', grows: false, info, view, reason })

  if (!view) return keep(notAMatrix(info.shape))
  if (!hasComputableDType(info)) return keep(`${info.dtype} values are not weights to factorize; copied as they are.`)
  const exclude = excluded(info.name)
  if (exclude !== undefined) return keep(`Excluded by the rule "${exclude}".`)
  if (onlyIncluded) {
    if (included(info.name) === undefined) return keep('Not among the included tensors.')
  } else {
    const habit = keptByHabit(info, view)
    if (habit) return keep(habit)
  }
  const fitted = fitParams(params, view.rows, view.cols)
  const dtype = factorDType(info.dtype, params.factorDType)
  const bytes = factorBytes(view, fitted.rank, dtype, params.factorLayout)
  if (bytes >= info.byteLength) {
    const grows = largestUsefulRank(info, view, dtype, params.factorLayout) > 0
    return { ...keep(wouldGrow(info, view, fitted, dtype)), grows }
  }
  return {
    action: 'factorize',
    info,
    view,
    params: fitted,
    factorDType: dtype,
    reason: `${shapeOf(view)} to rank ${fitted.rank}: ${megabytes(info.byteLength)} to ${megabytes(bytes)}.`,
  }
}

function hasComputableDType(info: TensorInfo): info is TensorInfo & { readonly dtype: ComputableDType } {
  return isComputable(info.dtype)
}

function notAMatrix(shape: readonly number[]): string {
  if (shape.includes(0)) return 'It has no entries.'
  if (shape.length === 0) return 'It is a single number.'
  if (shape.length === 1) return 'It is one-dimensional: there is no rank to lower.'
  return `It has ${shape.length} dimensions; up to 5 can be seen as a matrix.`
}

/** Why this tensor is better left alone unless somebody asks for it by name. */
function keptByHabit(info: TensorInfo, view: MatrixView): string | null {
  const role = protectedRole(info.name, view)
  if (role) return `${role} Name it with --include to factorize it.`
  const smallest = Math.min(view.rows, view.cols)
  if (smallest < SMALLEST_DIMENSION) {
    return `Its smaller dimension (${shapeOf(view)}) is below ${SMALLEST_DIMENSION}: little to save.`
  }
  return null
}

const EMBEDDING = /(^|_)(wte|wpe|emb|embd|embed|embeds|embedding|embeddings)(_|$)/
const OUTPUT_HEAD = /^(lm_head|embed_out|unembed|output_projection)$/
const ROUTER = /(^|_)router(_|$)|^(gate|gate_inp|ffn_gate_inp|shared_expert_gate|wg)$/

function protectedRole(name: string, view: MatrixView): string | null {
  if (view.kind !== 'linear') return null
  const path = name.split('.')
  // The module that owns the tensor: `embed_tokens` of `model.embed_tokens.weight`.
  const owner = path.length > 1 && /^(weight|kernel|data)$/.test(path.at(-1)!) ? path.at(-2)! : path.at(-1)!
  const topLevel = path.length <= 2 && /^(output|head)$/.test(owner)
  if (OUTPUT_HEAD.test(owner) || topLevel) return 'The output head decides every token; it is kept by default.'
  if (EMBEDDING.test(owner) || /^shared$/.test(owner))
    return 'An embedding: its rare rows would suffer first; kept by default.'
  if (ROUTER.test(owner)) return 'A router decides which expert runs; it is kept by default.'
  return null
}

function wouldGrow(info: TensorInfo, view: MatrixView, params: Params, dtype: FactorDType): string {
  const grown = factorBytes(view, params.rank, dtype, params.factorLayout)
  const useful = largestUsefulRank(info, view, dtype, params.factorLayout)
  const verb = grown === info.byteLength ? 'not shrink' : 'grow'
  const advice = useful > 0 ? `Largest useful rank: ${useful}.` : 'No rank makes it smaller.'
  return `At rank ${params.rank} this tensor (${shapeOf(view)}) would ${verb} from ${megabytes(info.byteLength)} to ${megabytes(grown)} (${dtype}). ${advice}`
}

export function shapeOf({ count, rows, cols }: MatrixView): string {
  return count === 1 ? `${rows} x ${cols}` : `${count} x ${rows} x ${cols}`
}

/** Decimal, two significant digits at least: "34 MB", "1.6 MB", "0.33 MB". */
function megabytes(bytes: number): string {
  const value = bytes / 1e6
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2)} MB`
}
