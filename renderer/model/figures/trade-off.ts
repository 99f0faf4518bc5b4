/** Size against error of the whole model, from the curves of its analysis: what every goal would come to, before it is asked for. */
import { useMemo } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import type { Params } from '../../../core/params.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { type FrontierPoint, frontier, squaredErrorAt } from '../../../core/plan/frontier.ts'
import type { AllocationCandidate } from '../../../core/plan/rank-allocation.ts'
import { factorBytesIn, keptBytesIn } from '../../../core/plan/written-bytes.ts'
import { allStyles, type Style } from '../../../core/styles.ts'
import { elementCount } from '../../../core/tensor.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import type { Pins } from '../../choices/rules.ts'
import { useSelection } from '../../choices/selection.ts'
import { isAnalyzed, type PlanState, usePlan } from '../planning/plan.ts'
import { curveOf } from './outlook.ts'
import { useVerdicts, useWholeBytes, type Verdicts, type WholeBytes } from './verdicts.ts'

export interface TradeOff {
  /** Of the file as it is. */
  readonly bytesBefore: number
  /** Bytes of the smallest output. */
  readonly least: number
  /** Model error at a size; null below the smallest. */
  errorAt(bytes: number): number | null
  /** Fewest bytes with an error of at most this. */
  bytesFor(error: number): number
}

/** Halvings until a byte of a terabyte is found. */
const halvings = 40

interface Sizes {
  readonly totalBytes: number
  /** Of an output, what is no value. */
  readonly aroundValues: number
}

/** null while the curve of a matrix is not known. Cost: a pass over all curves. */
function tradeOffOf(
  tensors: readonly TensorReport[],
  verdicts: Verdicts,
  params: Params,
  pins: Pins,
  plan: Pick<PlanState, 'curves' | 'curvesKey'>,
  { totalBytes, aroundValues }: Sizes,
  style: Style,
  whole: WholeBytes,
): TradeOff | null {
  let fixed = aroundValues
  let entries = 0
  const candidates: AllocationCandidate[] = []
  // An output has each of the tensors that share a storage.
  const copies = new Map<string, number>()
  for (const { name, sharesStorageWith = name } of tensors)
    copies.set(sharesStorageWith, (copies.get(sharesStorageWith) ?? 0) + 1)
  for (const tensor of tensors) {
    if (tensor.sharesStorageWith !== undefined) continue
    const times = copies.get(tensor.name) ?? 1
    const keptBytes = times * (whole.get(tensor.name) ?? keptBytesIn(style, tensorOf(tensor)))
    if (tensor.matrix) entries += elementCount(tensor.shape)
    const verdict = verdicts.get(tensor.name)
    const largest = verdict ? largestUsefulRank(verdict.info, verdict.view, verdict.stored, verdict.keptBytes) : 0
    if (!verdict || largest < 1) {
      fixed += keptBytes
      continue
    }
    const curve = curveOf(tensor.name, params, plan, undefined)
    if (!curve) return null
    const pin = pins.get(tensor.name)
    const maxRank = Math.min(pin ?? params.maxRank, largest, curve.length - 1)
    candidates.push({
      name: tensor.name,
      weight: elementCount(tensor.shape),
      squaredErrors: curve.map((error) => error ** 2),
      minRank: pin === undefined ? Math.min(params.minRank, maxRank) : maxRank,
      maxRank,
      keptBytes,
      bytesAt: (rank) => times * factorBytesIn(style, verdict, rank),
    })
  }
  const points = frontier(candidates)
  return { bytesBefore: totalBytes, least: fixed + points[0]!.bytes, ...readOff(points, fixed, entries) }
}

function readOff(points: readonly FrontierPoint[], fixed: number, entries: number) {
  const errorAt = (bytes: number) => {
    const squared = squaredErrorAt(points, bytes - fixed)
    return squared === null ? null : Math.sqrt(squared / Math.max(1, entries))
  }
  const bytesFor = (error: number) => {
    let low = points[0]!.bytes + fixed
    let high = points.at(-1)!.bytes + fixed
    for (let i = 0; i < halvings; i++) {
      const middle = (low + high) / 2
      if ((errorAt(middle) ?? 1) > error) low = middle
      else high = middle
    }
    return high
  }
  return { errorAt, bytesFor }
}

/** null until the whole model has been analyzed: the curve of a part would mislead. */
export function useTradeOff(): TradeOff | null {
  const tensors = useFile((state) => state.report?.tensors)
  const totalBytes = useFile((state) => state.report?.totalBytes ?? 0)
  const params = useParams((state) => state.params)
  const pins = useSelection((state) => state.pins)
  const style = useParams(({ output }) => allStyles[output])
  const verdicts = useVerdicts()
  const whole = useWholeBytes()
  const analyzed = usePlan((state) => isAnalyzed(state, params))
  const curves = usePlan((state) => state.curves)
  const curvesKey = usePlan((state) => state.curvesKey)
  const aroundValues = usePlan(({ answers }) => answers[0]?.aroundValues ?? 0)
  const { minRank, maxRank, ...others } = params
  const { rank: _, goalSize: __, goalError: ___, goalEnergy: ____, ...computing } = others
  const key = JSON.stringify([minRank, maxRank, computing])
  // What stands around the values differs by less than a screen shows from plan to plan: it does not draw the curve again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for what of the parameters is read: neither rank nor goal
  return useMemo(
    () =>
      tensors && analyzed
        ? tradeOffOf(tensors, verdicts, params, pins, { curves, curvesKey }, { totalBytes, aroundValues }, style, whole)
        : null,
    [tensors, verdicts, key, pins, analyzed, curves, curvesKey, totalBytes, style, whole],
  )
}
