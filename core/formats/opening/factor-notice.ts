/** A file of factors: a LoRA or another adapter, or the output of a compression. Said once, for each of its tensors is kept for it. */
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { roleOf } from '../../roles.ts'
import type { WeightFile } from '../format.ts'

/** The same file, with a notice where it is an output of ours, or most of its matrices are factors by their names. */
export function withFactorNotice(file: WeightFile): WeightFile {
  const notice = ownOutput(file) ?? adapter(file)
  return notice ? { ...file, notices: [...file.notices, notice] } : file
}

function adapter(file: WeightFile): Message | null {
  const matrices = file.tensors.filter(({ shape }) => shape.length >= 2)
  const factors = matrices.filter(({ name }) => roleOf(name) === 'factor')
  return factors.length === 0 || 2 * factors.length < matrices.length ? null : say('formats.adapter')
}

/** "Compressed by GhostSVD: 60 matrices, ranks 4 to 162, model error 43.0 %." From names and shapes, and the metadata where there are any. */
function ownOutput({ tensors, metadata }: WeightFile): Message | null {
  const ranks = tensors.flatMap(({ name, shape }) =>
    // [r, in], or [e, r, in] of a stack of experts.
    name.endsWith('.lowrank_A') && shape.length >= 2 ? [shape.at(-2)!] : [],
  )
  if (ranks.length === 0) return null
  return say('formats.own-output', {
    count: ranks.length,
    least: ranks.reduce((a, b) => Math.min(a, b)),
    most: ranks.reduce((a, b) => Math.max(a, b)),
    error: errorIn(metadata),
  })
}

/** As core/write/metadata.ts writes it: `1.234567e-01`. */
function errorIn(metadata: ReadonlyMap<string, string>): number | null {
  const error = Number(metadata.get('ghostsvd.error') ?? Number.NaN)
  return error >= 0 && error <= 1 ? error : null
}
