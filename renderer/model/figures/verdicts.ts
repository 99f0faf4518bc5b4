/** What a run under the choices as they stand would factorize, and how: everything but the rank, so that a drag only multiplies. */
import { useMemo } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import { type Params, paramsThatAffect } from '../../../core/params.ts'
import { denseInt8Axis, denseInt8Bytes } from '../../../core/plan/dense-int8.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { type Storable, verdictsOn } from '../../../core/plan/verdict.ts'
import { judgeBy, type Rules, type Ruling } from '../../../core/rules.ts'
import { allStyles, defaultStyle, type OutputId } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { type Choice, rulesOf } from '../../choices/rules.ts'
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

const canShrink = ({ info, view, stored, isDifference, keptBytes }: Storable) =>
  isDifference === true || largestUsefulRank(info, view, stored, keptBytes) > 0

/** Bytes of those tensors that are written in INT8 where they stay whole, by name. */
export type WholeBytes = ReadonlyMap<string, number>

const noneWhole: WholeBytes = new Map()

/** As a run decides it: what a rule leaves out by name stays as it is. Cost: as of the verdicts, where INT8 is asked for and the output has a place for it. */
export function wholeBytesOf(
  tensors: readonly TensorReport[],
  rules: () => Rules,
  params: Params,
  output: OutputId = defaultStyle,
): WholeBytes {
  const style = allStyles[output]
  if (params.denseDType !== 'INT8' || !style.holds.denseInt8) return noneWhole
  const infos = tensors.map(tensorOf)
  const verdicts = verdictsOn(infos, params, judgeBy(rules()), style)
  const found = new Map<string, number>()
  for (const info of infos) {
    const verdict = verdicts.get(info.name)
    const axis = verdict?.action === 'keep' && verdict.asIs ? undefined : denseInt8Axis(info, params, style)
    if (axis !== undefined) found.set(info.name, denseInt8Bytes(info, axis))
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
  const key = useStorageKey()
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the parameters only those in `key` are read
  return useMemo(
    () => verdictsOf(tensors, { included, excluded }, useParams.getState().params, output),
    [tensors, included, excluded, output, key],
  )
}

/** Likewise. */
export function useWholeBytes(): WholeBytes {
  const tensors = useFile((state) => state.report?.tensors ?? noTensors)
  const selection = useSelection()
  const output = useParams((state) => state.output)
  const key = useStorageKey()
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the parameters only those in `key` are read
  return useMemo(
    () => wholeBytesOf(tensors, () => rulesOf(tensors, selection), useParams.getState().params, output),
    [tensors, selection, output, key],
  )
}

function useStorageKey(): string {
  return useParams(({ params }) => JSON.stringify(storageKeys.map((name) => params[name])))
}
