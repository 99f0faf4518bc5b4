/** What a run under the choices as they stand would factorize, and how: everything but the rank, so that a drag only multiplies. */
import { useMemo } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { type Params, paramsThatAffect } from '../../core/params.ts'
import { storable } from '../../core/plan/describe.ts'
import type { Storable } from '../../core/plan/verdict.ts'
import type { OutputId } from '../../core/styles.ts'
import { useFile } from '../choices/file.ts'
import { useParams } from '../choices/params.ts'
import { type Choice, isCompressed } from '../choices/rules.ts'
import { useSelection } from '../choices/selection.ts'

/** By name; tensors that are kept whatever the rank are not in it. */
export type Verdicts = ReadonlyMap<string, Storable>

/** Cost: one pass over the tensors. */
export function verdictsOf(
  tensors: readonly TensorReport[],
  choice: Choice,
  params: Params,
  output?: OutputId,
): Verdicts {
  const found = new Map<string, Storable>()
  for (const tensor of tensors) {
    const verdict = isCompressed(tensor, choice) ? storable(tensor, params, output) : null
    if (verdict) found.set(tensor.name, verdict)
  }
  return found
}

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
