/** Every tensor into a safetensors file, or one of them into an .npy file: the target's extension decides. */
import { z } from 'zod'
import { job, ofModel } from './job.ts'

const conversionReportSchema = z.strictObject({
  /** File name of the output, without its folder. */
  output: z.string(),
  tensors: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** What was written was read back as it was. */
  verified: z.boolean(),
})
export type ConversionReport = z.infer<typeof conversionReportSchema>

export const convert = job('convert', {
  files: ofModel,
  options: {
    target: z.string(),
    /** Of a file with several tensors, for .npy. */
    tensor: z.string().nullable().default(null),
    force: z.boolean().default(false),
  },
  writes: ({ target, force }) => ({ target, force, resume: false }),
  report: conversionReportSchema,
})
