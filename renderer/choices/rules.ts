/**
 * Rules and what they choose. What the user ticks in the list is a change of two sets against the plan of the file; a recipe brings
 * patterns. Patterns stay word for word as long as the list shows what they choose, so that a recipe opened here is run as it was saved.
 */
import type { TensorReport } from '../../core/contract.ts'
import { patternFor } from '../../core/glob.ts'
import { judgeBy, noRules, type Pin, pinsBy, type Rules } from '../../core/rules.ts'

/** Tensors taken in or left out against the plan the file came with. */
export interface Choice {
  readonly included: ReadonlySet<string>
  readonly excluded: ReadonlySet<string>
}

/** Ranks of their own, by tensor. */
export type Pins = ReadonlyMap<string, number>

/** Rules as they were written, and what they choose in the open file. */
export interface WrittenRules extends Choice {
  readonly pins: Pins
  readonly rules: Rules
}

const planAlone: WrittenRules = { rules: noRules, included: new Set(), excluded: new Set(), pins: new Map() }

/** Whether a run would factorize this tensor: the plan of the file, changed by the choice. */
export function isCompressed(tensor: TensorReport, choice: Choice): boolean {
  if (tensor.matrix === null) return false
  if (tensor.plan !== 'keep') return !choice.excluded.has(tensor.name)
  return choice.included.has(tensor.name)
}

/** What rules choose among these tensors, as the engine will: those that share a storage go by its first. */
export function applyRules(rules: Rules, tensors: readonly TensorReport[]): WrittenRules {
  const judge = judgeBy(rules)
  const pinOf = pinsBy(rules)
  const pins = tensors.flatMap(({ name, sharesStorageWith }) => {
    const rank = pinOf(sharesStorageWith ?? name)
    return rank === null ? [] : [[name, rank] as const]
  })
  const saying = (what: 'in' | 'out', plan: (tensor: TensorReport) => boolean) =>
    tensors.filter(
      (tensor) => tensor.matrix && plan(tensor) && judge(tensor.sharesStorageWith ?? tensor.name).says === what,
    )
  const names = (found: readonly TensorReport[]) => new Set(found.map(({ name }) => name))
  return {
    rules,
    included: names(saying('in', ({ plan }) => plan === 'keep')),
    excluded: names(saying('out', ({ plan }) => plan !== 'keep')),
    pins: new Map(pins),
  }
}

/**
 * The choice as rules of a run: those that were written, with what was ticked and unticked since. With `include` only those are
 * factorized, so what is taken in against the plan of the file names everything that is; leaving out takes a list of what was left out.
 */
export function rulesOf(
  tensors: readonly TensorReport[],
  choice: Choice & { readonly written: WrittenRules | null; readonly pins: Pins },
): Rules {
  const pins = pinRules(tensors, choice.pins, choice.written)
  return { ...chosenBy(tensors, choice), ...(pins.length > 0 && { pins }) }
}

/** As they were written as long as they pin the same; one for each tensor otherwise. */
function pinRules(tensors: readonly TensorReport[], pins: Pins, written: WrittenRules | null): readonly Pin[] {
  const same = written?.pins.size === pins.size && [...pins].every(([name, rank]) => written.pins.get(name) === rank)
  if (same) return written.rules.pins ?? []
  return tensors.flatMap(({ name, sharesStorageWith }) => {
    const rank = sharesStorageWith === undefined ? pins.get(name) : undefined
    return rank === undefined ? [] : [{ match: patternFor(name), rank }]
  })
}

function chosenBy(
  tensors: readonly TensorReport[],
  choice: Choice & { readonly written: WrittenRules | null },
): Pick<Rules, 'include' | 'exclude'> {
  const base = choice.written ?? planAlone
  const { include: inBefore, exclude: outBefore } = base.rules
  const changed = tensors.filter((tensor) => isCompressed(tensor, choice) !== isCompressed(tensor, base))
  if (changed.length === 0) return { include: inBefore, exclude: outBefore }
  const taken = changed.filter((tensor) => isCompressed(tensor, choice)).map(({ name }) => patternFor(name))
  const left = changed.filter((tensor) => !isCompressed(tensor, choice)).map(({ name }) => patternFor(name))
  const exclude = [...outBefore, ...left]
  if (taken.length === 0) return { include: inBefore, exclude }
  const include = [...inBefore, ...taken]
  const grown = applyRules({ include, exclude }, tensors)
  // Adding does not help where nothing was listed before, or where an exclusion stands against it.
  const enough =
    inBefore.length > 0 && tensors.every((tensor) => isCompressed(tensor, choice) === isCompressed(tensor, grown))
  if (enough) return { include, exclude }
  const chosen = tensors.filter((tensor) => isCompressed(tensor, choice))
  return { include: chosen.map(({ name }) => patternFor(name)), exclude: [] }
}
