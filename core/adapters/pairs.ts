/**
 * The tensors of two models, paired, and cut to the modules of an adapter: a matrix that the adapter's loaders know by thirds becomes three, three
 * that they know as one become one. Pure: names and shapes in, rows of tensors out.
 */
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import type { AdapterForm } from '../styles.ts'
import { elementCount, type TensorInfo } from '../tensor.ts'
import { isOfStack, pairedStacks } from './expert-stacks.ts'
import type { Family, Row } from './family.ts'
import { type Module, moduleKey, moduleOfTensor, namesOf, type Placed, placeTensor, type Share } from './names.ts'
import type { Pair, Run } from './pair.ts'
import { type Heads, isReordered, nativeRows } from './row-order.ts'

export interface Pairing {
  readonly pairs: readonly Pair[]
  /** Tensors that one of the two models has alone, by name. */
  readonly onlyBase: readonly TensorInfo[]
  readonly onlyTuned: readonly TensorInfo[]
}

export interface PairingChoices {
  readonly family: Family | null
  readonly form: AdapterForm
  /** null where the model does not say. */
  readonly heads: Heads | null
  /** Whether GGUF has the rows of q and k of this model in an order of its own. */
  readonly interleaved: boolean
}

export function pairTensors(
  base: readonly TensorInfo[],
  tuned: readonly TensorInfo[],
  choices: PairingChoices,
): Pairing {
  const stacks = choices.form === 'gguf' && choices.family ? pairedStacks(base, tuned, choices.family) : []
  const stacked = new Set(stacks.flatMap((pair) => [...pair.base, ...pair.tuned].map(({ tensor }) => tensor)))
  const others = (tensors: readonly TensorInfo[]) => tensors.filter((tensor) => !stacked.has(tensor))
  const ofBase = grouped(others(base), choices.family)
  const ofTuned = grouped(others(tuned), choices.family)
  const pairs: Pair[] = [...stacks]
  for (const [key, mine] of ofTuned) {
    const other = ofBase.get(key)
    if (other) pairs.push(...paired(other, mine, choices))
  }
  const alone = (these: ReadonlyMap<string, Group>, others: ReadonlyMap<string, Group>) =>
    [...these].flatMap(([key, { pieces }]) => (others.has(key) ? [] : pieces.map(({ tensor }) => tensor)))
  return { pairs, onlyBase: alone(ofBase, ofTuned), onlyTuned: alone(ofTuned, ofBase) }
}

interface Piece {
  readonly tensor: TensorInfo
  readonly placed: Placed | null
}
/** What one model has of a module of the table, or a tensor that is not in it. */
interface Group {
  readonly pieces: readonly Piece[]
}

function grouped(tensors: readonly TensorInfo[], family: Family | null): Map<string, Group> {
  const groups = new Map<string, { pieces: Piece[] }>()
  for (const tensor of tensors) {
    const placed = family && tensor.shape.length >= 2 ? placeTensor(family, tensor.name) : null
    const key = placed ? moduleKey(placed) : `name:${bareName(tensor.name)}`
    const group = groups.get(key) ?? { pieces: [] }
    group.pieces.push({ tensor, placed })
    groups.set(key, group)
  }
  for (const { pieces } of groups.values())
    pieces.sort((a, b) => (a.placed?.share.start ?? 0) - (b.placed?.share.start ?? 0))
  return groups
}

/** Without what some checkpoints put before all their names. */
export function bareName(name: string): string {
  return name.replace(/^((_orig_mod|module)\.)+/, '').replace(/^(model\.)?diffusion_model\./, '')
}

function paired(base: Group, tuned: Group, choices: PairingChoices): Pair[] {
  const [first] = tuned.pieces as [Piece]
  if (!first.placed) return [alone(base.pieces[0]!.tensor, first.tensor, choices)]
  const module: Module = first.placed
  const names = namesOf(module, choices.form)
  if (!names) {
    const why = say('adapter.no-place', { form: choices.form })
    return tuned.pieces.map(({ tensor }) => whole(base.pieces[0]!.tensor, tensor, null, why))
  }
  // Where both models and the adapter have the rows in one order, whatever that is, nothing has to be known of it.
  const alike = [...base.pieces, ...tuned.pieces].every(({ placed }) => placed?.scheme === names[0]!.scheme)
  const transposed = transposition(module.row, base, tuned)
  const rowsOf = (group: Group) => nativeRuns(group, module.row, alike ? null : choices)
  const [left, right] =
    transposed === 'differs' ? [say('adapter.turned'), say('adapter.turned')] : [rowsOf(base), rowsOf(tuned)]
  if ('key' in left || 'key' in right) {
    const why = 'key' in left ? left : (right as Message)
    return tuned.pieces.map(({ tensor }) => whole(base.pieces[0]!.tensor, tensor, null, why))
  }
  const rest = first.tensor.shape.slice(1)
  if (left.total !== right.total || elementCount(base.pieces[0]!.tensor.shape.slice(1)) !== elementCount(rest))
    return tuned.pieces.map(({ tensor }) =>
      whole(base.pieces[0]!.tensor, tensor, null, otherShape(base.pieces[0]!.tensor, tensor)),
    )
  const one = names.length === 1 && tuned.pieces.length === 1
  return names.flatMap(({ name, share, scheme }, i): Pair[] => {
    const rows = (total: number) => [(total * share.start) / share.of, (total * share.end) / share.of] as const
    const [start, end] = rows(right.total)
    const order =
      !alike && isReordered(module.row, scheme) && (scheme !== 'gguf' || choices.interleaved)
        ? nativeRows(module.row, right.total, choices.heads ?? { heads: 1, kv: 1 })
        : null
    const cut = (runs: NativeRuns) => runs.cut(start, end, order)
    return [
      {
        name: one ? first.tensor.name : nameOfPart(tuned, share, first.tensor.name, i),
        module: name,
        ...(typeof transposed === 'object' && transposed),
        shape: [end - start, ...rest],
        base: cut(left),
        tuned: cut(right),
        unfit: null,
      },
    ]
  })
}

/** A tensor that was cut keeps its name, with the number of the part; one that was joined has its first tensor's. */
function nameOfPart({ pieces }: Group, share: Share, first: string, index: number): string {
  const own = pieces.find(({ placed }) => placed && placed.share.start === share.start && placed.share.of === share.of)
  if (own && pieces.length > 1) return own.tensor.name
  return index === 0 && pieces.length > 1 ? first : `${first}#${index}`
}

/** GGUF has Conv1D the other way round, as any other matrix. */
function transposition({ transposed }: Row, base: Group, tuned: Group): Pick<Pair, 'transposed'> | 'differs' {
  if (transposed !== 'conv1d') return transposed ? { transposed } : {}
  const [one, ...others] = [...base.pieces, ...tuned.pieces].map(({ placed }) => placed?.scheme === 'gguf')
  if (others.some((other) => other !== one)) return 'differs'
  return one ? {} : { transposed }
}

interface NativeRuns {
  /** Rows of the native matrix. */
  readonly total: number
  /** Native rows [start, end), or those that `order` says. */
  cut(start: number, end: number, order: Int32Array | null): Run[]
}

/** Where each native row lies; why that cannot be said. Without choices rows are taken in the order they have. */
function nativeRuns({ pieces }: Group, row: Row, choices: PairingChoices | null): NativeRuns | Message {
  const { interleaved = false, heads = null } = choices ?? {}
  const [first] = pieces as [Piece]
  const { share } = first.placed!
  const total = (first.tensor.shape[0]! / (share.end - share.start)) * share.of
  if (!Number.isInteger(total)) return otherShape(first.tensor, first.tensor)
  const tensorAt: TensorInfo[] = []
  const starts: number[] = []
  const ends: number[] = []
  let at = 0
  for (const { tensor, placed } of pieces) {
    const { start, end, of } = placed!.share
    if ((total * start) / of !== at || (total * end) / of !== at + tensor.shape[0]!)
      return otherShape(first.tensor, tensor)
    tensorAt.push(tensor)
    starts.push(at)
    at += tensor.shape[0]!
    ends.push(at)
  }
  if (at !== total) return say('adapter.part-missing', { name: foreign(first.tensor.name) })
  const { scheme } = first.placed!
  const reordered = choices !== null && isReordered(row, scheme) && (scheme !== 'gguf' || interleaved)
  if (reordered && scheme === 'gguf' && !heads) return say('adapter.heads-unknown')
  const native = reordered ? nativeRows(row, total, heads ?? { heads: 1, kv: 1 }) : null
  if (reordered && !native) return say('adapter.heads-unknown')
  const inverse = native && inverted(native)
  const place = (r: number) => {
    const own = inverse ? inverse[r]! : r
    const piece = ends.findIndex((end) => own < end)
    return { tensor: tensorAt[piece]!, row: own - starts[piece]! }
  }
  return {
    total,
    cut: (start, end, order) => {
      const runs: { tensor: TensorInfo; start: number; rows: number }[] = []
      for (let i = start; i < end; i++) {
        const { tensor, row } = place(order ? order[i]! : i)
        const last = runs.at(-1)
        if (last && last.tensor === tensor && last.start + last.rows === row) last.rows++
        else runs.push({ tensor, start: row, rows: 1 })
      }
      return runs
    },
  }
}

function inverted(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length)
  for (let i = 0; i < order.length; i++) inverse[order[i]!] = i
  return inverse
}

/** A tensor that the table does not have: named as unknown models are, where the form has such names. */
function alone(base: TensorInfo, tuned: TensorInfo, { family, form }: PairingChoices): Pair {
  const module = moduleOfTensor(tuned.name)
  if (tuned.shape.length < 2) return whole(base, tuned, null, null)
  if (module === null) return whole(base, tuned, null, say('adapter.no-module'))
  const name = genericName(form, tuned.name, module, family)
  return whole(base, tuned, name, name === null ? say('adapter.no-place', { form }) : null)
}

/** Whether an adapter of this form has a module for the tensor. */
export function hasPlace(
  { name, shape }: Pick<TensorInfo, 'name' | 'shape'>,
  family: Family | null,
  form: AdapterForm,
): boolean {
  if (form === 'gguf' && family && isOfStack(family, { name, shape })) return true
  const placed = family && placeTensor(family, name)
  if (placed) return namesOf(placed, form) !== null
  const module = moduleOfTensor(name)
  return module !== null && genericName(form, name, module, family) !== null
}

/** Parts of an image model that no adapter is for. */
const NEVER =
  /^(first_stage_model|vae|model_ema|cond_stage_model|conditioner|text_encoders?|decoder\.up|encoder\.down)\b/

function genericName(form: AdapterForm, tensor: string, module: string, family: Family | null): string | null {
  if (NEVER.test(tensor)) return null
  const path = bareName(module)
  const ofImages = family?.parts.some(({ id }) => id === 'unet')
  if (form === 'peft') return `base_model.model.${ofImages ? path : module}`
  if (form === 'comfy') return `diffusion_model.${path}`
  // Only what the table has is known to be loaded by the others.
  if (family !== null) return null
  if (form === 'kohya') return `lora_unet_${path.replaceAll('.', '_')}`
  return form === 'diffusers' ? `transformer.${path}` : null
}

function whole(base: TensorInfo, tuned: TensorInfo, module: string | null, unfit: Message | null): Pair {
  const same = base.shape.length === tuned.shape.length && base.shape.every((size, i) => size === tuned.shape[i])
  const why = !same ? otherShape(base, tuned) : unfit
  const all = (tensor: TensorInfo): Run[] => [{ tensor, start: 0, rows: tensor.shape[0] ?? 1 }]
  return { name: tuned.name, module, shape: tuned.shape, base: all(base), tuned: all(tuned), unfit: why }
}

function otherShape(base: TensorInfo, tuned: TensorInfo): Message {
  return say('adapter.other-shape', { base: base.shape, tuned: tuned.shape })
}
