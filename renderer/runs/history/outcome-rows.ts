/** The rows of a run's table as they are wanted: those whose name or reason has the text, in the order of a column. */

import type { TensorOutcome } from '../../../core/contract.ts'
import { compareNames } from '../../../core/natural-order.ts'

const sortColumns = ['name', 'rank', 'error', 'bytes'] as const
export type SortColumn = (typeof sortColumns)[number]
export interface Sorting {
  readonly column: SortColumn
  readonly descending: boolean
}

/** model.layers.2 before model.layers.10. */

/** What a column sorts by; kept tensors have neither rank nor error and stand below those that have. */
const keys = {
  rank: ({ rank }: TensorOutcome) => rank ?? -1,
  error: ({ action, relativeError }: TensorOutcome) => (action === 'kept' ? -1 : (relativeError ?? -1)),
  bytes: ({ bytesBefore, bytesAfter }: TensorOutcome) => bytesBefore - bytesAfter,
} as const

/** null leaves the order of the file. */
export function outcomeRows(
  tensors: readonly TensorOutcome[],
  search: string,
  sorting: Sorting | null,
): readonly TensorOutcome[] {
  const wanted = search.trim().toLowerCase()
  const found = wanted === '' ? tensors : tensors.filter(({ name }) => name.toLowerCase().includes(wanted))
  if (!sorting) return found
  const { column, descending } = sorting
  const order =
    column === 'name'
      ? (a: TensorOutcome, b: TensorOutcome) => compareNames(a.name, b.name)
      : (a: TensorOutcome, b: TensorOutcome) => keys[column](a) - keys[column](b)
  const sorted = found.toSorted(order)
  return descending ? sorted.reverse() : sorted
}

/** A press on a column: largest first for numbers, then the other way round, then as the file has it. */
export function nextSorting(before: Sorting | null, column: SortColumn): Sorting | null {
  const first = column !== 'name'
  if (before?.column !== column) return { column, descending: first }
  return before.descending === first ? { column, descending: !first } : null
}
