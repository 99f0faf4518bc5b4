/** Models run on the same inputs, and a model whose inputs of layers were summed: what is said of them. */
import { z } from 'zod'

export const spreadSchema = z.strictObject({
  median: z.number(),
  /** Of the middle half. */
  low: z.number(),
  high: z.number(),
})
export type Spread = z.infer<typeof spreadSchema>

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
  /** Numbers, over all samples, that are NaN or infinite in one of the two and not the same in the other. With any there is no error, and no cosine. */
  notFinite: z.number(),
  /** ||original - compressed|| / ||original|| over all samples; null where the original is zero everywhere, or `notFinite` is not 0. */
  relativeError: z.number().nullable(),
  /** Of the sample in which it is largest; null as above. */
  largestError: z.number().nullable(),
  /** Cosine of the angle between them, over all samples; null where one of them is zero, or `notFinite` is not 0. */
  cosine: z.number().nullable(),
  /** null for an output that has no axis of classes. */
  classes: classAgreementSchema.nullable(),
})
export type OutputDifference = z.infer<typeof outputDifferenceSchema>

const ranModelSchema = z.strictObject({
  name: z.string(),
  /** Of the file. */
  byteLength: z.number(),
  /** Milliseconds of one run. */
  latencyMs: spreadSchema,
  /** Most memory that its process has had. */
  peakBytes: z.number(),
})

export const tryReportSchema = z.strictObject({
  original: ranModelSchema,
  compressed: z.array(
    ranModelSchema.extend({
      /** Latency over that of the original, run by run. */
      latencyRatio: spreadSchema,
      outputs: z.array(outputDifferenceSchema),
    }),
  ),
  inputs: z.enum(['drawn', 'given']),
  samples: z.number(),
  /** Runs of each model, all samples together. */
  runs: z.number(),
  threads: z.number(),
  elapsedMs: z.number(),
})
export type TryReport = z.infer<typeof tryReportSchema>
export type TriedModel = TryReport['compressed'][number]

export const calibrationReportSchema = z.strictObject({
  output: z.string(),
  inputs: z.enum(['drawn', 'given']),
  samples: z.number(),
  /** Weights with statistics, and those whose inputs cannot be seen. */
  covered: z.number(),
  uncovered: z.array(z.string()),
  /** Weights whose inputs were NaN or infinite, or whose squares add up to more than F32 holds: they are left out. */
  notFinite: z.array(z.string()),
  /** And by nothing but zeros. */
  allZero: z.array(z.string()),
  /** Vectors of the tensor that has fewest; 0 where no value came out. */
  fewestVectors: z.number(),
  byteLength: z.number(),
  elapsedMs: z.number(),
})
export type CalibrationReport = z.infer<typeof calibrationReportSchema>
