/** The tensors of an opened file as a report: what each one is, and what a compression would do with it and why. */
import type { TensorReport } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import { defaultParams, type Params } from '../params.ts'
import { noRules, planFile } from './plan.ts'

export function describeFile(file: WeightFile, params: Params = defaultParams): TensorReport[] {
  return planFile(file, params, noRules).map(({ info, view, action, reason }) => ({
    name: info.name,
    dtype: info.storedAs ?? info.dtype,
    shape: [...info.shape],
    byteLength: info.byteLength,
    matrix: view && (view.kind === 'experts' ? [view.count, view.rows, view.cols] : [view.rows, view.cols]),
    kind: view?.kind ?? null,
    plan: action,
    reason,
  }))
}
