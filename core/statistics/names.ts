/**
 * Which statistics belong to which matrix. Names of other schemes are those that adapters know (core/adapters/names.ts); projections of the same
 * input borrow from each other.
 */
import { familyOfTensors, moduleKey, placeStack, placeTensor } from '../adapters/names.ts'
import { overLimit } from '../formats/reading/refusal.ts'
import type { Entry } from './entries.ts'

/** An entry, and which of its matrices; null: that of the same number. */
export interface Place {
  readonly entry: Entry
  readonly matrix: number | null
}

export interface Lookup {
  /** What is known of the inputs of a tensor; of a stack, of each of its matrices. */
  of(name: string): Place | null
  /** Of matrix `expert` of a stack whose experts have entries of their own. */
  ofExpert(name: string, expert: number): Place | null
  /** A tensor of the same input whose statistics serve as well. */
  borrowed(name: string): { readonly place: Place; readonly from: string } | null
}

/** Experts that a stack is entered for: twice as many as the largest models have. What a file says of their number may be anything. */
const maxExperts = 1024
/** Of all stacks. */
const maxPlaces = 2_000_000

/** @param names of all tensors of the model, by which its family is told */
export function lookup(names: readonly string[], entries: readonly Entry[]): Lookup {
  const family = familyOfTensors(names)
  const keyOf = (name: string): string => {
    const tensor = asTensor(name)
    const placed = family && placeTensor(family, tensor)
    return placed && placed.share.of === 1 ? key(moduleKey(placed)) : tensor
  }
  const places = new Map<string, Place>()
  /** Modules of a profile by layers: `3.self_attn.q_proj`. */
  const byTail = new Map<string, Place>()
  const add = (key: string, place: Place) => {
    if (places.has(key)) return
    if (places.size >= maxPlaces)
      throw overLimit('statistics', 'experts', maxPlaces, places.size + 1, 'no published model comes near it')
    places.set(key, place)
  }
  for (const entry of entries) {
    add(entry.name, { entry, matrix: null })
    const tail = tailOf(entry.name)
    if (tail !== null) byTail.set(asTensor(tail), { entry, matrix: null })
    add(keyOf(entry.name), { entry, matrix: null })
    for (const moduleOf of family ? placeStack(family, asTensor(entry.name)) : [])
      for (let expert = 0; expert < Math.min(entry.matrices ?? maxExperts, maxExperts); expert++)
        add(key(moduleKey(moduleOf(expert))), { entry, matrix: expert })
  }
  const of = (name: string): Place | null =>
    places.get(name) ??
    places.get(keyOf(name)) ??
    byTail.get(asTensor(name).replace(/^.*?\b(layers|h|blocks)\./, '')) ??
    null
  const ofExpert = (name: string, expert: number): Place | null => {
    for (const moduleOf of family ? placeStack(family, asTensor(name)) : []) {
      const found = places.get(key(moduleKey(moduleOf(expert))))
      if (found) return found
    }
    return null
  }
  return {
    of,
    ofExpert,
    borrowed: (name) => {
      for (const sibling of siblingsOf(name)) {
        const place = of(sibling)
        if (place) return { place, from: sibling }
      }
      return null
    },
  }
}

/** GGUF has one name for both spellings. */
function key(module: string): string {
  return module.replace('.shared_experts.', '.shared_expert.')
}

/** Modules are named without their parameter; wrappers of training say nothing. */
function asTensor(name: string): string {
  const bare = name
    .replace(/^(base_model\.model\.|_orig_mod\.|module\.)+/, '')
    .replace(/^blk\.(\d+)\.attn_kv_b\b/, 'model.layers.$1.self_attn.kv_b_proj')
  return /(\.weight|_weight)$/.test(bare) ? bare : `${bare}.weight`
}

const ofHessians: Readonly<Record<string, string>> = {
  qkv: 'self_attn.q_proj',
  q: 'self_attn.q_proj',
  k: 'self_attn.k_proj',
  v: 'self_attn.v_proj',
  o: 'self_attn.o_proj',
  up: 'mlp.up_proj',
  gate: 'mlp.gate_proj',
  down: 'mlp.down_proj',
}

/** `3.self_attn.q_proj` of what is named by its layer alone. */
function tailOf(name: string): string | null {
  const hessian = /^(\d+)_([a-z]+)$/.exec(name)
  const module = hessian && Object.hasOwn(ofHessians, hessian[2]!) ? ofHessians[hessian[2]!]! : null
  if (hessian) return module && `${hessian[1]}.${module}`
  return /^\d+\.[\w.]+$/.test(name) ? name : null
}

/** Modules that see the same input, by the last part of their names. */
const sameInput: readonly (readonly string[])[] = [
  ['q_proj', 'k_proj', 'v_proj', 'qkv_proj'],
  ['query', 'key', 'value'],
  ['to_q', 'to_k', 'to_v'],
  ['wq', 'wk', 'wv'],
  ['gate_proj', 'up_proj', 'gate_up_proj'],
  ['w1', 'w3'],
  ['q_a_proj', 'kv_a_proj_with_mqa'],
  ['attn_q', 'attn_k', 'attn_v', 'attn_qkv'],
  ['ffn_gate', 'ffn_up'],
  ['ffn_gate_exps', 'ffn_up_exps'],
  ['ffn_gate_shexp', 'ffn_up_shexp'],
  ['attn_q_a', 'attn_kv_a_mqa'],
]

/** Keys and values of these come from elsewhere. */
const crossAttention = /cross|encoder_attn|encdecattention|attn2\b|crossattention/i

function siblingsOf(name: string): string[] {
  const match = /^(.*\.)?([^.]+)(\.weight)$/.exec(name)
  if (!match || crossAttention.test(name)) return []
  const [, path = '', last, ending] = match
  const group = sameInput.find((each) => each.includes(last!))
  return (group ?? []).filter((each) => each !== last).map((each) => `${path}${each}${ending}`)
}
