/** What a size goal would come to at every size: the curve of the tab Model. Of a model that has been analyzed; no weight is read. */
import { z } from 'zod'
import { choiceFields } from '../choice-fields.ts'
import { tradeOffSchema } from './compress.ts'
import { job, withStatistics } from './job.ts'

export const sizes = job('sizes', {
  files: withStatistics,
  options: choiceFields,
  machine: ({ params }) => params,
  report: z.strictObject({
    /** Empty where not all of it is known. */
    tradeOff: tradeOffSchema,
  }),
})
