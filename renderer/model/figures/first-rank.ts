/** The rank a file is first looked at with: the default, or one at which a model of small matrices has something to compress at all. */
import type { TensorReport } from '../../../core/contract.ts'
import type { Params } from '../../../core/params.ts'
import { storable } from '../../../core/plan/describe.ts'
import { largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { shrinksAt } from '../../../core/plan/verdict.ts'

/** The rank as it is where it makes some matrix smaller; otherwise half of the largest one that would. */
export function firstRank(tensors: readonly TensorReport[], params: Params): number {
  let largest = 0
  // Of ten thousand matrices there are a few kinds.
  const kinds = new Set<string>()
  for (const tensor of tensors) {
    const { plan, dtype, decodedDType, byteLength, matrix: shape } = tensor
    if (plan === 'keep') continue
    const kind = `${dtype} ${decodedDType} ${byteLength} ${shape}`
    if (kinds.has(kind)) continue
    kinds.add(kind)
    const matrix = storable(tensor, params)
    if (!matrix) continue
    if (shrinksAt(matrix, params.rank)) return params.rank
    largest = Math.max(largest, largestUsefulRank(matrix.info, matrix.view, matrix.stored))
  }
  return largest === 0 ? params.rank : Math.max(1, Math.floor(largest / 2))
}
