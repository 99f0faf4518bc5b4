/** A file of factors: a LoRA or another adapter, or the output of a compression. Said once, for each of its tensors is kept for it. */
import { say } from '../messages/english.ts'
import { roleOf } from '../roles.ts'
import type { WeightFile } from './format.ts'

/** The same file, with a notice where most of its matrices are factors by their names. */
export function withAdapters(file: WeightFile): WeightFile {
  const matrices = file.tensors.filter(({ shape }) => shape.length >= 2)
  const factors = matrices.filter(({ name }) => roleOf(name) === 'factor')
  if (factors.length === 0 || 2 * factors.length < matrices.length) return file
  const ours = factors.some(({ name }) => /\.lowrank_[AB]$/.test(name))
  const notice = ours ? say('formats.factors') : say('formats.adapter')
  return { ...file, notices: [...file.notices, notice] }
}
