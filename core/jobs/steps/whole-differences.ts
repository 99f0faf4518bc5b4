/**
 * What differs and is no matrix - norms, biases - as loaders take it. ComfyUI adds whole differences (`.diff`, `.diff_b`). PEFT puts a copy of a whole
 * module in the place of the model's own (modules_to_save): all values of the tuned one, and only of modules that hold nothing else.
 */
import type { DifferenceFile, PairModel } from '../../adapters/difference-model.ts'
import { moduleOfTensor } from '../../adapters/names.ts'
import type { Pair } from '../../adapters/pair.ts'
import { bareName } from '../../adapters/pairs.ts'
import type { JobOf } from '../../contract.ts'
import { wholeForms } from '../../styles.ts'
import type { PairFacts } from './pair-facts.ts'

export interface WholeDifferences {
  /** What each tensor that is written whole is called in the adapter. */
  readonly names: ReadonlyMap<string, string>
  /** PEFT's modules_to_save. */
  readonly modules: readonly string[]
}

const none: WholeDifferences = { names: new Map(), modules: [] }

export function wholeDifferences(
  { difference }: DifferenceFile<PairModel>,
  compared: ReadonlyMap<string, PairFacts>,
  { whole, form }: Pick<JobOf<'extract'>, 'whole' | 'form'>,
): WholeDifferences {
  const takes = wholeForms.find((each) => each === form)
  if (whole !== 'save' || !takes) return none
  const differs = ({ name, shape }: Pair) => {
    const facts = shape.length > 1 ? undefined : compared.get(name)
    return facts !== undefined && facts.difference > 0 && facts.nanCount + facts.infCount === 0
  }
  return inForm[takes](difference.pairs, differs)
}

type OfPairs = (pairs: readonly Pair[], differs: (pair: Pair) => boolean) => WholeDifferences

const inForm: Readonly<Record<(typeof wholeForms)[number], OfPairs>> = {
  comfy: (pairs, differs) => {
    const names = pairs.filter(differs).flatMap(({ name }): [string, string][] => {
      if (!/^(model\.)?diffusion_model\./.test(name)) return []
      const path = `diffusion_model.${bareName(name)}`
      if (path.endsWith('.weight')) return [[name, path.replace(/\.weight$/, '.diff')]]
      return path.endsWith('.bias') ? [[name, path.replace(/\.bias$/, '.diff_b')]] : []
    })
    return { names: new Map(names), modules: [] }
  },
  peft: (pairs, differs) => {
    const prefix = prefixOf(pairs)
    if (prefix === null) return none
    const owners = pairs.map(({ name }) => ownerOf(name))
    // A copy of a module with matrices, or with modules in it, would take the place of what the adapter is added to.
    const busy = new Set(pairs.flatMap(({ shape }, i) => (shape.length > 1 ? [owners[i]!] : [])))
    for (const owner of new Set(owners))
      for (let dot = owner.lastIndexOf('.'); dot > 0; dot = owner.lastIndexOf('.', dot - 1))
        busy.add(owner.slice(0, dot))
    const saved = new Set(pairs.flatMap((pair, i) => (differs(pair) && !busy.has(owners[i]!) ? [owners[i]!] : [])))
    const names = pairs.flatMap(({ name, tuned }, i): [string, string][] =>
      saved.has(owners[i]!) && tuned.length === 1
        ? [[name, `base_model.model.${prefix}${owners[i]}.${name.slice(name.lastIndexOf('.') + 1)}`]]
        : [],
    )
    return { names: new Map(names), modules: [...saved].map((owner) => prefix + owner) }
  },
}

/** Module of a parameter, without what wraps a whole model. */
function ownerOf(name: string): string {
  return name.replace(/^((_orig_mod|module)\.)+/, '').replace(/\.?[^.]*$/, '')
}

/** What the adapter puts before the names of the model's own modules; null where it calls them something else. */
function prefixOf(pairs: readonly Pair[]): string | null {
  const found = new Set<string | null>()
  for (const { name, module } of pairs) {
    if (module === null) continue
    const [own, called] = [moduleOfTensor(name), module.replace(/^base_model\.model\./, '')]
    found.add(own !== null && called.endsWith(own) ? called.slice(0, called.length - own.length) : null)
  }
  const [only] = found
  return found.size === 1 && only !== undefined ? only : null
}
