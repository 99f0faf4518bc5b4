/**
 * Why nothing of a model would be compressed, and what would do instead: a sentence of its own, where the figures of a plan - 0 of 6 matrices, no error -
 * would read like a success.
 */
import { behavesLikeNoise } from '../curves/noise-line.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { allowedError, type Params } from '../params.ts'
import type { Style } from '../styles.ts'
import { elementCount, encodedBytes } from '../tensor.ts'
import { denseInt8Bytes } from './dense-int8.ts'
import { factorBytes, largestUsefulRank } from './factor-dtype.ts'
import { goalOf } from './goal.ts'
import type { Storable } from './verdict.ts'

/** A matrix that could be factorized, and was not. */
export interface Unshrunk extends Storable {
  /** Relative error at rank 0, 1, ..., as far as it is known. */
  readonly curve: readonly number[] | undefined
  /** The same with what rounding adds; absent where nobody has reckoned it. */
  readonly rounded?: readonly number[]
}

interface Asked {
  readonly params: Params
  readonly style: Pick<Style, 'holds' | 'isGraph'>
  readonly totalBytes: number
  /** Of all matrices of the model, kept ones too. */
  readonly entries: number
  /** Whether errors are those of outputs, by statistics of inputs. */
  readonly weighted: boolean
}

export interface Nothing {
  /** Why, and what instead: sentences in a row. */
  readonly parts: readonly Message[]
  /** Parameters under which something is written smaller; null where none are known to do it. */
  readonly remedy: Partial<Pick<Params, 'rank' | 'factorDType' | 'denseDType'>> | null
}

/** @param matrices all that names, shapes and rules leave to be factorized, each once */
export function nothingCompressed(matrices: readonly Unshrunk[], asked: Asked): Nothing {
  if (matrices.length === 0) return { parts: [say('nothing.none')], remedy: null }
  const largest = matrices.map(({ info, view, stored, keptBytes }) => largestUsefulRank(info, view, stored, keptBytes))
  const useful = largest.reduce((most, rank) => Math.max(most, rank), 0)
  const noisy = matrices.filter(({ view, curve }) => isNoise(view.rows, view.cols, curve)).length
  const byRank = goalOf(asked.params) === 'rank'
  // A rank below is one step away; what is noise is not helped by it.
  const smaller = byRank && useful > 0 && asked.params.rank > useful
  const int8 = int8Instead(matrices, asked)
  const parts = [
    why(matrices, largest, asked),
    ...(noisy > 0 && !asked.weighted ? [say('nothing.noise', { noisy, count: matrices.length })] : []),
    ...(smaller ? [say('nothing.smaller-rank', { rank: useful })] : []),
    int8?.said ?? say('nothing.quantize'),
    ...(noisy > 0 && !asked.weighted ? [say('nothing.statistics')] : []),
  ]
  const remedy = smaller ? { rank: useful } : (int8?.remedy ?? null)
  return { parts, remedy }
}

function isNoise(rows: number, cols: number, curve: readonly number[] | undefined): boolean {
  return curve !== undefined && behavesLikeNoise(rows, cols, (rank) => curve[rank]) === true
}

function why(matrices: readonly Unshrunk[], largest: readonly number[], { params, entries }: Asked): Message {
  const count = matrices.length
  const goal = goalOf(params)
  if (goal === 'size') return say('nothing.size', { count })
  if (goal === 'rank') return say('nothing.rank', { rank: params.rank })
  const ofModel = params.goalScope === 'model'
  const least = matrices.reduce((lowest, { info, curve, rounded }, i) => {
    const error = (rounded ?? curve)?.[Math.min(params.maxRank, largest[i]!)] ?? 0
    return Math.min(lowest, error * (ofModel ? Math.sqrt(elementCount(info.shape) / Math.max(1, entries)) : 1))
  }, Number.POSITIVE_INFINITY)
  const figures = { goal: allowedError(params)!, least }
  // A curve that is not known, a rank that is too large already, or rounding that nobody reckoned: the number would be made up.
  if (least <= figures.goal) return say('nothing.error-unknown', figures)
  // What larger ranks would reach is not known.
  if (largest.some((rank) => rank > params.maxRank))
    return say('nothing.rank-limit', { ...figures, rank: params.maxRank })
  return say(ofModel ? 'nothing.model-error' : 'nothing.error', figures)
}

/**
 * INT8 where this output has a place for it, and what it comes to: of all codes and scales, and of factors at full rank for a goal, as far as ranks may go
 * there, or at the rank asked for.
 */
function int8Instead(
  matrices: readonly Unshrunk[],
  { params, style, totalBytes }: Asked,
): { readonly said: Message; readonly remedy: Nothing['remedy'] } | null {
  const saved = (bytesIn: (matrix: Unshrunk) => number) =>
    matrices.reduce((sum, matrix) => sum + Math.max(0, encodedBytes(matrix.info) - bytesIn(matrix)), 0)
  const share = (bytes: number) => 1 - bytes / Math.max(1, totalBytes)
  if (style.holds.denseInt8 && params.denseDType !== 'INT8') {
    const bytes = saved(({ info }) => denseInt8Bytes(info, info.inGraph?.int8Axis ?? 0))
    if (bytes > 0) return { said: say('nothing.dense-int8', { share: share(bytes) }), remedy: { denseDType: 'INT8' } }
  }
  if (style.holds.int8 && matrices.some(({ stored }) => stored.dtype !== 'INT8')) {
    const bytes = saved(({ view, stored }) => {
      const full = Math.min(view.rows, view.cols)
      const byRank = goalOf(params) === 'rank'
      // At full rank all the error is rounding, and such factors go to half precision.
      const reached = byRank ? params.rank < full || params.int8Always : full <= params.maxRank
      if (!reached) return Number.POSITIVE_INFINITY
      return factorBytes(view, byRank ? Math.min(params.rank, full) : full, { ...stored, dtype: 'INT8' })
    })
    if (bytes > 0)
      return { said: say('nothing.int8-factors', { share: share(bytes) }), remedy: { factorDType: 'INT8' } }
  }
  return null
}
