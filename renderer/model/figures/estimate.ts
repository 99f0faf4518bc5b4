/** What a run over the whole file would write, before it is run. */
import { useMemo } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import type { Params } from '../../../core/params.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { shrinksAt } from '../../../core/plan/verdict.ts'
import { factorBytesIn, keptBytesIn } from '../../../core/plan/written-bytes.ts'
import { allStyles, defaultStyle, type Style } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import type { Pins } from '../../choices/rules.ts'
import { useSelection } from '../../choices/selection.ts'
import { useVerdicts, useWholeBytes, type Verdicts, type WholeBytes } from './verdicts.ts'

export interface FileEstimate {
  readonly bytesAfter: number
  /** Of the factors alone. */
  readonly factorBytes: number
  readonly compressed: number
  /** Tensors that are kept although they are matrices chosen for compression, because their factors would be larger. */
  readonly wouldGrow: number
  readonly kept: number
  /** Of the others those that are written in INT8. */
  readonly rounded: number
  /** Characters of the names of factorized tensors and of all others: what stands around the values repeats them. */
  readonly factorNames: number
  readonly keptNames: number
}

const noPins: Pins = new Map()
const noneWhole: WholeBytes = new Map()

/**
 * Sizes of the values at one rank for all: factorized tensors at their factors' size, those that would grow and the kept ones as they
 * are written. Cost: one pass over the tensors.
 */
export function estimateFile(
  tensors: readonly TensorReport[],
  verdicts: Verdicts,
  { rank: forAll }: Params,
  pins: Pins = noPins,
  style: Style = allStyles[defaultStyle],
  whole: WholeBytes = noneWhole,
): FileEstimate {
  let bytesAfter = 0
  let factorBytes = 0
  let compressed = 0
  let wouldGrow = 0
  let rounded = 0
  let factorNames = 0
  let keptNames = 0
  for (const tensor of tensors) {
    const verdict = verdicts.get(tensor.name)
    const rank = pins.get(tensor.name) ?? forAll
    if (verdict && shrinksAt(verdict, rank)) {
      const factors = factorBytesIn(style, verdict, rank)
      compressed++
      factorNames += tensor.name.length
      bytesAfter += factors
      factorBytes += factors
    } else {
      if (verdict) wouldGrow++
      keptNames += tensor.name.length
      const inInt8 = whole.get(tensor.name)
      if (inInt8 !== undefined) rounded++
      bytesAfter += inInt8 ?? keptBytesIn(style, tensorOf(tensor))
    }
  }
  const kept = tensors.length - compressed - wouldGrow
  return { bytesAfter, factorBytes, compressed, wouldGrow, kept, rounded, factorNames, keptNames }
}

/** The estimate as everything stands. */
export function useEstimate(): FileEstimate {
  const tensors = useFile((state) => state.report?.tensors)
  const params = useParams((state) => state.params)
  const pins = useSelection((state) => state.pins)
  const style = useParams(({ output }) => allStyles[output])
  const verdicts = useVerdicts()
  const whole = useWholeBytes()
  return useMemo(
    () => estimateFile(tensors ?? [], verdicts, params, pins, style, whole),
    [tensors, verdicts, params, pins, style, whole],
  )
}
