/**
 * Undo and redo over what is chosen: goal, parameters, output, ticks, rules, pins. One store of past states; a change counts once it has
 * settled, so that a drag, a number that is typed and a recipe that sets ten things are one step each.
 */
import { create } from 'zustand'
import { type ParamsState, useParams } from '../../choices/params.ts'
import { type SelectionState, useSelection } from '../../choices/selection.ts'
import { pendingCall } from '../../frame/pending-call.ts'
import { requestAnalysis } from '../looking/analysis.ts'

/** All that decides what a run would write. */
interface Choices {
  readonly chosen: Pick<ParamsState, 'params' | 'lastGoals' | 'output'>
  readonly rules: Pick<SelectionState, 'included' | 'excluded' | 'written' | 'pins'>
}

interface PastState {
  /** As they stand; null before there is a file. */
  readonly now: Choices | null
  /** Newest last. */
  readonly before: readonly Choices[]
  readonly after: readonly Choices[]
}

export const usePast = create<PastState>(() => ({ now: null, before: [], after: [] }))

/** Steps that are kept: a tick of 10,000 tensors is a set of names. */
const mostSteps = 100
/** Longer than the 33 ms of a held key and the 100 ms between two steps of a drag. */
const settleMs = 400

const settling = pendingCall()

function choicesNow(): Choices {
  const { params, lastGoals, output } = useParams.getState()
  const { included, excluded, written, pins } = useSelection.getState()
  return { chosen: { params, lastGoals, output }, rules: { included, excluded, written, pins } }
}

function setChoices({ chosen, rules }: Choices): void {
  useParams.setState(chosen)
  useSelection.setState({ ...rules, whatIf: null })
  requestAnalysis()
}

/** From now on changes are kept. Called once. */
export function followPast(): void {
  for (const store of [useParams, useSelection]) {
    store.subscribe(() => {
      const { now } = usePast.getState()
      if (now && !same(now, choicesNow())) settling.in(settleMs, keep)
    })
  }
}

/** Another file: what was chosen for the one before is none of its past. */
export function startPast(): void {
  settling.cancel()
  usePast.setState({ now: choicesNow(), before: [], after: [] })
}

function keep(): void {
  settling.cancel()
  usePast.setState(({ now, before }) => {
    const next = choicesNow()
    if (!now || same(now, next)) return {}
    return { now: next, before: [...before, now].slice(-mostSteps), after: [] }
  })
}

export function undo(): void {
  keep()
  const { now, before, after } = usePast.getState()
  const last = before.at(-1)
  if (!now || !last) return
  usePast.setState({ now: last, before: before.slice(0, -1), after: [now, ...after] })
  setChoices(last)
}

export function redo(): void {
  keep()
  const { now, before, after } = usePast.getState()
  const next = after[0]
  if (!now || !next) return
  usePast.setState({ now: next, before: [...before, now], after: after.slice(1) })
  setChoices(next)
}

/** States are replaced, never changed: what is the same is the same object. */
function same(a: Choices, b: Choices): boolean {
  return (
    a.chosen.params === b.chosen.params &&
    a.chosen.output === b.chosen.output &&
    a.rules.included === b.rules.included &&
    a.rules.excluded === b.rules.excluded &&
    a.rules.written === b.rules.written &&
    a.rules.pins === b.rules.pins
  )
}
