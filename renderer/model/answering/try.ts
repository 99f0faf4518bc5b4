/** Compressed forms of the open model that are run beside it, and what came of that. */
import { create } from 'zustand'
import { type Grant, type Recipe, recipeOf, type TriedModel, type TryReport } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { styles } from '../../../core/styles.ts'
import { dropWork } from '../looking/work.ts'
import type { RunView } from '../running/runs.ts'

/** A file to be tried: what a run has written, or one that was picked. */
export interface Candidate {
  /** Of the run, or of the grant. */
  readonly id: string
  readonly name: string
  /** What the run was asked for; null for a file of which nothing is known. */
  readonly recipe: Recipe | null
  /** null for an output of a run, which its host grants. */
  readonly grant: Grant | null
}

export interface Tried {
  readonly report: TryReport
  /** In the order of the report. */
  readonly candidates: readonly Candidate[]
}

interface TryState {
  /** Files beside those of runs. */
  readonly files: readonly Grant[]
  /** Ids of candidates; null: the newest run's. */
  readonly chosen: ReadonlySet<string> | null
  /** Their files are being opened. */
  readonly opening: boolean
  readonly result: Tried | null
  readonly fault: ErrorReport | null
}

const none: TryState = { files: [], chosen: null, opening: false, result: null, fault: null }

export const useTry = create<TryState>(() => none)

export const tryReducers = {
  choose(ids: Iterable<string>) {
    useTry.setState({ chosen: new Set(ids) })
  },
  add(grant: Grant, chosen: readonly Candidate[]) {
    const ids = [...chosen.map(({ id }) => id), grant.id]
    useTry.setState(({ files }) => ({ files: [...files, grant], chosen: new Set(ids) }))
  },
  opening() {
    useTry.setState({ opening: true, fault: null })
  },
  asked() {
    useTry.setState({ opening: false })
  },
  finished(result: Tried) {
    useTry.setState({ result, opening: false, fault: null })
  },
  failed(fault: ErrorReport | null) {
    useTry.setState({ fault, opening: false })
  },
}

/** Another model. */
export function forgetTry(): void {
  dropWork('try')
  useTry.setState(none)
}

/** Whether what a run has written is a model that runs by itself. */
export function isTryable({ state, choices }: Pick<RunView, 'state' | 'choices'>): boolean {
  return state === 'finished' && choices.kind === 'compress' && styles[choices.output].isGraph
}

/** All that can be tried beside the model of this name, newest first. */
export function candidatesOf(runs: readonly RunView[], name: string, files: readonly Grant[]): readonly Candidate[] {
  const written = runs
    .filter((run) => run.sourceName === name && isTryable(run))
    .map((run) => ({ id: run.runId, name: run.target, recipe: recipeOf(run), grant: null }))
  return [...files.map((grant) => ({ id: grant.id, name: grant.name, recipe: null, grant })), ...written]
}

export function chosenOf(candidates: readonly Candidate[], chosen: TryState['chosen']): readonly Candidate[] {
  return chosen === null ? candidates.slice(0, 1) : candidates.filter(({ id }) => chosen.has(id))
}

/** A share of rows with the same largest class from which answers count as kept. A convention, as any limit here would be. */
const keptShare = 0.98
/** An output without classes: its relative error up to which it counts as kept. */
const keptError = 0.01

/** What a model's outputs come to: the largest error, which there is none of beside NaN or Inf, and the least agreement of outputs that have classes. */
export function answersOf({ outputs }: Pick<TriedModel, 'outputs'>) {
  const notFinite = outputs.reduce((sum, each) => sum + each.notFinite, 0)
  const errors = outputs.flatMap(({ relativeError }) => relativeError ?? [])
  const cosines = outputs.flatMap(({ cosine }) => cosine ?? [])
  const agreements = outputs.flatMap(({ classes }) => (classes ? [classes] : []))
  const least = agreements.toSorted((a, b) => a.sameFirst / a.rows - b.sameFirst / b.rows)[0] ?? null
  const error = notFinite === 0 && errors.length > 0 ? Math.max(...errors) : null
  const agreement = least && least.sameFirst / least.rows
  return {
    notFinite,
    error,
    cosine: notFinite === 0 && cosines.length > 0 ? Math.min(...cosines) : null,
    agreement,
    rows: least?.rows ?? 0,
    kept: notFinite === 0 && (agreement === null ? error !== null && error <= keptError : agreement >= keptShare),
  }
}
