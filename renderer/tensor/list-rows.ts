/**
 * The rows of the list: tensors in the order of the file are grouped by layer, layers as they are counted; any other order is one run of
 * rows. A row shows what its group does not say already, and the numbers of a name are never the part that is cut.
 */
import type { TensorReport } from '../../core/contract.ts'
import { isOwnFactor } from '../../core/roles.ts'
import { groupsOf, partsOf } from '../choices/layers.ts'

export interface GroupRow {
  readonly kind: 'group'
  /** Up to its number: `model.layers.3`; '' for what no number counts. */
  readonly key: string
  readonly tensors: readonly TensorReport[]
  readonly collapsed: boolean
}
export interface TensorListRow {
  readonly kind: 'tensor'
  readonly tensor: TensorReport
  /** The group it stands in, with all that is shown of it; null where nothing is grouped. */
  readonly group: readonly TensorReport[] | null
}
export type ListRow = GroupRow | TensorListRow

/** A name in three parts: `path` is cut first, then the beginning of `leaf`. */
interface RowLabel {
  /** The layer, where no group says it. */
  readonly layer: string
  readonly path: string
  readonly leaf: string
  /** Characters at the end of `leaf` that are never cut; 0 where its beginning is what tells it from the others. */
  readonly tail: number
}

/** Characters of a name's end that a narrow list has room for. */
const tailLength = 12

/**
 * Cut in front of the part with the last number, or of the last part: `mlp.experts.` + `12.up_proj`, `conv1.bias`; a factor goes with its matrix:
 * `q_proj.lowrank_A`.
 */
export function labelOf(name: string, grouped: boolean): RowLabel {
  const { layer, role } = partsOf(name)
  const shown = role.replace(/(?<=.)\.weight(?=$|\.)/, '')
  const number = shown.search(/\d+[./_](?!.*\d[./_])/)
  const owner = isOwnFactor(shown) ? shown.lastIndexOf('.') : shown.length
  const before = (separator: string, end: number) => shown.lastIndexOf(separator, end - 1) + 1
  const at = number >= 0 ? Math.max(before('.', number), before('/', number)) : before('.', owner)
  const leaf = shown.slice(at)
  return {
    layer: grouped || layer === '' ? '' : (/\d+$/.exec(layer)?.[0] ?? ''),
    path: shown.slice(0, at),
    leaf,
    tail: Math.min(leaf.length, tailLength),
  }
}

/** @param inOrder whether they stand in the order of the file */
export function listRows(
  tensors: readonly TensorReport[],
  inOrder: boolean,
  collapsed: ReadonlySet<string>,
): ListRow[] {
  const alone = (tensor: TensorReport): ListRow => ({ kind: 'tensor', tensor, group: null })
  if (!inOrder) return tensors.map(alone)
  const groups = groupsOf(tensors)
  // A file of unnumbered names has nothing to group by.
  if (groups.size < 2) return tensors.map(alone)
  const rows: ListRow[] = []
  for (const [key, group] of groups) {
    const closed = collapsed.has(key)
    rows.push({ kind: 'group', key, tensors: group, collapsed: closed })
    if (!closed) for (const tensor of group) rows.push({ kind: 'tensor', tensor, group })
  }
  return rows
}

/** Of groups whose rows have been drawn. */
const labels = new WeakMap<readonly TensorReport[], ReadonlyMap<TensorReport, RowLabel>>()

/** What a row says of its name, worked out where it is drawn: of ten thousand some forty are. */
export function rowLabel({ tensor, group }: TensorListRow): RowLabel {
  if (!group) return labelOf(tensor.name, false)
  const known = labels.get(group) ?? labelsIn(group)
  labels.set(group, known)
  return known.get(tensor)!
}

/** Within a layer the last part of a name says all, unless another one ends alike. */
function labelsIn(members: readonly TensorReport[]): ReadonlyMap<TensorReport, RowLabel> {
  const labels = members.map(({ name }) => labelOf(name, true))
  const times = new Map<string, number>()
  for (const { leaf } of labels) times.set(leaf, (times.get(leaf) ?? 0) + 1)
  const told = toldBy(labels.map(({ path, leaf }) => path + leaf))
  const labelAt = (i: number): RowLabel => {
    const label = labels[i]!
    const { path, leaf, tail } = label
    // Where it differs near its beginning only, it is its end that may go.
    const differsAt = told[i]! - path.length
    const kept = differsAt < leaf.length - tail && differsAt >= 0 && leaf.length > tail ? 0 : tail
    return times.get(leaf) === 1 ? { ...label, path: '', tail: kept } : { ...label, tail: kept }
  }
  return new Map(members.map((tensor, i) => [tensor, labelAt(i)]))
}

/** Where each name parts from the one most like it up to there. */
function toldBy(names: readonly string[]): number[] {
  const order = names.map((_, i) => i).sort((a, b) => (names[a]! < names[b]! ? -1 : 1))
  const told = names.map(() => 0)
  for (let k = 1; k < order.length; k++) {
    const [a, b] = [order[k - 1]!, order[k]!]
    let same = 0
    while (same < names[a]!.length && names[a]![same] === names[b]![same]) same++
    told[a] = Math.max(told[a]!, same)
    told[b] = Math.max(told[b]!, same)
  }
  return told
}

/** Whether all layers are of one stack, so that their numbers tell them apart. Cost: one pass over the keys of the groups. */
export function areOneStack(keys: readonly string[]): boolean {
  const stems = new Set(keys.filter((key) => key !== '').map((key) => key.replace(/\d+$/, '')))
  return stems.size <= 1
}

/** The number at the end of a layer's key; null where it has none. */
export function layerNumber(key: string): string | null {
  return /\d+$/.exec(key)?.[0] ?? null
}
