/** Size against error of the whole model: what every size goal comes to, before it is asked for. */
import { useMemo } from 'react'
import { bytesForError, errorAtSize, type TradeOffPoint } from '../../../core/plan/trade-off.ts'
import { useFile } from '../../choices/file.ts'
import { useWork } from '../looking/work.ts'
import { isAnalyzed, usePlan } from '../planning/plan.ts'
import { areSizesComing, sizesOf, useSizes } from '../planning/sizes.ts'

export interface TradeOff {
  /** Of the file as it is. */
  readonly bytesBefore: number
  /** Bytes of the smallest output. */
  readonly least: number
  /** Bytes where the error takes a step, before it and after it. */
  readonly steps: readonly number[]
  /** Model error at a size; null below the smallest. */
  errorAt(bytes: number): number | null
  /** Fewest bytes with an error of at most this. */
  bytesFor(error: number): number
}

/** A fall of the error by this much, over less than that of the file, is a step. */
const step = { error: 0.002, share: 0.001 }

/**
 * `waiting`: the engine is at it. `none`: there is none, or it was cut off. null until the whole model has been analyzed: the curve of a part would
 * mislead.
 */
export function useTradeOff(): TradeOff | 'waiting' | 'none' | null {
  const bytesBefore = useFile(({ report }) => report?.totalBytes ?? 0)
  const asked = usePlan(({ question }) => question)
  const analyzed = usePlan((state) => state.question !== null && isAnalyzed(state, state.question.params))
  const key = useMemo(() => asked && sizesOf(asked), [asked])
  const of = useSizes((sizes) => sizes.of)
  const points = useSizes((sizes) => sizes.points)
  const failure = useSizes((sizes) => sizes.failure)
  // A curve that is there is not drawn again for what is asked meanwhile.
  const soon = useSizes((sizes) => sizes.of !== key && sizes.soon)
  const coming = useWork((work) => of !== key && areSizesComing({ soon }, work))
  return useMemo(() => {
    if (!analyzed || key === null) return null
    if (of !== key) return coming ? 'waiting' : 'none'
    return failure || points.length === 0 ? 'none' : tradeOffOf(points, bytesBefore)
  }, [analyzed, key, of, points, failure, coming, bytesBefore])
}

function tradeOffOf(points: readonly TradeOffPoint[], bytesBefore: number): TradeOff {
  return {
    bytesBefore,
    least: points[0]![0],
    steps: points.slice(1).flatMap(([bytes, error], i) => {
      const [before, high] = points[i]!
      return high - error > step.error && bytes - before < step.share * bytesBefore ? [before, bytes] : []
    }),
    errorAt: (bytes) => errorAtSize(points, bytes),
    bytesFor: (error) => bytesForError(points, error),
  }
}
