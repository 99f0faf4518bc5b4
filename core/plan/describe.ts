/** The tensors of an opened file as a report - what each one is, what a compression would do with it and why - and what a report says to decisions. */

import type { TensorReport } from '../contract.ts'
import { all, say, shareEqual } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import { defaultParams, type Params } from '../params.ts'
import { isOwnFactor, roleOf } from '../roles.ts'
import { noRules } from '../rules.ts'
import { allStyles, defaultStyle, type OutputId, type Style, styles } from '../styles.ts'
import {
  type DType,
  encodedBytes,
  hasComputableDType,
  isComputable,
  type MatrixView,
  matrixView,
  type TensorInfo,
  type TensorSet,
} from '../tensor.ts'
import { planFile } from './plan.ts'
import { type Storable, storedAs } from './verdict.ts'

export function describeFile(
  file: TensorSet,
  params: Params = defaultParams,
  style: Style = styles[defaultStyle],
): TensorReport[] {
  const shared = shareEqual()
  return planFile(file, params, noRules, style).map((plan) => {
    // A table of integers has rows and columns but cannot be factorized: it is not offered.
    // Neither is a factor that was written by us: it is half of a matrix.
    const view = isComputable(plan.info.dtype) && !isOwnFactor(plan.info.name) ? plan.view : null
    return {
      name: plan.info.name,
      dtype: plan.info.storedAs ?? plan.info.dtype,
      shape: [...plan.info.shape],
      byteLength: encodedBytes(plan.info),
      ...(plan.info.storedBytes !== undefined && { decodedBytes: plan.info.byteLength }),
      ...(plan.info.storedRank !== undefined && { storedRank: plan.info.storedRank }),
      ...(plan.info.storedAs !== undefined && { decodedDType: plan.info.dtype }),
      ...(plan.info.sharesStorageWith !== undefined && { sharesStorageWith: plan.info.sharesStorageWith }),
      ...(plan.info.inGraph !== undefined && { inGraph: plan.info.inGraph }),
      matrix: view && matrixOf(view),
      kind: view && (isEmbedding(plan.info.name, view) ? 'embedding' : view.kind),
      plan: plan.action === 'keep' && plan.grows ? 'grows' : plan.action,
      reason: shared(plan.info.remark ? all([plan.info.remark, plan.reason]) : plan.reason),
    }
  })
}

/** Its dtype as people read it, with the rank of the factors that the file has in its place. */
export function dtypeWords({ dtype, storedRank }: Pick<TensorReport, 'dtype' | 'storedRank'>): Message {
  const said = foreign(dtype)
  return storedRank === undefined
    ? say('formats.dtype', { dtype: said })
    : say('formats.dtype-of-rank', { dtype: said, rank: storedRank })
}

/** Of what the report says can be factorized, what decisions need: the matrices, and how this kind of output stores their factors. */
export function storable(report: TensorReport, params: Params, output: OutputId = defaultStyle): Storable | null {
  const view = viewOf(report)
  const info = tensorOf(report)
  const style = allStyles[output]
  if (!view || !hasComputableDType(info)) return null
  return { info, view, stored: storedAs(info.dtype, params, style), ...(style.isDifference && { isDifference: true }) }
}

/** Every choice asks again for the views of all tensors, and what a name says of its axes takes longest to find. */
const views = new WeakMap<TensorReport, MatrixView | null>()

/** The matrices of what can be factorized; null for anything else. */
export function viewOf(report: TensorReport): MatrixView | null {
  const known = views.get(report)
  if (known !== undefined) return known
  const view = report.matrix && matrixView(tensorOf(report))
  views.set(report, view)
  return view
}

/** The tensor as the plan knows it, but for its scale and remarks. */
export function tensorOf(report: TensorReport): TensorInfo {
  const { name, dtype, shape, matrix, byteLength, decodedBytes, decodedDType, sharesStorageWith, inGraph } = report
  const count = shape.length === 2 && matrix?.length === 3 ? matrix[0] : undefined
  return {
    name,
    shape,
    dtype: decodedDType ?? (dtype as DType),
    byteLength: decodedBytes ?? byteLength,
    ...(decodedDType !== undefined && { storedAs: dtype }),
    ...(decodedBytes !== undefined && { storedBytes: byteLength }),
    ...(sharesStorageWith !== undefined && { sharesStorageWith }),
    ...(count !== undefined && { stacked: count }),
    ...(inGraph !== undefined && { inGraph }),
  }
}

function matrixOf({ kind, count, rows, cols }: MatrixView): number[] {
  return kind === 'experts' ? [count, rows, cols] : [rows, cols]
}

/** Whether this matrix is a table of embeddings, by its name. */
function isEmbedding(name: string, view: MatrixView): boolean {
  return view.kind === 'linear' && roleOf(name) === 'embedding'
}
