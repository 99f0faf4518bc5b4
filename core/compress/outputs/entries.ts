/** What an output file holds, and in which order. */
import { type SafetensorsOutline, tensorBytes } from '../../formats/safetensors.ts'
import { storageName } from '../../tensor.ts'
import type { TensorPlan } from '../plan/plan.ts'
import type { OutputStyle } from './output.ts'

/** What the file holds of one tensor. */
export function outputEntries(plan: TensorPlan, style: OutputStyle): SafetensorsOutline[] {
  if (plan.action === 'factorize') return style.entries(plan)
  if (!style.copiesKept) return []
  return plan.scale ? [plan.scale, plan.info] : [plan.info]
}

function bytesOf({ dtype, shape }: SafetensorsOutline): number {
  return tensorBytes(dtype, shape)
}

/** The order in which tensors stand in the file: those that share a storage side by side, while its sketch is at hand. */
export function inFileOrder(plans: readonly TensorPlan[], style: OutputStyle): TensorPlan[] {
  const place = new Map(plans.map(({ info }, i) => [info.name, i]))
  const placeOf = ({ info }: TensorPlan) => place.get(storageName(info)) ?? place.get(info.name)!
  const neighbors = [...plans].sort((a, b) => placeOf(a) - placeOf(b))
  return alignedOrder(neighbors, (plan) => outputEntries(plan, style))
}

/**
 * Readers want each tensor at a multiple of its element size, and the format has no gaps: tensors go by the largest power of two (up to 8)
 * that divides their bytes. Where all are multiples of 8, as nearly everywhere, this is the order of the source.
 */
export function alignedOrder<T>(items: readonly T[], entriesOf: (item: T) => readonly SafetensorsOutline[]): T[] {
  const alignment = (item: T) => Math.min(8, ...entriesOf(item).map((entry) => powerOfTwoIn(bytesOf(entry))))
  return items
    .map((item) => ({ item, alignment: alignment(item) }))
    .sort((a, b) => b.alignment - a.alignment)
    .map(({ item }) => item)
}

function powerOfTwoIn(byteLength: number): number {
  for (const power of [8, 4, 2]) if (byteLength % power === 0) return power
  return 1
}
