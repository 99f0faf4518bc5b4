/** What an output will weigh, to the byte, before anything is written. */

import { inFileOrder, outputEntries } from '../plan/entries.ts'
import { companions, type OutputLayout } from '../plan/output-files.ts'
import type { TensorPlan } from '../plan/plan.ts'
import { tensorBytes } from '../tensor.ts'
import type { Compression } from './compression.ts'
import { encodingOf } from './encodings/registry.ts'
import { outputMetadata } from './metadata.ts'

/** Bytes of everything the plans become, what lies beside the weights included. */
export function predictedOutput(compression: Compression, layout: OutputLayout): number {
  const { style } = compression
  const entries = layout.files.map(({ plans }) => plans.flatMap((plan) => outputEntries(plan, style)))
  const names = entries.map((each) => each.map(({ name }) => name))
  const dataBytes = entries.flat().reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  const weights = layout.files.reduce((sum, { plans }) => sum + predictedBytes(compression, plans), 0)
  return companions(layout, style, names, dataBytes).reduce((sum, { bytes }) => sum + bytes.byteLength, weights)
}

/** Bytes of the file these plans become: the header has every number at its final width. */
export function predictedBytes(compression: Compression, planned: readonly TensorPlan[]): number {
  const plans = inFileOrder(planned, compression.style)
  const entries = plans.flatMap((plan) => outputEntries(plan, compression.style))
  const metadata = outputMetadata(compression, plans)
  return encodingOf(compression.style, compression.file).plannedBytes(entries, metadata)
}
