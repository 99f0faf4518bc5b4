/**
 * A model as a grid: layers down, roles across, from nothing but the names of its matrices.
 *
 * `model.layers.3.self_attn.q_proj.weight` is the layer `model.layers.3` and the role `self_attn.q_proj`: the numbered part of a name makes
 * the layer, the rest is the role. A name with several numbers goes as deep as the numbers count alike things - the experts of a layer, the
 * blocks of a block - while `to_out.0` or `ff.net.2`, a place in a sequence of unlike things, stays part of the role. A name without a
 * number is a row of its own.
 *
 * Experts are columns, not rows: `model.layers.3.mlp.experts.5.up_proj` stands in the row of its layer and in the band `experts.*.up_proj`,
 * in the fifth column of it, so that N layers of M experts are N x M cells for each of their roles.
 */
import { compareNames } from './natural-order.ts'

interface MapRole {
  readonly key: string
  /** As few of its last parts as tell it from the others. */
  readonly label: string
}
export interface MapLayer<T> extends MapRole {
  /** Its matrices by the index of their role. */
  readonly tensors: ReadonlyMap<number, T>
}
/** Neighboring columns that are the same role of one expert after the other. */
interface MapBand {
  readonly label: string
  readonly first: number
  readonly count: number
}
export interface ModelMap<T> {
  readonly layers: readonly MapLayer<T>[]
  readonly roles: readonly MapRole[]
  readonly bands: readonly MapBand[]
}

interface SplitName {
  readonly layer: readonly string[]
  readonly role: readonly string[]
  /** Where in `role` the number of the expert stands; -1 where it is none's. */
  readonly expert: number
}

interface Column {
  readonly parts: readonly string[]
  /** Of its band, or its own. */
  readonly band: string
  count: number
}

/** Every one of `matrices` has a place. Cost: a few passes over the names. */
export function modelMap<T extends { readonly name: string }>(matrices: readonly T[]): ModelMap<T> {
  const split = splitNames(matrices.map(({ name }) => name))
  const layers = new Map<string, { parts: readonly string[]; members: [string, T][] }>()
  const columnOf = new Map<string, Column>()
  for (const [i, { layer, role, expert }] of split.entries()) {
    const layerKey = layer.join('')
    const roleKey = role.join('')
    const row = layers.get(layerKey) ?? { parts: layer, members: [] }
    const column = columnOf.get(roleKey) ?? { parts: role, band: bandOf(role, expert), count: 0 }
    row.members.push([roleKey, matrices[i]!])
    column.count++
    layers.set(layerKey, row)
    columnOf.set(roleKey, column)
  }
  const columns = inOrder(columnOf)
  const indexOf = new Map(columns.map(([key], index) => [key, index]))
  const roleLabels = shortest(
    columns.map(([, { parts }]) => withoutWeight(parts)),
    stemOfRole,
    (parts) => parts.join(''),
  )
  const rows = [...layers].sort(([a], [b]) => compareNames(a, b))
  const layerLabels = shortest(
    rows.map(([, { parts }]) => parts),
    stemOfLayer,
    starred,
  )
  return {
    roles: columns.map(([key], i) => ({ key: trimmed(key), label: roleLabels[i]! })),
    bands: bandsOf(columns.map(([, column]) => column)),
    layers: rows.map(([key, { members }], i) => ({
      key: trimmed(key),
      label: layerLabels[i]!,
      tensors: new Map(members.map(([role, tensor]) => [indexOf.get(role)!, tensor])),
    })),
  }
}

/** What most layers have comes first, the roles of a single layer stand at the end; experts of one role side by side, as they are numbered. */
function inOrder(columns: ReadonlyMap<string, Column>): [string, Column][] {
  const most = new Map<string, number>()
  for (const { band, count } of columns.values()) most.set(band, Math.max(most.get(band) ?? 0, count))
  const seen = new Map([...most.keys()].map((band, i) => [band, i]))
  return [...columns].sort(
    ([a, one], [b, other]) =>
      most.get(other.band)! - most.get(one.band)! || seen.get(one.band)! - seen.get(other.band)! || compareNames(a, b),
  )
}

/** `experts.*.up_proj`. */
function bandOf(role: readonly string[], expert: number): string {
  return role.map((part, at) => (at === expert ? part.replace(/\d+/, '*') : part)).join('')
}

function bandsOf(columns: readonly Column[]): MapBand[] {
  const bands: { label: string; first: number; count: number; key: string }[] = []
  for (const [index, { band, parts }] of columns.entries()) {
    if (band === parts.join('')) continue
    const last = bands.at(-1)
    if (last?.key === band) last.count++
    else
      bands.push({ key: band, label: trimmed(withoutWeight(band.split(/(?<=\.)/)).join('')), first: index, count: 1 })
  }
  return bands.filter(({ count }) => count > 1).map(({ label, first, count }) => ({ label, first, count }))
}

/** Parts keep the separator behind them. A number between underscores is a part too: kohya writes `down_blocks_0_attentions_1_`. */
const parted = (name: string) => name.split(/(?<=[./])|(?<=_)(?=\d+_)|(?<=_\d+_)/)
const isNumber = (part: string) => /^\d+[./_]?$/.test(part)
const starred = (parts: readonly string[]) => parts.map((part) => (isNumber(part) ? '*' : part)).join('')
const trimmed = (text: string) => text.replace(/(?<=.)[./_]$/, '')
const withoutWeight = (parts: readonly string[]) =>
  parts.length > 1 && parts.at(-1) === 'weight' ? parts.slice(0, -1) : parts

/** Each name as layer and role; what a number counts is told from all names together. */
function splitNames(names: readonly string[]): SplitName[] {
  const split = names.map(parted)
  const counted = split.map((parts) => parts.flatMap((part, at) => (isNumber(part) ? [at] : [])))
  const under = new Map<string, Map<string, Set<string>>>()
  for (const [i, parts] of split.entries()) {
    for (const at of counted[i]!.slice(1)) {
      const before = starred(parts.slice(0, at))
      const numbers = under.get(before) ?? new Map<string, Set<string>>()
      under.set(before, numbers)
      const members = numbers.get(parts[at]!) ?? new Set()
      numbers.set(parts[at]!, members.add(starred(parts.slice(at + 1))))
    }
  }
  const alike = new Set([...under].filter(([, numbers]) => countsAlikeThings(numbers)).map(([before]) => before))
  return split.map((parts, i) => {
    const [outermost, ...deeper] = counted[i]!
    if (outermost === undefined)
      return parts.length < 2
        ? { layer: parts, role: [], expert: -1 }
        : { layer: parts.slice(0, -1), role: parts.slice(-1), expert: -1 }
    const expert = deeper.find((at) => /^experts?[._]$/.test(parts[at - 1]!))
    const inside = expert === undefined ? deeper : deeper.filter((at) => at < expert)
    const last = inside.findLast((at) => alike.has(starred(parts.slice(0, at)))) ?? outermost
    const role = parts.slice(last + 1)
    return { layer: parts.slice(0, last + 1), role, expert: expert === undefined ? -1 : expert - last - 1 }
  })
}

/** Several numbers without a gap (a sequence has activations in between), at least half of whose members recur. */
function countsAlikeThings(numbers: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const values = [...numbers.keys()].map((part) => Number.parseInt(part, 10))
  // By turns: a file may have more numbers than a call takes arguments.
  const [least, most] = [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), 0),
  ]
  if (values.length < 2 || most - least >= values.length) return false
  const times = new Map<string, number>()
  for (const members of numbers.values()) for (const member of members) times.set(member, (times.get(member) ?? 0) + 1)
  const recurring = [...times.values()].filter((count) => count > 1).length
  return recurring >= times.size / 2
}

/** The fewest last parts of each name that no other name ends in; `stem` is the last part that a label may begin with. */
function shortest(
  all: readonly (readonly string[])[],
  stem: (parts: readonly string[]) => number,
  kindOf: (parts: readonly string[]) => string,
): string[] {
  const endings = (parts: readonly string[]) => parts.map((_, from) => kindOf(parts.slice(from)))
  const kinds = new Map(all.map((parts) => [kindOf(parts), parts]))
  const times = new Map<string, number>()
  for (const parts of kinds.values())
    for (const ending of endings(parts)) times.set(ending, (times.get(ending) ?? 0) + 1)
  return all.map((parts) => {
    const from = endings(parts).findLastIndex((ending, at) => at <= stem(parts) && times.get(ending) === 1)
    return trimmed(parts.slice(Math.max(0, from)).join(''))
  })
}

/** All numbers of a layer stay in; where it has several, so does what the first of them counts. */
function stemOfLayer(parts: readonly string[]): number {
  const [first, second] = parts.flatMap((part, at) => (isNumber(part) ? [at] : []))
  if (first === undefined) return parts.length - 1
  return second === undefined ? first : Math.max(0, first - 1)
}

/** `0` says nothing without `to_out`. */
const stemOfRole = (parts: readonly string[]) => parts.findLastIndex((part) => !isNumber(part))
