/** What a run under the choices as they stand would factorize, and how: everything but the rank, so that a drag only multiplies. */
import { useMemo } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import { type Params, paramsThatAffect } from '../../../core/params.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { type Storable, verdictsOn } from '../../../core/plan/verdict.ts'
import type { Ruling } from '../../../core/rules.ts'
import { allStyles, defaultStyle, type OutputId } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import type { Choice } from '../../choices/rules.ts'
import { useSelection } from '../../choices/selection.ts'

/** By name; tensors that are kept whatever the rank are not in it. */
export type Verdicts = ReadonlyMap<string, Storable>

/** As a run decides it, on what the report of the file says of its tensors. Cost: one pass over names and shapes. */
export function verdictsOf(
  tensors: readonly TensorReport[],
  { included, excluded }: Choice,
  params: Params,
  output: OutputId = defaultStyle,
): Verdicts {
  const matrices = tensors.filter(({ matrix }) => matrix !== null).map(tensorOf)
  const judge = (name: string): Ruling => {
    if (excluded.has(name)) return { says: 'out', pattern: null }
    return { says: included.has(name) ? 'in' : 'nothing' }
  }
  const found = new Map<string, Storable>()
  for (const [name, verdict] of verdictsOn(matrices, params, judge, allStyles[output]))
    if (verdict.action === 'factorize' && verdict.refusal === null && canShrink(verdict)) found.set(name, verdict)
  return found
}

const canShrink = ({ info, view, stored, isDifference }: Storable) =>
  isDifference === true || largestUsefulRank(info, view, stored) > 0

const noTensors: readonly TensorReport[] = []
const storageKeys = paramsThatAffect('storage')

/** Rebuilt for another file, rule or way to store factors, not for another rank. */
export function useVerdicts(): Verdicts {
  const tensors = useFile((state) => state.report?.tensors ?? noTensors)
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const output = useParams((state) => state.output)
  const key = useParams(({ params }) => JSON.stringify(storageKeys.map((name) => params[name])))
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the parameters only those in `key` are read
  return useMemo(
    () => verdictsOf(tensors, { included, excluded }, useParams.getState().params, output),
    [tensors, included, excluded, output, key],
  )
}
