/** What else decides an adapter beside parameters and rules: of the open differences, until others are opened. */
import { create } from 'zustand'
import type { RankRule } from '../../core/contract.ts'
import { type AdapterForm, wholeForms } from '../../core/styles.ts'

export interface AdapterChoices {
  /** Of convolutions that see more than one point; null: left out. */
  readonly convRank: number | null
  /** Differences of what is no matrix: written, or only listed. */
  readonly whole: 'list' | 'save'
  /** All modules padded to the largest rank. */
  readonly oneRank: boolean
  /** In place of rank and goal. */
  readonly rule: RankRule | null
}

/** Where convolutions begin that are taken in. */
export const firstConvRank = 8

const none: AdapterChoices = { convRank: null, whole: 'list', oneRank: false, rule: null }

export const useAdapter = create<AdapterChoices>(() => none)

/** What of them an adapter of this form can have. */
export function choicesFor(form: AdapterForm, choices: AdapterChoices): AdapterChoices {
  return takesWhole(form) ? choices : { ...choices, whole: 'list' }
}

export function takesWhole(form: AdapterForm): boolean {
  return wholeForms.some((takes) => takes === form)
}

export const adapterReducers = {
  reset() {
    useAdapter.setState(none)
  },
  set(changes: Partial<AdapterChoices>) {
    useAdapter.setState(changes)
  },
}
