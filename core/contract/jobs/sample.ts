/** A model to try everything on, of known spectra. */
import { z } from 'zod'
import { job, noFiles } from './job.ts'

const sampleReportSchema = z.strictObject({
  output: z.string(),
  tensors: z.number(),
  bytes: z.number(),
})
export type SampleReport = z.infer<typeof sampleReportSchema>

export const sample = job('sample', {
  files: noFiles,
  options: {
    target: z.string(),
    layers: z.number().int().min(1).max(1024),
    hidden: z.number().int().min(8).max(65536),
    dtype: z.enum(['F32', 'BF16']),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    force: z.boolean().default(false),
  },
  writes: ({ target, force }) => ({ target, force, resume: false }),
  report: sampleReportSchema,
})
