/** A model and compressed forms of it, run on the same inputs. */
import { z } from 'zod'
import { tryReportSchema } from '../answers.ts'
import { sampleFields } from '../sample-fields.ts'
import { fileId, fileIds, job } from './job.ts'

export const tryModels = job('try', {
  files: z.strictObject({ model: fileId, compressed: z.array(fileId).min(1).max(8), inputs: fileIds }),
  options: {
    ...sampleFields(3),
    /** Each sample is run so many times, after once that is not timed. */
    rounds: z.number().int().min(1).max(10_000).default(5),
  },
  report: tryReportSchema,
})
