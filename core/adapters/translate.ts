/**
 * The modules of an adapter under the names of another form. Where that has for one module several, or for several one, rows are shared out or
 * joined: the same A with parts of B, or the blocks of a B beside each other, whose ranks add up. Nothing is rounded or lost.
 */
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import type { AdapterForm } from '../styles.ts'
import type { Adapter, AdapterModule } from './adapter.ts'
import type { Factors } from './factors.ts'
import type { Family, Row } from './family.ts'
import { familyOfModules, moduleKey, namesOf, type Placed, placeModule } from './names.ts'
import { type Heads, isReordered, nativeRows } from './row-order.ts'

export interface TargetModule {
  readonly name: string
  /** [out, in, ...kernel] */
  readonly shape: readonly number[]
  readonly transposed?: Row['transposed'] | undefined
  readonly sources: readonly AdapterModule[]
  /** For each of its rows: which source, and which row there; null where it is the only source as it is. */
  readonly rows: { readonly source: Int32Array; readonly row: Int32Array } | null
}

export interface Translation {
  readonly family: Family | null
  readonly modules: readonly TargetModule[]
  readonly notices: readonly Message[]
}

export interface TranslationChoices {
  /** null: the form it has. */
  readonly form: AdapterForm | null
  /** null where no model that it belongs to is at hand, or it does not say. */
  readonly heads: Heads | null
  readonly interleaved: boolean | null
}

export function translate(adapter: Adapter, choices: TranslationChoices): Translation {
  const { form, modules } = adapter
  const to = choices.form ?? form
  if (to === form) return { family: familyOf(adapter), modules: modules.map(asItIs), notices: [] }
  const family = familyOf(adapter)
  if (!family) return { family, modules: [], notices: [say('adapter.no-names', { form: to })] }
  const groups = new Map<string, Piece[]>()
  const unplaced: string[] = []
  for (const module of modules) {
    const placed = placeModule(family, form, module.name)
    if (!placed) unplaced.push(module.name)
    else {
      const pieces = groups.get(moduleKey(placed)) ?? []
      pieces.push({ module, placed })
      groups.set(moduleKey(placed), pieces)
    }
  }
  const found: TargetModule[] = []
  let joined = 0
  for (const pieces of groups.values()) {
    const named = ofModule(pieces, to, choices)
    if (named) found.push(...named)
    else unplaced.push(...pieces.map(({ module }) => module.name))
    joined += named?.filter(({ sources }) => sources.length > 1).length ?? 0
  }
  const notices = [say('adapter.family', { family: foreign(family.label) })]
  if (unplaced.length > 0)
    notices.push(
      say('adapter.unplaced', {
        count: unplaced.length,
        total: modules.length,
        form: to,
        some: unplaced.slice(0, 3).map(quoted),
      }),
    )
  if (joined > 0) notices.push(say('adapter.rank-of-joined', { count: joined }))
  return { family, modules: found, notices }
}

function familyOf({ form, modules }: Adapter): Family | null {
  return familyOfModules(
    form,
    modules.map(({ name }) => name),
  )
}

/** What the module of a table is to its writer. */
function asItIs(module: AdapterModule): TargetModule {
  const table = module.kind === 'embedding' || module.kind === 'table'
  return {
    name: module.name,
    shape: module.shape,
    ...(table && { transposed: 'embedding' as const }),
    sources: [module],
    rows: null,
  }
}

interface Piece {
  readonly module: AdapterModule
  readonly placed: Placed
}

/** null where the form has no place for it, or rows cannot be put in its order. */
function ofModule(pieces: readonly Piece[], form: AdapterForm, choices: TranslationChoices): TargetModule[] | null {
  const [{ module: first, placed }] = pieces as [Piece]
  const names = namesOf(placed, form)
  if (!names) return null
  const { start, end, of } = placed.share
  const total = (first.shape[0]! / (end - start)) * of
  if (!Number.isInteger(total)) return null
  const source = new Int32Array(total).fill(-1)
  const row = new Int32Array(total)
  for (const [i, { module, placed }] of pieces.entries()) {
    const at = (total * placed.share.start) / placed.share.of
    const order = orderOf(placed.row, placed.scheme, total, choices)
    if (order === undefined) return null
    for (let r = 0; r < module.shape[0]!; r++) {
      const native = order ? order[r]! : at + r
      if (native >= total) return null
      source[native] = i
      row[native] = r
    }
  }
  const sources = pieces.map(({ module }) => module)
  const made: TargetModule[] = []
  for (const { name, share, scheme } of names) {
    const order = orderOf(placed.row, scheme, total, choices)
    if (order === undefined) return null
    const [from, to] = [(total * share.start) / share.of, (total * share.end) / share.of]
    if (!Number.isInteger(from) || !Number.isInteger(to)) return null
    const native = Array.from({ length: to - from }, (_, i) => (order ? order[from + i]! : from + i))
    const used = [...new Set(native.map((r) => source[r]!))].filter((i) => i >= 0).sort((a, b) => a - b)
    if (used.length === 0) continue
    made.push({
      name,
      shape: [to - from, ...first.shape.slice(1)],
      ...(placed.row.transposed === 'embedding' && { transposed: 'embedding' as const }),
      sources: used.map((i) => sources[i]!),
      rows: {
        source: Int32Array.from(native, (r) => used.indexOf(source[r]!)),
        row: Int32Array.from(native, (r) => row[r]!),
      },
    })
  }
  return made
}

/** null: the native order; undefined: one that cannot be told. */
function orderOf(
  row: Row,
  scheme: Placed['scheme'],
  total: number,
  { heads, interleaved }: TranslationChoices,
): Int32Array | null | undefined {
  if (!isReordered(row, scheme)) return null
  if (scheme !== 'gguf') return nativeRows(row, total, { heads: 1, kv: 1 }) ?? undefined
  if (interleaved === false) return null
  return (interleaved && heads && nativeRows(row, total, heads)) || undefined
}

/** The factors of a module from those of its sources: rows of B in their places, ranks side by side. */
export function assembled({ shape, rows }: TargetModule, sources: readonly Factors[]): Factors {
  const [first] = sources as [Factors]
  if (!rows) return first
  const count = shape[0]!
  const rank = sources.reduce((sum, each) => sum + each.rank, 0)
  const starts = sources.map((_, i) => sources.slice(0, i).reduce((sum, each) => sum + each.rank, 0))
  const B = new Float32Array(count * rank)
  for (let i = 0; i < count; i++) {
    const from = rows.source[i]!
    if (from < 0) continue
    const each = sources[from]!
    B.set(each.B.subarray(rows.row[i]! * each.rank, (rows.row[i]! + 1) * each.rank), i * rank + starts[from]!)
  }
  const A = new Float32Array(rank * first.cols)
  for (const [i, each] of sources.entries()) A.set(each.A, starts[i]! * first.cols)
  return { rows: count, cols: first.cols, rank, B, A }
}
