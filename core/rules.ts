/**
 * Rules of a run: which tensors it factorizes, and which of them at a rank of their own, by globs on their names (glob.ts). The engine plans by them and the page shows what they
 * choose.
 */
import { compileGlob, isGlob } from './glob.ts'

export interface Rules {
  /** With any, only tensors that match one are factorized, also those kept by habit. */
  readonly include: readonly string[]
  /** Overrides `include`. */
  readonly exclude: readonly string[]
  /** Ranks that neither the goal nor the rank for all changes. */
  readonly pins?: readonly Pin[] | undefined
}

/** A rank for the tensors whose names match; of several that match one the last counts. */
export interface Pin {
  readonly match: string
  readonly rank: number
}

export const noRules: Rules = { include: [], exclude: [] }

/** What rules say of a name: out (by the pattern, or because it is not among those included), in, or nothing, so that habits decide. */
export type Ruling =
  | { readonly says: 'out'; readonly pattern: string | null }
  | { readonly says: 'in' }
  | { readonly says: 'nothing' }

export function judgeBy({ include, exclude }: Rules): (name: string) => Ruling {
  const included = matchNames(include)
  const excluded = matchNames(exclude)
  return (name) => {
    const pattern = excluded(name)
    if (pattern !== undefined) return { says: 'out', pattern }
    if (include.length === 0) return { says: 'nothing' }
    return included(name) === undefined ? { says: 'out', pattern: null } : { says: 'in' }
  }
}

/** The rank a tensor is pinned to; null where it follows the goal. */
export function pinsBy({ pins = [] }: Pick<Rules, 'pins'>): (name: string) => number | null {
  const numbered = pins.map((pin, index) => ({ ...pin, index }))
  // Each tensor of a model may have one: a name is looked up.
  const plain = new Map(numbered.filter(({ match }) => !isGlob(match)).map((pin) => [pin.match, pin]))
  const globs = numbered
    .filter(({ match }) => isGlob(match))
    .map((pin) => ({ ...pin, matches: compileGlob(pin.match) }))
  return (name) => {
    const own = plain.get(name)
    const glob = globs.findLast(({ index, matches }) => index > (own?.index ?? -1) && matches(name))
    return (glob ?? own)?.rank ?? null
  }
}

/** Answers with a pattern that matches, so that a reason can quote it. Plain names, of which there may be thousands, are looked up. */
function matchNames(patterns: readonly string[]): (name: string) => string | undefined {
  const plain = new Set(patterns.filter((pattern) => !isGlob(pattern)))
  const globs = patterns.filter(isGlob).map((pattern) => ({ pattern, matches: compileGlob(pattern) }))
  return (name) => (plain.has(name) ? name : globs.find(({ matches }) => matches(name))?.pattern)
}
