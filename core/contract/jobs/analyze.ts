/** One tensor factorized and measured; nothing is written. */

import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { timedPhases } from '../../phases.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { job, withStatistics } from './job.ts'

/** What holds whatever the exact SVD would say (measure/certificate.ts); in the units of the weights where they are lengths. */
const certificateSchema = z.strictObject({
  /** ||A v_i - s_i u_i|| and ||At u_i - s_i v_i||. */
  residuals: z.array(z.strictObject({ right: z.number(), left: z.number() })),
  /** A singular value of A lies within this of s_i. */
  radii: z.array(z.number()),
  /** The Eckart-Young error at this rank lies between these. */
  floor: z.strictObject({ low: z.number(), high: z.number() }),
  /** ||A - U S Vt||_2: found by power iteration, and not exceeded but with a chance of 1e-8. */
  spectralError: z.strictObject({ found: z.number(), atMost: z.number() }),
})

export const analysisReportSchema = z.strictObject({
  tensor: z.string(),
  /** [m, n] of the matrix; a stack of experts is analyzed as its first matrix and says so in `notices`. */
  matrix: z.array(z.number()),
  dtype: z.string(),
  method: z.enum(['randomized', 'exact']),
  /** Why: asked for, or by `auto` (params.ts): exact takes but a moment, exact is no more expensive, the sketch is cheaper. */
  chosen: z.enum(['asked', 'moment', 'exactCheaper', 'sketchCheaper']),
  algorithm: z.string(),
  rank: z.number(),
  oversample: z.number(),
  nIter: z.number(),
  seed: z.number(),
  /** Descending; `rank` of them from a sketch, min(m, n) of them from the exact SVD. */
  singularValues: z.array(z.number()),
  frobeniusNorm: z.number(),
  /** ||W - W_k||_F / ||W||_F at `rank`. */
  relativeError: z.number(),
  /** Differences of relative errors below this are rounding: of this error, and of the factors behind it. */
  resolution: z.number(),
  /** Singular values are known to this, in their own units; smaller ones are rounding. */
  valueResolution: z.number(),
  /** How many singular values are more than rounding; the rank itself where the sketch ends before that. */
  numericalRank: z.number(),
  /** Whether relativeError was measured on the residual or follows from ||A||^2 - sum s^2. */
  errorSource: z.enum(['spectrum', 'measured']),
  /** Relative error at rank 0..rank. */
  errorCurve: z.array(z.number()),
  breakEvenRank: z.number(),
  /** Error a structureless matrix of this shape would have at `rank`; null for errors of outputs, which have no such line. */
  noiseError: z.number().nullable(),
  /**
   * With statistics of the tensor's inputs all errors, norms and singular values are those of outputs, ||(W - What) C||_F, H regularized as docs/answers.md
   * says. Beside them ||W - What||_F / ||W||_F at `rank`.
   */
  outputs: z.strictObject({ kind: z.enum(['diagonal', 'full']), weightError: z.number() }).optional(),
  elapsedMs: z.number(),
  /** The factorization was kept from an earlier job: the times are of reading and measuring alone. */
  reused: z.literal(true).optional(),
  /** Wall time by phase. */
  phasesMs: z.partialRecord(z.enum(timedPhases), z.number()),
  /** With `repeat`, and in a comparison: matrix in memory to U, s, Vt, each run. */
  computeMs: z.array(z.number()).optional(),
  /** In a comparison, also of two ways: working memory beyond the matrix itself. */
  workingBytes: z.number().optional(),
  /** With `certify`. */
  certificate: certificateSchema.optional(),
  ...kernelFields,
  /** Most resident memory of the engine process so far. */
  peakBytes: z.number(),
  notices: z.array(messageSchema),
})
export type AnalysisReport = z.infer<typeof analysisReportSchema>

export const analyze = job('analyze', {
  files: withStatistics,
  options: {
    tensor: z.string(),
    params: paramsSchema,
    /** > 0: that many timed factorizations after one discarded. */
    repeat: z.number().int().min(0).max(1000).default(0),
    /** Whether a finished sketch of the same weights and parameters may answer: for a screen, never for a stopwatch. */
    reuse: z.boolean().default(false),
    /** Whether to prove what can be proved without the exact SVD: residuals, intervals, a bracket of the floor, the spectral error. */
    certify: z.boolean().optional(),
    /** Whether the curve after each power iteration is told, at the price of an eigenproblem each: for a screen, never for a stopwatch. */
    estimates: z.boolean().optional(),
  },
  machine: ({ params }) => params,
  report: analysisReportSchema,
})
