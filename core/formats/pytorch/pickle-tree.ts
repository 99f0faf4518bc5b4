/**
 * Tensors found in what a pickle built, with names: the path of keys that leads to each. Whole modules that were pickled instead of
 * their state are opaque nodes; their state is looked through all the same (`_parameters`, `_buffers`, `_modules` are PyTorch's own and
 * leave no trace in a name).
 */

import { uniqueNames } from '../../unique-names.ts'
import { nameMeter, refuseLongName } from '../reading/name-meter.ts'
import { type LeftOut, overLimit } from '../reading/refusal.ts'
import {
  type ArrayNode,
  type DictNode,
  isNode,
  type PickleNode,
  type PickleValue,
  type StorageNode,
  type TensorNode,
  type WrapperNode,
} from './pickle-values.ts'

/** A module tree adds about three levels a module; a pickle nested deeper than this is an attack on code that walks it. */
const maxDepth = 256
/** The largest published checkpoints have 1.5e5. */
const maxTensors = 200_000

export interface FoundTensor {
  readonly name: string
  readonly node: TensorNode | ArrayNode | StorageNode
  /** The tensor of another class that this one is a part of. */
  readonly inside?: WrapperNode
}

export interface TensorTree {
  /** Names are unique. */
  readonly tensors: readonly FoundTensor[]
  /** Prefixes that were left out of names, such as `state_dict.`. */
  readonly stripped: readonly string[]
  /** Tensors that have no values here, and why. */
  readonly left: readonly LeftOut[]
}

/** Keys under which checkpoints keep the state dict itself, most particular first. */
const wrapperKeys = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'module',
  'net',
  'network',
  'params_ema',
  'params',
  'weights',
]
const moduleParts = new Set(['_parameters', '_buffers', '_modules'])

/** Where the classes that hold a whole tensor, or its shard, keep it: torch's DTensor, its relatives, torchao's Float8 training weights. */
const wholeTensorKeys = ['_local_tensor', '_local_shard', '_tensor', 'elem', '_elem']

interface Found {
  readonly path: readonly string[]
  readonly node: FoundTensor['node']
  readonly inside?: WrapperNode
}

/**
 * Finds every tensor under `root`, in order.
 * @throws AppError `over-limit`
 */
export function namedTensors(root: PickleValue, where: string): TensorTree {
  const found: Found[] = []
  const meter = nameMeter(where)
  // A container reached twice is shown once, so a hundred lists of a hundred references each stay a hundred lists.
  const seen = new Set<PickleNode | readonly PickleValue[]>()

  const tooDeep = (levels: number) =>
    overLimit(where, 'levels of nesting', maxDepth, levels, 'no honest checkpoint nests so deep')
  const left: LeftOut[] = []
  let inside: WrapperNode | undefined
  /** Wrappers in wrappers, which add nothing to a path. */
  let wrappers = 0

  const visitWrapper = (wrapper: WrapperNode, path: readonly string[]): void => {
    if (++wrappers > maxDepth) throw tooDeep(wrappers)
    const before = found.length
    const outer = inside
    inside = wrapper
    const { state } = wrapper
    const whole = isNode(state, 'dict') ? wholeTensor(state) : null
    if (whole) visit(whole.value, path)
    else visit(state, [...path, ''])
    inside = outer
    wrappers--
    if (found.length === before && left.length < maxTensors) {
      meter(path)
      left.push({ name: joined(path) || 'tensor', why: wrapper.name.slice(0, 100) })
    }
  }
  const visit = (value: PickleValue, path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return
    if (isNode(value, 'tensor') || isNode(value, 'array') || isNode(value, 'storage')) {
      if (found.length === maxTensors)
        throw overLimit(where, 'tensors', maxTensors, found.length + 1, 'no published file comes near it')
      meter(path)
      found.push({ path, node: value, ...(inside && { inside }) })
      return
    }
    if (seen.has(value)) return
    seen.add(value)
    if (path.length > maxDepth) throw tooDeep(path.length)
    if (isNode(value, 'wrapper')) visitWrapper(value, path)
    else if (isNode(value, 'dict')) visitPairs(value.keys, value.values, path)
    else if (isNode(value, 'opaque')) {
      visit(value.state, [...path, ''])
      // A tuple of arguments, which other objects may have as well.
      if (!seen.has(value.args)) for (const each of value.args) visit(each, [...path, ''])
      seen.add(value.args)
      visitItems(value.items, path)
      visitPairs(value.keys, value.values, path)
    } else if (isNode(value, 'list') || isNode(value, 'tuple') || isNode(value, 'set')) visitItems(value.items, path)
  }
  const visitItems = (items: readonly PickleValue[], path: readonly string[]) => {
    for (const [i, item] of items.entries())
      if (typeof item === 'object' && item !== null) visit(item, [...path, String(i)])
  }
  const visitPairs = (keys: readonly PickleValue[], values: readonly PickleValue[], path: readonly string[]) => {
    // A key set twice counts once, with its last value, where it stood first.
    const last = new Map<string, PickleValue>()
    for (const [i, key] of keys.entries()) {
      const label = keyLabel(key) ?? `tuple ${i}`
      refuseLongName(where, label.length)
      last.set(label, values[i]!)
    }
    const isModule = last.has('_parameters') && last.has('_modules')
    for (const [key, value] of last) {
      if (typeof value !== 'object' || value === null) continue
      // A module's other attributes (hooks, caches of the same parameters) are not in its state dict either.
      if (!isModule) visit(value, [...path, key])
      else if (moduleParts.has(key)) visit(value, [...path, ''])
    }
  }

  visit(root, [])
  return { ...withoutWrappers(root, found), left }
}

/** Keys of honest checkpoints are names, numbers, or a few of these together; a tuple may hold another a billion times over, or in a million levels. */
const mostKeyParts = 64
const mostKeyLevels = 8
const mostPartCharacters = 200

/** Null for a key of more parts. */
function keyLabel(key: PickleValue): string | null {
  const parts: string[] = []
  return addParts(key, parts, 0) ? parts.join(',') : null
}

/** Whether it has no more parts than a key may have. */
function addParts(key: PickleValue, parts: string[], level: number): boolean {
  if (isNode(key, 'tuple') && key.items.length > 0)
    return level < mostKeyLevels && key.items.every((item) => addParts(item, parts, level + 1))
  parts.push(typeof key !== 'object' || key === null ? String(key) : isNode(key, 'tuple') ? '' : key.kind)
  return parts.length <= mostKeyParts && (level === 0 || parts.at(-1)!.length <= mostPartCharacters)
}

const wholeTensors = new WeakMap<DictNode, { readonly value: PickleValue } | null>()

/** The whole tensor that a state has; null for none. Looked for once: it may be the state of any number of tensors. */
export function wholeTensor(state: DictNode): { readonly value: PickleValue } | null {
  const known = wholeTensors.get(state)
  if (known !== undefined) return known
  const key = wholeTensorKeys.find((each) => state.keys.includes(each))
  const found = key === undefined ? null : { value: state.values[state.keys.lastIndexOf(key)]! }
  wholeTensors.set(state, found)
  return found
}

const joined = (path: readonly string[]) => wellFormed(path.filter((part) => part !== '').join('.'))

/** Python's texts may have half a surrogate pair, which no file of weights can: it would be written as an escape that readers refuse. */
export function wellFormed(name: string): string {
  return name.replace(/\p{Cs}/gu, '\ufffd')
}

/** Leaves `state_dict.` and the like, and the `module.` of DataParallel, out of the names they wrap. */
function withoutWrappers(root: PickleValue, found: readonly Found[]): Omit<TensorTree, 'left'> {
  const prefix: string[] = []
  let inside = found.map(({ path }) => path)
  while (prefix.length < 3) {
    const depth = prefix.length
    const key = wrapperKeys.find((each) => inside.some((path) => path[depth] === each && path.length > depth + 1))
    if (key === undefined || !isDictAt(root, prefix)) break
    prefix.push(key)
    inside = inside.filter((path) => path[depth] === key)
  }
  const isInside = (path: readonly string[]) => prefix.every((part, i) => path[i] === part)
  const shortNames = found.map(({ path }) => (isInside(path) ? joined(path.slice(prefix.length)) : null))
  const inner = shortNames.filter((name) => name !== null)
  const parallel = inner.length > 0 && inner.every((name) => name.startsWith('module.'))

  const names = new Set<string>()
  const unique = uniqueNames(names)
  const tensors = found.map(({ path, ...rest }, i) => {
    const short = shortNames[i]!
    const wanted = short === null ? joined(path) : parallel ? short.slice('module.'.length) : short
    const [own, full] = [wanted || 'tensor', joined(path)]
    const inFull = names.has(own) && full !== '' && !names.has(full)
    return { name: inFull ? unique(full) : unique(own, (n) => `${own} (${n})`), ...rest }
  })
  const stripped = [...prefix, ...(parallel ? ['module'] : [])].map((part) => `${part}.`)
  return { tensors, stripped }
}

/** Only dicts wrap; the attributes of an opaque object are its own. */
function isDictAt(root: PickleValue, path: readonly string[]): boolean {
  let value: PickleValue = root
  for (const part of path) {
    if (!isNode(value, 'dict')) return false
    value = value.values[value.keys.lastIndexOf(part)] ?? null
  }
  return isNode(value, 'dict')
}
