/** The tensors of an opened file as a report: what each one is, and what a compression would do with it and why. */

import type { TensorReport } from '../contract.ts'
import { plain } from '../messages/plain.ts'
import { defaultParams, type Params } from '../params.ts'
import { noRules } from '../rules.ts'
import { encodedBytes, isComputable, type MatrixView, type TensorSet } from '../tensor.ts'
import { isEmbedding, planFile } from './plan.ts'

export function describeFile(file: TensorSet, params: Params = defaultParams): TensorReport[] {
  return planFile(file, params, noRules).map((plan) => {
    // A table of integers has rows and columns and is nothing to factorize: nobody can choose it.
    const view = isComputable(plan.info.dtype) ? plan.view : null
    return {
      name: plan.info.name,
      dtype: plan.info.storedAs ?? plan.info.dtype,
      shape: [...plan.info.shape],
      byteLength: encodedBytes(plan.info),
      ...(plan.info.storedBytes !== undefined && { decodedBytes: plan.info.byteLength }),
      ...(plan.info.sharesStorageWith !== undefined && { sharesStorageWith: plan.info.sharesStorageWith }),
      matrix: view && matrixOf(view),
      kind: view && (isEmbedding(plan.info.name, view) ? 'embedding' : view.kind),
      plan: plan.action === 'keep' && plan.grows ? 'grows' : plan.action,
      reason: plain([plan.info.remark, plan.reason].filter(Boolean).join(' ')),
    }
  })
}

function matrixOf({ kind, count, rows, cols }: MatrixView): number[] {
  return kind === 'experts' ? [count, rows, cols] : [rows, cols]
}
