/** What a run under the choices as they stand would factorize, and how: everything but the rank, so that a drag only multiplies. */
import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
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

/** The last answer: card, list, map and settings ask the same at once, and ten thousand tensors are judged once for all of them. */
let last: { readonly asked: readonly unknown[]; readonly verdicts: Verdicts } = { asked: [], verdicts: new Map() }

function sharedVerdicts(tensors: readonly TensorReport[], choice: Choice, output: OutputId, key: string): Verdicts {
  const asked = [tensors, choice.included, choice.excluded, output, key]
  if (last.asked.length === 0 || asked.some((part, i) => part !== last.asked[i]))
    last = { asked, verdicts: verdictsOf(tensors, choice, useParams.getState().params, output) }
  return last.verdicts
}

/** What a file will be judged by that is about to be shown, unless it was open before: then its choices come back and it is judged again. */
export function judgeAhead(tensors: readonly TensorReport[]): void {
  const { params, output } = useParams.getState()
  sharedVerdicts(tensors, useSelection.getInitialState(), output, storageKey(params))
}

/** Rebuilt for another file, rule or way to store factors, not for another rank. */
export function useVerdicts(): Verdicts {
  const tensors = useFile((state) => state.report?.tensors ?? noTensors)
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const output = useParams((state) => state.output)
  const key = useStorageKey()
  return useMemo(
    () => sharedVerdicts(tensors, { included, excluded }, output, key),
    [tensors, included, excluded, output, key],
  )
}

/** Likewise. */
export function useWholeBytes(): WholeBytes {
  const tensors = useFile((state) => state.report?.tensors ?? noTensors)
  const choice = useSelection(
    useShallow(({ included, excluded, written, pins }) => ({ included, excluded, written, pins })),
  )
  const output = useParams((state) => state.output)
  const key = useStorageKey()
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the parameters only those in `key` are read
  return useMemo(
    () => wholeBytesOf(tensors, () => rulesOf(tensors, choice), useParams.getState().params, output),
    [tensors, choice, output, key],
  )
}

function useStorageKey(): string {
  return useParams(({ params }) => storageKey(params))
}

const storageKey = (params: Params) => JSON.stringify(storageKeys.map((name) => params[name]))
