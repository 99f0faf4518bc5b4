/** An adapter merged into the model it belongs to. */
import { z } from 'zod'
import { compressionReportSchema } from './compress.ts'
import { fileId, job } from './job.ts'

const applicationReportSchema = compressionReportSchema.extend({
  /** Tensors that the adapter changed. */
  changed: z.number(),
})
export type ApplicationReport = z.infer<typeof applicationReportSchema>

export const apply = job('apply', {
  files: z.strictObject({ base: fileId, adapter: fileId }),
  options: {
    target: z.string(),
    /** What the adapter's product is multiplied with, beyond its own scale. */
    scale: z.number().default(1),
    force: z.boolean().default(false),
    resume: z.boolean().default(false),
  },
  writes: ({ target, force, resume }) => ({ target, force, resume }),
  report: applicationReportSchema,
})
