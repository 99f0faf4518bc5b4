/** Two ways to factorize a tensor, side by side: what each side is, the run that compares them, and what was found of each tensor. */

import { create } from 'zustand'
import type { VersusReport } from '../../../core/contract.ts'
import { mean } from '../../../core/curves/mean.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { type ParamEntry, paramEntries } from '../../../core/param-entries.ts'
import { factorizationKeys, fitParams, type ParamKey, type Params, paramsThatAffect } from '../../../core/params.ts'
import type { MatrixView } from '../../../core/tensor.ts'
import { noGoal } from '../../choices/goal.ts'

export const sideNames = ['a', 'b'] as const
export type SideName = (typeof sideNames)[number]
export type Sides = { readonly [side in SideName]: Params }

export interface VersusResult {
  /** As they were when it was computed. */
  readonly sides: Sides
  /** A compression was at work as well: the times are those of a shared machine. */
  readonly disturbed: boolean
  readonly report: VersusReport
}

export interface VersusState {
  /** null while both sides follow the parameters of the workbench. */
  readonly chosen: Sides | null
  readonly results: Readonly<Record<string, VersusResult>>
  /** Why the last run of a tensor ended without a report. */
  readonly failures: Readonly<Record<string, ErrorReport>>
}

const idle: VersusState = { chosen: null, results: {}, failures: {} }

export const useVersus = create<VersusState>(() => idle)

export const versusReducers = {
  /** Another file: nothing found still holds. What the sides are stays as it was chosen. */
  reset() {
    useVersus.setState(({ chosen }) => ({ ...idle, chosen }))
  },
  /** Both sides follow the workbench again. */
  follow() {
    useVersus.setState({ chosen: null })
  },
  change(sides: Sides, side: SideName, changes: Partial<Params>) {
    useVersus.setState({ chosen: { ...sides, [side]: { ...sides[side], ...changes } } })
  },
  copy(sides: Sides, from: SideName) {
    useVersus.setState({ chosen: { a: sides[from], b: sides[from] } })
  },
  /** Both sides change places, and with them what is known of them: it need not be computed again. */
  swap(sides: Sides) {
    useVersus.setState(({ results }) => ({
      chosen: swap(sides),
      results: Object.fromEntries(
        Object.entries(results).map(([tensor, result]) => [
          tensor,
          {
            ...result,
            sides: swap(result.sides),
            report: { ...result.report, a: result.report.b, b: result.report.a },
          },
        ]),
      ),
    }))
  },
  /** It is compared again: why the last run failed is no longer of interest. */
  asked(tensor: string) {
    useVersus.setState(({ failures: { [tensor]: _, ...failures } }) => ({ failures }))
  },
  failed(tensor: string, error: ErrorReport) {
    useVersus.setState(({ failures }) => ({ failures: { ...failures, [tensor]: error } }))
  },
  finished(result: VersusResult) {
    useVersus.setState(({ results }) => ({ results: { ...results, [result.report.tensor]: result } }))
  },
}

/** What a machine does for both sides alike: the workbench's, whatever the sides are. Each has its own device: CPU beside GPU is a comparison. */
const machineKeys: readonly ParamKey[] = ['kernel', ...paramsThatAffect('machine').filter((key) => key !== 'device')]

/**
 * The sides as they stand. Until they are chosen A is what the workbench shows (`params`, with the rank of this tensor) and B the other
 * method, so that the first run answers what going fast costs here.
 */
export function sidesOf(chosen: Sides | null, params: Params, size: Pick<MatrixView, 'rows' | 'cols'>): Sides {
  const machine: Partial<Params> = Object.fromEntries(machineKeys.map((key) => [key, params[key]]))
  // Ranks are compared, not goals.
  const plain = { ...params, ...noGoal }
  const { a, b } = chosen ?? {
    a: plain,
    b: { ...plain, method: methodOf(plain, size) === 'exact' ? 'randomized' : 'exact' },
  }
  return { a: { ...a, ...machine }, b: { ...b, ...machine } }
}

/** What `auto` comes to for this matrix. */
export function methodOf(params: Params, { rows, cols }: Pick<MatrixView, 'rows' | 'cols'>): 'randomized' | 'exact' {
  return fitParams(params, rows, cols).method
}

/** The parameters that a side of this method reads, in the order of the table. */
function sideKeys(method: 'exact' | 'randomized'): ParamKey[] {
  const entries: Readonly<Record<ParamKey, ParamEntry>> = paramEntries
  return factorizationKeys.filter((key) => (entries[key].of ?? method) === method)
}

/** Those that may differ between the sides. */
export function sideFields(method: 'exact' | 'randomized'): ParamKey[] {
  return sideKeys(method).filter((key) => !machineKeys.includes(key))
}

/** Whether the result was computed with other parameters than the sides have now; those that do not matter to a side do not count. */
export function isStale(result: VersusResult, sides: Sides, size: Pick<MatrixView, 'rows' | 'cols'>): boolean {
  return sideNames.some((side) => sideKey(result.sides[side], size) !== sideKey(sides[side], size))
}

/** What several runs came to. */
export interface Spread {
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly runs: number
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    mean: mean(values),
    low: Math.min(...values),
    high: Math.max(...values),
    runs: values.length,
  }
}

function sideKey(params: Params, size: Pick<MatrixView, 'rows' | 'cols'>): string {
  const method = methodOf(params, size)
  return JSON.stringify(sideKeys(method).map((key) => (key === 'method' ? method : params[key])))
}

function swap<Value>({ a, b }: { readonly a: Value; readonly b: Value }): { readonly a: Value; readonly b: Value } {
  return { a: b, b: a }
}
