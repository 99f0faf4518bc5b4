/** What a run under the choices as they stand would factorize, and how: everything but the rank, so that a drag only multiplies. */
import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { TensorReport } from '../../../core/contract.ts'
import { type Params, paramsThatAffect } from '../../../core/params.ts'
import { denseInt8Axis, denseInt8Bytes } from '../../../core/plan/dense-int8.ts'
import { tensorOf } from '../../../core/plan/describe.ts'
import { hasUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { inOrder, type Storable, verdictsOn } from '../../../core/plan/verdict.ts'
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
  choice: Choice,
  params: Params,
  output: OutputId = defaultStyle,
): Verdicts {
  const judging = judgeInPortions(tensors, choice, params, output)
  for (;;) {
    const { done, value } = judging.next()
    if (done) return value
  }
}

/** Tensors that are judged between two yields: some milliseconds, also the first time. */
const portion = 1000

function* judgeInPortions(
  tensors: readonly TensorReport[],
  { included, excluded }: Choice,
  params: Params,
  output: OutputId,
): Generator<undefined, Verdicts, undefined> {
  const judge = (name: string): Ruling => {
    if (excluded.has(name)) return { says: 'out', pattern: null }
    return { says: included.has(name) ? 'in' : 'nothing' }
  }
  const verdictFor = inOrder(params, judge, allStyles[output])
  const found = new Map<string, Storable>()
  for (const [at, tensor] of tensors.entries()) {
    if (at > 0 && at % portion === 0) yield
    if (tensor.matrix === null) continue
    const verdict = verdictFor(tensorOf(tensor))
    if (verdict.action === 'factorize' && verdict.refusal === null && canShrink(verdict))
      found.set(tensor.name, verdict)
  }
  return found
}

const canShrink = ({ info, view, stored, isDifference, keptBytes }: Storable) =>
  isDifference === true || hasUsefulRank(info, view, stored, keptBytes)

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
  const asked = askedOf(tensors, choice, output, key)
  if (!isLast(asked)) last = { asked, verdicts: verdictsOf(tensors, choice, useParams.getState().params, output) }
  return last.verdicts
}

function askedOf(tensors: readonly TensorReport[], { included, excluded }: Choice, output: OutputId, key: string) {
  return [tensors, included, excluded, output, key]
}

const isLast = (asked: readonly unknown[]) => last.asked.length > 0 && asked.every((part, i) => part === last.asked[i])

/**
 * What a file will be judged by that is about to be shown, unless it was open before: then its choices come back and it is judged again. Yields where
 * another task may come between.
 */
export function* judgeAhead(tensors: readonly TensorReport[]): Generator<undefined, void, undefined> {
  const { params, output } = useParams.getState()
  const nothingChosen = useSelection.getInitialState()
  const asked = askedOf(tensors, nothingChosen, output, storageKey(params))
  last = { asked, verdicts: yield* judgeInPortions(tensors, nothingChosen, params, output) }
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
