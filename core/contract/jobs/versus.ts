/** Two ways to factorize the same matrix, side by side and taking turns. */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { spanFields } from '../span-fields.ts'
import { analysisReportSchema } from './analyze.ts'
import { job, withStatistics } from './job.ts'

/** One side of a comparison of two ways. */
const versusSideSchema = z.strictObject({
  /** Of the first seed. */
  report: analysisReportSchema,
  /** Matrix in memory to U, s, Vt, after one untimed run, and the relative error, of each seed; an exact side has one of each. */
  computeMs: z.array(z.number()),
  errors: z.array(z.number()),
  /** Working memory beyond the matrix itself. */
  workingBytes: z.number(),
  /** Mean error / floor at this side's rank - 1; 0 where they are equal to rounding, null where no side gave the exact singular values. */
  excess: z.number().nullable(),
})

const versusReportSchema = z.strictObject({
  tensor: z.string(),
  a: versusSideSchema,
  b: versusSideSchema,
  /** Eckart-Young error at the smaller of the two ranks, where one side is exact. */
  floor: z.number().nullable(),
  /** Differences of errors up to this are rounding: "equal". */
  resolution: z.number(),
  /** Over the ranks both have and values that are more than rounding: the largest |s_a - s_b| / max(s_a, s_b), and at which index (from 1). */
  largestGap: z.strictObject({ index: z.number(), relative: z.number() }),
  ...spanFields,
})
export type VersusReport = z.infer<typeof versusReportSchema>

export const versus = job('versus', {
  files: withStatistics,
  options: {
    tensor: z.string(),
    /** Kernel, threads and memory limit are those of `a`; each has its own device, of which there is one. */
    a: paramsSchema,
    b: paramsSchema,
    /** A sketch runs that many times, with the seeds that follow its own: what it owes to chance. */
    seeds: z.number().int().min(1).max(20).default(1),
    /** Whether an exact side is run once untimed too, as a sketch always is. It is long enough to warm itself up. */
    warmExact: z.boolean().default(true),
    /** Whether spectrum and error curve are said after each power iteration, of the first run of each side. */
    estimates: z.boolean().default(false),
  },
  machine: ({ a, b }) => (a.device === 'cpu' ? { ...a, device: b.device } : a),
  report: versusReportSchema,
})
