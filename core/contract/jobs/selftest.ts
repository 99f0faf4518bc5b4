/** Randomized beside exact on Gaussian matrices of known spectra, on this machine. */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { job, noFiles } from './job.ts'

const selfTestRowSchema = z.strictObject({
  /** n of an n x n matrix of standard normals. */
  size: z.number(),
  rank: z.number(),
  exactMs: z.number(),
  randomizedMs: z.number(),
  speedup: z.number(),
  /** Working memory beyond the matrix itself. */
  exactBytes: z.number(),
  randomizedBytes: z.number(),
  exactError: z.number(),
  randomizedError: z.number(),
  /** What theory says the exact error is, for a matrix without structure. */
  noiseError: z.number(),
  singularValueError: z.strictObject({ mean: z.number(), max: z.number() }),
  /** max |UtU - I| of the randomized factors. */
  orthogonality: z.number(),
})
export type SelfTestRow = z.infer<typeof selfTestRowSchema>

const selfTestReportSchema = z.strictObject({
  rows: z.array(selfTestRowSchema),
  /** What has to hold whatever the machine. */
  checks: z.array(z.strictObject({ claim: messageSchema, passed: z.boolean() })),
  passed: z.boolean(),
  /** A device that was asked for and is not there. */
  notices: z.array(messageSchema),
  ...kernelFields,
})
export type SelfTestReport = z.infer<typeof selfTestReportSchema>

export const selftest = job('selftest', {
  files: noFiles,
  options: {
    /** Up to 4096 x 4096. */
    full: z.boolean(),
    params: paramsSchema,
  },
  machine: ({ params }) => params,
  report: selfTestReportSchema,
})
