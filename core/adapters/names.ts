/**
 * Which module a name means, and what other schemes call it. A module of the table is told by its native name; another scheme may have several
 * for it, each with a share of its rows.
 */
import type { AdapterForm } from '../styles.ts'
import { transformersModels } from './families/language.ts'
import { diffusionTransformers } from './families/transformers.ts'
import { unets } from './families/unet.ts'
import type { Family, Part, Row, Scheme } from './family.ts'
import { type Holes, type Pattern, pattern } from './patterns.ts'

const families: readonly Family[] = [...unets, ...diffusionTransformers, ...transformersModels]

/** Rows [start / of, end / of) of a native matrix. */
export interface Share {
  readonly start: number
  readonly end: number
  readonly of: number
}
const whole: Share = { start: 0, end: 1, of: 1 }

/** A module of the table. */
export interface Module {
  readonly part: Part
  readonly row: Row
  readonly holes: Holes
}

/** What a name means: a module, or a share of one, in the order of rows that its scheme has. */
export interface Placed extends Module {
  readonly scheme: Scheme
  readonly share: Share
}

/** The same for all names of one module. */
export function moduleKey({ part, row, holes }: Module): string {
  return `${part.id}:${patternOf(row.native).fill(holes)}`
}

/** What a tensor of a checkpoint belongs to; null where the table does not have it. */
export function placeTensor(family: Family, name: string): Placed | null {
  const module = moduleOfTensor(name)
  if (module === null) return null
  for (const part of family.parts)
    for (const { prefix, adds = '', scheme } of part.sources) {
      if (!module.startsWith(prefix)) continue
      const found = find(part, scheme, adds + module.slice(prefix.length), false)
      if (found) return found
    }
  return null
}

/** What a module of an adapter belongs to, by its name there. */
export function placeModule(family: Family, form: AdapterForm, name: string): Placed | null {
  for (const part of family.parts) {
    const target = part.targets[form]
    if (!target || !name.startsWith(target.prefix)) continue
    const found = find(part, target.scheme, name.slice(target.prefix.length), form === 'kohya')
    if (found) return found
  }
  return null
}

/** The modules of a stack of experts, as GGUF names it, by the number of the expert: one way for each scheme of experts that the family has. */
export function placeStack(family: Family, name: string): ((expert: number) => Module)[] {
  const module = moduleOfTensor(name)
  if (module === null) return []
  return family.parts.flatMap((part) =>
    part.rows.flatMap((row) => {
      const holes = row.stack === undefined ? null : patternOf(row.stack).match(module)
      if (!holes) return []
      const [layer, ...others] = holes as [string | number, ...(string | number)[]]
      return [(expert: number): Module => ({ part, row, holes: [layer, String(expert), ...others] })]
    }),
  )
}

/** What GGUF calls the stack that a module is an expert of, and its number there; null for what is no expert. */
export function stackOf({ row, holes }: Module): { readonly name: string; readonly expert: number } | null {
  if (row.stack === undefined) return null
  const [layer, expert, ...others] = holes as [string | number, ...(string | number)[]]
  return { name: patternOf(row.stack).fill([layer, ...others]), expert: Number(expert) }
}

/** What an adapter of this form calls a module, by shares of its rows; null where its loaders have no place for it. */
export function namesOf(
  { part, row, holes }: Module,
  form: AdapterForm,
): readonly { readonly name: string; readonly share: Share; readonly scheme: Scheme }[] | null {
  const target = part.targets[form]
  const columns = target && columnsOf(row, target.scheme)
  if (!target || !columns) return null
  return columns.map(({ text, share }) => {
    const path = patternOf(text).fill(holes)
    return { name: target.prefix + (form === 'kohya' ? underscored(path) : path), share, scheme: target.scheme }
  })
}

/** The family that most of these tensors are of; null where a quarter of them would not be. */
export function familyOfTensors(names: readonly string[]): Family | null {
  return mostOf(names, (family, name) => placeTensor(family, name) !== null)
}

/** The family of an adapter, by the names of its modules. */
export function familyOfModules(form: AdapterForm, names: readonly string[]): Family | null {
  return mostOf(names, (family, name) => placeModule(family, form, name) !== null)
}

/** Enough to tell: some models have a hundred thousand. */
const LOOKED_AT = 300

function mostOf(names: readonly string[], belongs: (family: Family, name: string) => boolean): Family | null {
  const step = Math.max(1, Math.floor(names.length / LOOKED_AT))
  const some = names.filter((_, i) => i % step === 0)
  let best: Family | null = null
  let most = 0
  for (const family of families) {
    if (family.signs && !names.some((name) => family.signs!.some((sign) => sign.test(name)))) continue
    const count = some.filter((name) => belongs(family, name)).length
    if (count > most) [best, most] = [family, count]
  }
  return 4 * most >= some.length ? best : null
}

/** `layers.0.q_proj` of `layers.0.q_proj.weight`, without what wraps a whole model; null for what is no weight of a module. */
export function moduleOfTensor(name: string): string | null {
  const bare = name.replace(/^((_orig_mod|module)\.)+/, '')
  if (bare.endsWith('.weight')) return bare.slice(0, -'.weight'.length)
  return bare.endsWith('.in_proj_weight') ? bare.slice(0, -'_weight'.length) : null
}

function underscored(text: string): string {
  return text.replaceAll('.', '_')
}

interface Column {
  readonly text: string
  readonly share: Share
}

/** Names of a row in a scheme; null where it has no place there. */
function columnsOf(row: Row, scheme: Scheme): readonly Column[] | null {
  const found = scheme === 'native' ? row.native : scheme === 'gguf' ? (row.gguf ?? null) : row[scheme]
  if (found === null) return null
  const texts = found === undefined ? [row.native] : typeof found === 'string' ? [found] : found
  if (texts.length === 1) return [{ text: texts[0]!, share: whole }]
  const shares = row.shares ?? texts.map(() => 1)
  const of = shares.reduce((sum, share) => sum + share, 0)
  let start = 0
  return texts.map((text, i) => {
    const share = { start, end: start + shares[i]!, of }
    start = share.end
    return { text, share }
  })
}

interface Known {
  readonly pattern: Pattern
  readonly row: Row
  readonly share: Share
}

const known = new WeakMap<Part, Map<string, readonly Known[]>>()

function find(part: Part, scheme: Scheme, name: string, underscores: boolean): Placed | null {
  for (const { pattern, row, share } of knownOf(part, scheme, underscores)) {
    const holes = pattern.match(name)
    if (holes) return { part, row, holes, scheme, share }
  }
  return null
}

/** Compiled once: a name is tried against every pattern of its part. */
function knownOf(part: Part, scheme: Scheme, underscores: boolean): readonly Known[] {
  const ofPart = known.get(part) ?? new Map<string, readonly Known[]>()
  known.set(part, ofPart)
  const key = `${scheme} ${underscores}`
  const found =
    ofPart.get(key) ??
    part.rows.flatMap((row) =>
      (columnsOf(row, scheme) ?? []).map(({ text, share }) => ({
        pattern: underscores ? pattern(text, underscored) : patternOf(text),
        row,
        share,
      })),
    )
  ofPart.set(key, found)
  return found
}

const patterns = new Map<string, Pattern>()

function patternOf(text: string): Pattern {
  const found = patterns.get(text) ?? pattern(text)
  patterns.set(text, found)
  return found
}
