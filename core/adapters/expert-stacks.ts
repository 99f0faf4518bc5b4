/**
 * Experts as GGUF has them: all of a layer in one tensor of three axes, where other checkpoints have one by one. llama.cpp takes factors stacked
 * likewise, lora_a [experts, r, in] and lora_b [experts, out, r], and multiplies by those of the chosen experts.
 */
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import type { TensorInfo } from '../tensor.ts'
import type { Family } from './family.ts'
import { moduleOfTensor, placeStack, placeTensor, stackOf } from './names.ts'
import type { Pair, Run } from './pair.ts'

/** The experts of a layer in one model, in order. */
interface Stack {
  readonly tensors: readonly TensorInfo[]
  readonly runs: readonly Run[]
  readonly experts: number
  /** Of each expert. */
  readonly rows: number
  readonly cols: number
  /** Why they are no stack; null where they are. */
  readonly unfit: Message | null
}

/** Whether the tensor is an expert of the family, or a stack of them. */
export function isOfStack(family: Family, { name, shape }: Pick<TensorInfo, 'name' | 'shape'>): boolean {
  if (shape.length === 3) return placeStack(family, name).length > 0
  const placed = shape.length === 2 ? placeTensor(family, name) : null
  return placed !== null && stackOf(placed) !== null
}

/** The stacks that both models have, as pairs of matrices one below the other; what else there is of experts is left to pairs.ts. */
export function pairedStacks(base: readonly TensorInfo[], tuned: readonly TensorInfo[], family: Family): Pair[] {
  const ofBase = stacksOf(base, family)
  return [...stacksOf(tuned, family)].flatMap(([module, mine]): Pair[] => {
    const other = ofBase.get(module)
    if (!other) return []
    const [first] = mine.tensors as [TensorInfo]
    const alike = mine.experts === other.experts && mine.rows === other.rows && mine.cols === other.cols
    const unfit =
      mine.unfit ??
      other.unfit ??
      (alike ? null : say('adapter.other-shape', { base: sizeOf(other), tuned: sizeOf(mine) }))
    const { experts, rows, cols } = mine
    const shape = [experts * rows, cols]
    return [{ name: first.name, module, shape, stacked: experts, base: other.runs, tuned: mine.runs, unfit }]
  })
}

const sizeOf = ({ experts, rows, cols }: Stack) => [experts, rows, cols]

function stacksOf(tensors: readonly TensorInfo[], family: Family): Map<string, Stack> {
  const found = new Map<string, Stack>()
  const single = new Map<string, Map<number, TensorInfo>>()
  for (const tensor of tensors) {
    if (!isOfStack(family, tensor)) continue
    const [experts = 0, rows = 0, cols = 0] = tensor.shape
    if (tensor.shape.length === 3) {
      const run = { tensor, start: 0, rows: experts }
      found.set(moduleOfTensor(tensor.name)!, { tensors: [tensor], runs: [run], experts, rows, cols, unfit: null })
    } else {
      const { name, expert } = stackOf(placeTensor(family, tensor.name)!)!
      const own = single.get(name) ?? new Map<number, TensorInfo>()
      // A name may give it any number, for which no array is made.
      single.set(name, own.set(expert, tensor))
    }
  }
  for (const [name, own] of single) {
    const numbered = [...own].sort(([a], [b]) => a - b)
    const hasGap = numbered.some(([expert], i) => expert !== i)
    const here = numbered.map(([, tensor]) => tensor)
    const [first] = here as [TensorInfo]
    const [rows = 0, cols = 0] = first.shape
    const other = here.find(({ shape }) => shape.join() !== first.shape.join())
    const unfit = hasGap
      ? say('adapter.part-missing', { name: foreign(name) })
      : other
        ? say('adapter.other-shape', { base: first.shape, tuned: other.shape })
        : null
    const runs = here.map((tensor) => ({ tensor, start: 0, rows }))
    if (!found.has(name)) found.set(name, { tensors: here, runs, experts: here.length, rows, cols, unfit })
  }
  return found
}
