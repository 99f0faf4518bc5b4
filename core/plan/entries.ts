/** What an output file holds, and in which order. */
import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { quoted } from '../messages/text.ts'
import { encodings, type Style } from '../styles.ts'
import { type TensorInfo, type TensorOutline, tensorBytes } from '../tensor.ts'
import type { FactorizedTensor, TensorPlan } from './plan.ts'

/** A style with what it writes of a tensor, which a writer knows. */
export interface StyleLayout extends Style {
  /** The written tensors in place of the planned one. Known, with all bytes, before anything is computed. */
  entries(plan: FactorizedTensor): TensorOutline[]
  /** Where the format has tensors in groups: in which one this is. They go in ascending order. */
  group?(info: TensorInfo): number
  /** What it holds of a kept weight that is written in INT8. */
  int8?(plan: TensorPlan): TensorOutline[]
  /** What it holds of a tensor that is not factorized, where it copies none. */
  kept?(plan: TensorPlan): TensorOutline | null
  /** The configuration beside an adapter's weights. */
  configuration?(plans: readonly FactorizedTensor[]): { readonly name: string; readonly json: unknown }
  /** Whatever else lies beside the weights. */
  beside?(plans: readonly FactorizedTensor[]): readonly { readonly name: string; readonly text: string }[]
}

/** What the file holds of one tensor. */
export function outputEntries(plan: TensorPlan, style: StyleLayout): TensorOutline[] {
  if (plan.action === 'factorize') return style.entries(plan)
  if (!style.copiesKept) {
    const kept = style.kept?.(plan)
    return kept ? [kept] : []
  }
  if (plan.denseInt8 !== undefined && style.int8) return style.int8(plan)
  if (staysInNode(plan, style)) return []
  return plan.scale ? [plan.scale, plan.info] : [plan.info]
}

/**
 * Readers find tensors by name, over all files of an output: two of one name would be one. @throws AppError `bad-request` that says which, before anything is
 * computed
 */
export function refuseTwins(plans: readonly TensorPlan[], style: StyleLayout): void {
  if (encodings[style.encoding].renames) return
  const owners = new Map<string, TensorPlan>()
  for (const plan of plans)
    for (const { name } of outputEntries(plan, style)) {
      const other = owners.get(name)
      if (other) throw new AppError('bad-request', sayTwins(name, other, plan))
      owners.set(name, plan)
    }
}

function sayTwins(name: string, first: TensorPlan, second: TensorPlan): Message {
  const written = quoted(name)
  const factorized = [first, second].filter(({ info }) => info.name !== name)
  const [tensor] = factorized
  if (tensor && factorized.length === 1) return say('plan.name-taken', { tensor: quoted(tensor.info.name), written })
  return say('plan.one-name', { first: quoted(first.info.name), second: quoted(second.info.name), written })
}

/** Whether a kept tensor is part of a node that is copied as a whole. */
export function staysInNode({ info, denseInt8 }: TensorPlan, { isGraph }: Pick<Style, 'isGraph'>): boolean {
  return isGraph && info.inGraph?.isInNode === true && denseInt8 === undefined
}

function bytesOf({ dtype, shape }: TensorOutline): number {
  return tensorBytes(dtype, shape)
}

/** What decides where a tensor stands in a file. */
export interface Placed {
  /** As in TensorPlan. */
  readonly place: number
  readonly alignment: number
}

/** The order in which tensors stand in the file. */
export function inFileOrder(plans: readonly TensorPlan[], style: StyleLayout): TensorPlan[] {
  const { group } = style
  if (group) return [...plans].sort((a, b) => group(a.info) - group(b.info) || a.place - b.place)
  const placed = plans.map((plan) => ({ plan, place: plan.place, alignment: alignmentOf(outputEntries(plan, style)) }))
  return alignedOrder(placed).map(({ plan }) => plan)
}

/**
 * Readers want each tensor at a multiple of its element size, and the format has no gaps: tensors go by the largest power of two (up to 8)
 * that divides their bytes. Where all are multiples of 8, as nearly everywhere, this is the order of the source.
 */
export function alignedOrder<T extends Placed>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => b.alignment - a.alignment || a.place - b.place)
}

/** The largest power of two, up to 8, that divides the bytes of all these entries. */
export function alignmentOf(entries: readonly TensorOutline[]): number {
  return Math.min(8, ...entries.map((entry) => powerOfTwoIn(bytesOf(entry))))
}

function powerOfTwoIn(byteLength: number): number {
  for (const power of [8, 4, 2]) if (byteLength % power === 0) return power
  return 1
}
