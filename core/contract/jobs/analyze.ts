/** One tensor factorized and measured; nothing is written. */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { job, ofModel } from './job.ts'

export const analysisReportSchema = z.strictObject({
  tensor: z.string(),
  /** [m, n] of the matrix; a stack of experts is analyzed as its first matrix and says so in `notices`. */
  matrix: z.array(z.number()),
  dtype: z.string(),
  method: z.enum(['randomized', 'exact']),
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
  /** Whether relativeError was measured on the residual or follows from ||A||^2 - sum s^2. */
  errorSource: z.enum(['spectrum', 'measured']),
  /** Relative error at rank 0..rank. */
  errorCurve: z.array(z.number()),
  breakEvenRank: z.number(),
  /** Error a structureless matrix of this shape would have at `rank`. */
  noiseError: z.number(),
  elapsedMs: z.number(),
  /** Wall time by phase: read, sketch, iterate, orthonormalize, smallSvd, lift, measure, ... */
  phasesMs: z.record(z.string(), z.number()),
  /** With `repeat`, and in a comparison: matrix in memory to U, s, Vt, each run. */
  computeMs: z.array(z.number()).optional(),
  /** In a comparison, also of two ways: working memory beyond the matrix itself. */
  workingBytes: z.number().optional(),
  ...kernelFields,
  /** Most resident memory of the engine process so far. */
  peakBytes: z.number(),
  notices: z.array(messageSchema),
})
export type AnalysisReport = z.infer<typeof analysisReportSchema>

export const analyze = job('analyze', {
  files: ofModel,
  options: {
    tensor: z.string(),
    params: paramsSchema,
    /** > 0: that many timed factorizations after one discarded. */
    repeat: z.number().int().min(0).max(1000).default(0),
    /** Whether a finished sketch of the same weights and parameters may answer: for a screen, never for a stopwatch. */
    reuse: z.boolean().default(false),
  },
  report: analysisReportSchema,
})
