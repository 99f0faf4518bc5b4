/** The layers of a model, by its names: what stands before their first number. */
import type { TensorReport } from '../../core/contract.ts'
import { compareNames } from '../../core/natural-order.ts'

interface Parts {
  readonly layer: string
  readonly role: string
}

/** A name up to its first number, and the rest. */
export function partsOf(name: string): Parts {
  const found = /^(.*?(?:^|[./_])\d+)[./_](?=.)/.exec(name)
  return found ? { layer: found[1]!, role: name.slice(found[0].length) } : { layer: '', role: name }
}

/** Of lists that are still in use: the header counts layers that the list shows. */
const grouped = new WeakMap<readonly TensorReport[], ReadonlyMap<string, readonly TensorReport[]>>()

/** The groups of a model, layers as they are counted, what stands outside of them first. Cost: one pass over the names and a sort of layers, once a list. */
export function groupsOf(tensors: readonly TensorReport[]): ReadonlyMap<string, readonly TensorReport[]> {
  const known = grouped.get(tensors)
  if (known) return known
  const found = group(tensors)
  grouped.set(tensors, found)
  return found
}

function group(tensors: readonly TensorReport[]): ReadonlyMap<string, readonly TensorReport[]> {
  const groups = new Map<string, TensorReport[]>()
  for (const tensor of tensors) {
    const { layer } = partsOf(tensor.name)
    const members = groups.get(layer)
    if (members) members.push(tensor)
    else groups.set(layer, [tensor])
  }
  return new Map([...groups].sort(([a], [b]) => compareNames(a, b)))
}

/** Layers, as the list groups them. */
export function layerCount(tensors: readonly TensorReport[]): number {
  return [...groupsOf(tensors).keys()].filter((key) => key !== '').length
}
