/** What an output will weigh, to the byte, before anything is written. */
import { tensorBytes } from '../formats/safetensors.ts'
import type { Compression } from './compress-tensor.ts'
import { companions, type OutputLayout } from './output-files.ts'
import { outputEntries, predictedBytes } from './weights-file.ts'

/** Bytes of everything the plans become, what lies beside the weights included. */
export function predictedOutput(compression: Compression, layout: OutputLayout): number {
  const { style } = compression
  const entries = layout.files.map(({ plans }) => plans.flatMap((plan) => outputEntries(plan, style)))
  const names = entries.map((each) => each.map(({ name }) => name))
  const dataBytes = entries.flat().reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  const weights = layout.files.reduce((sum, { plans }) => sum + predictedBytes(compression, plans), 0)
  return companions(layout, style, names, dataBytes).reduce((sum, { bytes }) => sum + bytes.byteLength, weights)
}
