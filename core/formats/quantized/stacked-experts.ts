/**
 * Experts that lie one below the other in two axes, [experts x rows, columns], as DBRX has them: neither name nor shape says how many they
 * are, the model's configuration does. Where it is missing the tensor is one matrix, as it is stored.
 */
import { say } from '../../messages/english.ts'
import type { TensorInfo } from '../../tensor.ts'
import type { WeightFile } from '../format.ts'

const STACKED = /(^|\.)experts\.mlp\.(w1|v1|w2)(\.weight)?$/

export async function withStackedExperts(
  file: WeightFile,
  declaredExperts: () => Promise<number | null>,
): Promise<WeightFile> {
  const isStack = ({ name, shape }: TensorInfo) => shape.length === 2 && STACKED.test(name)
  const count = file.tensors.some(isStack) ? await declaredExperts() : null
  if (count === null) return file
  const tensors = file.tensors.map((tensor) => {
    if (!isStack(tensor) || tensor.shape[0]! % count !== 0) return tensor
    return { ...tensor, stacked: count, remark: say('formats.stacked-experts', { count }) }
  })
  return { ...file, tensors }
}
