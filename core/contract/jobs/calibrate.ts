/** A model run, and what flows into its layers summed: statistics in our own form. */
import { z } from 'zod'
import { calibrationReportSchema } from '../answers.ts'
import { sampleFields } from '../sample-fields.ts'
import { fileId, fileIds, job } from './job.ts'

export const calibrate = job('calibrate', {
  files: z.strictObject({ model: fileId, inputs: fileIds }),
  options: {
    target: z.string(),
    ...sampleFields(16),
    force: z.boolean().default(false),
  },
  writes: ({ target, force }) => ({ target, force, resume: false }),
  report: calibrationReportSchema,
})
