/** What the tensor list shows and what the user chose in it. */

import { create } from 'zustand'
import type { TensorReport } from '../../core/contract.ts'
import type { Rules } from '../../core/rules.ts'
import { applyRules, type Choice, type Pins, type WrittenRules } from './rules.ts'

export const chips = ['linear', 'conv', 'embedding', 'experts', 'kept'] as const
export type Chip = (typeof chips)[number]
export const sortOrders = ['file', 'size', 'name', 'error', 'difference'] as const
export type SortOrder = (typeof sortOrders)[number]

/** What the middle of the workbench shows, and which side of a tensor. */
export const tabs = ['model', 'tensor', 'ab', 'try'] as const
export type Tab = (typeof tabs)[number]
export const lenses = ['error', 'values', 'energy'] as const
export type Lens = (typeof lenses)[number]

export interface SelectionState extends Choice {
  readonly tensor: string | null
  readonly search: string
  /** Kinds shown; none chosen shows all. */
  readonly chips: readonly Chip[]
  readonly sort: SortOrder
  readonly tab: Tab
  readonly lens: Lens
  /** Rules of a recipe or of the user's own hand; ticks in the list come on top of them. */
  readonly written: WrittenRules | null
  /** Tensors whose rank no goal changes. */
  readonly pins: Pins
  /** A rank that is looked at for the tensor on show and changes nothing. */
  readonly whatIf: number | null
}

const start: SelectionState = {
  tensor: null,
  search: '',
  chips: [],
  sort: 'file',
  tab: 'tensor',
  lens: 'error',
  included: new Set(),
  excluded: new Set(),
  written: null,
  pins: new Map(),
  whatIf: null,
}

export const useSelection = create<SelectionState>(() => start)

export const selectionReducers = {
  reset() {
    useSelection.setState(start)
  },
  /** Where another list was looked at, and how. */
  view({ tensor, search, chips, sort, tab, lens }: SelectionState, tensors: readonly TensorReport[]) {
    const there = tensors.some(({ name }) => name === tensor)
    useSelection.setState({ search, chips, sort, tab, lens, whatIf: null, ...(there && { tensor }) })
  },
  select(tensor: string | null) {
    useSelection.setState({ tensor, whatIf: null })
  },
  tab(tab: Tab) {
    useSelection.setState({ tab, whatIf: null })
  },
  lens(lens: Lens) {
    useSelection.setState({ lens })
  },
  search(search: string) {
    useSelection.setState({ search })
  },
  sort(sort: SortOrder) {
    useSelection.setState({ sort })
  },
  toggleChip(chip: Chip) {
    useSelection.setState(({ chips: chosen }) => ({
      chips: chosen.includes(chip) ? chosen.filter((other) => other !== chip) : [...chosen, chip],
    }))
  },
  /** From now on the list shows what these rules choose. */
  rules(rules: Rules, tensors: readonly TensorReport[]) {
    const found = applyRules(rules, tensors)
    const { included, excluded, pins } = found
    useSelection.setState({ written: found, included, excluded, pins })
  },
  whatIf(whatIf: number | null) {
    useSelection.setState({ whatIf })
  },
  /** A rank of its own, or none. */
  pin(name: string, rank: number | null) {
    useSelection.setState(({ pins }) => {
      const others = [...pins].filter(([other]) => other !== name)
      return { whatIf: null, pins: new Map(rank === null ? others : [...others, [name, rank]]) }
    })
  },
  /** Compress or keep: back to the plan where that already says so. */
  setCompressed(tensor: TensorReport, compressed: boolean) {
    useSelection.setState(({ included, excluded }) => ({
      included: withMember(included, tensor.name, compressed && tensor.plan === 'keep'),
      excluded: withMember(excluded, tensor.name, !compressed && tensor.plan !== 'keep'),
    }))
  },
  /** The same for many at once: a layer, or all that are shown. What is no matrix stays as it is. */
  setAllCompressed(tensors: readonly TensorReport[], compressed: boolean) {
    useSelection.setState((state) => {
      const included = new Set(state.included)
      const excluded = new Set(state.excluded)
      for (const { name, matrix, plan } of tensors) {
        if (!matrix) continue
        const [set, other] = plan === 'keep' ? [included, excluded] : [excluded, included]
        other.delete(name)
        if (compressed === (plan === 'keep')) set.add(name)
        else set.delete(name)
      }
      return { included, excluded }
    })
  },
}

function withMember(set: ReadonlySet<string>, member: string, present: boolean): ReadonlySet<string> {
  const changed = new Set(set)
  if (present) changed.add(member)
  else changed.delete(member)
  return changed
}
