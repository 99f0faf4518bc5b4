/** A file of statistics held against a model: what it is, and which matrices it speaks of. */
import { z } from 'zod'
import { statisticsForms } from '../../statistics-forms.ts'
import { messageSchema } from '../messages.ts'
import { fileId, job } from './job.ts'

const statisticsLookSchema = z.strictObject({
  form: z.enum(statisticsForms),
  /** As a recipe names them. */
  hash: z.string(),
  /** Matrices of the model, those with statistics, and of these those with statistics of another matrix of the same input. */
  total: z.number(),
  covered: z.number(),
  borrowed: z.number(),
  tensors: z.array(
    z.strictObject({
      name: z.string(),
      /** Mean squares of its inputs, their second moments, or a factor of those. */
      kind: z.enum(['diagonal', 'full', 'factor']),
      /** The tensor they were collected for, where that is another. */
      from: z.string().nullable(),
    }),
  ),
  /** Of our own form: from which inputs they were summed. */
  calibration: z.strictObject({ inputs: z.enum(['drawn', 'given']), samples: z.number() }).nullable(),
  notices: z.array(messageSchema),
})
export type StatisticsLook = z.infer<typeof statisticsLookSchema>

export const statistics = job('statistics', {
  files: z.strictObject({ model: fileId, statistics: fileId }),
  options: {},
  report: statisticsLookSchema,
})
