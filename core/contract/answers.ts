/** Two models run on the same inputs, and a model whose inputs of layers were summed: reports. */
import { z } from 'zod'

export const spreadSchema = z.strictObject({
  median: z.number(),
  /** Of the middle half. */
  low: z.number(),
  high: z.number(),
})

interface RanModel {
  readonly name: string
  /** Of the file. */
  readonly byteLength: number
  /** Milliseconds of one run. */
  readonly latencyMs: z.infer<typeof spreadSchema>
  /** Most memory that its process has had. */
  readonly peakBytes: number
}

/** Rows along the last axis, how many have the same largest entry, and how many have the original's among the five largest. */
const classAgreementSchema = z.strictObject({
  rows: z.number(),
  sameFirst: z.number(),
  firstAmongFive: z.number(),
})
export type ClassAgreement = z.infer<typeof classAgreementSchema>

export const outputDifferenceSchema = z.strictObject({
  name: z.string(),
  /** Of the first sample. */
  dims: z.array(z.number()).readonly(),
  /** ||original - compressed|| / ||original|| over all samples; null where the original is zero everywhere. */
  relativeError: z.number().nullable(),
  /** Of the sample in which it is largest. */
  largestError: z.number().nullable(),
  /** Cosine of the angle between them, over all samples; null where one of them is zero. */
  cosine: z.number().nullable(),
  /** null for an output that has no axis of classes. */
  classes: classAgreementSchema.nullable(),
})
export type OutputDifference = z.infer<typeof outputDifferenceSchema>

export interface TryReport {
  readonly original: RanModel
  readonly compressed: RanModel
  /** Latency of the compressed model over that of the original, run by run. */
  readonly latencyRatio: z.infer<typeof spreadSchema>
  readonly inputs: 'drawn' | 'given'
  readonly samples: number
  /** Runs of each model, all samples together. */
  readonly runs: number
  readonly threads: number
  readonly outputs: readonly OutputDifference[]
}

export interface CalibrationReport {
  readonly output: string
  readonly inputs: 'drawn' | 'given'
  readonly samples: number
  /** Weights with statistics, and those whose inputs cannot be seen. */
  readonly covered: number
  readonly uncovered: readonly string[]
  /** Vectors of the tensor that has fewest. */
  readonly fewestVectors: number
  readonly byteLength: number
  readonly elapsedMs: number
}
