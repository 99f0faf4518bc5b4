/** Matrices, or what else there is, of two models that belong together: where the values of both lie. */
import type { Message } from '../messages/message.ts'
import { isComputable, type TensorInfo } from '../tensor.ts'
import type { Row } from './family.ts'

/** So many rows of a tensor, from `start` on. */
export interface Run {
  readonly tensor: TensorInfo
  readonly start: number
  readonly rows: number
}

/** One matrix of the difference, with where its rows lie in both models. */
export interface Pair {
  /** Of the tuned tensor; what it is called there is what rules choose by. */
  readonly name: string
  /** In the adapter; null where it has no place there. */
  readonly module: string | null
  readonly transposed?: Row['transposed']
  readonly shape: readonly number[]
  /** So many experts one below the other (expert-stacks.ts). */
  readonly stacked?: number
  readonly base: readonly Run[]
  readonly tuned: readonly Run[]
  /** Why it is no matrix to factorize. */
  readonly unfit: Message | null
}

/** Whether differences of these can be computed. */
export function isDifferent({ base, tuned }: Pair): boolean {
  return [...base, ...tuned].every(({ tensor }) => isComputable(tensor.dtype) && tensor.unfit === undefined)
}
