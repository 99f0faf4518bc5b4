/** Randomized beside exact: same rank, same matrix. */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { spanFields } from '../span-fields.ts'
import { analysisReportSchema } from './analyze.ts'
import { job, withStatistics } from './job.ts'

const comparisonReportSchema = z.strictObject({
  tensor: z.string(),
  exact: analysisReportSchema,
  randomized: analysisReportSchema,
  /** Eckart-Young error at the rank, from the exact singular values. */
  floor: z.number(),
  /** randomized.relativeError / floor - 1; 0 where the floor is 0, or no further away than `resolution`. */
  excess: z.number(),
  /** Differences of errors up to this are rounding: "equal". */
  resolution: z.number(),
  singularValueError: z.strictObject({ mean: z.number(), max: z.number(), perIndex: z.array(z.number()) }),
  ...spanFields,
  /** exact time / randomized time, compute only. */
  speedup: z.number(),
})
export type ComparisonReport = z.infer<typeof comparisonReportSchema>

export const compare = job('compare', {
  files: withStatistics,
  options: { tensor: z.string(), params: paramsSchema },
  machine: ({ params }) => params,
  report: comparisonReportSchema,
})
