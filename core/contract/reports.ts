/** What a job answers with. */
import { z } from 'zod'
import { messageSchema } from './messages.ts'

/** What computed it. */
export const kernelFields = {
  kernel: z.string(),
  arithmetic: z.enum(['fused', 'unfused']),
  threads: z.number(),
}

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

export const comparisonReportSchema = z.strictObject({
  tensor: z.string(),
  exact: analysisReportSchema,
  randomized: analysisReportSchema,
  /** Eckart-Young error at the rank, from the exact singular values. */
  floor: z.number(),
  /** randomized.relativeError / floor - 1; 0 where the floor is 0. */
  excess: z.number(),
  singularValueError: z.strictObject({ mean: z.number(), max: z.number(), perIndex: z.array(z.number()) }),
  /** Largest principal angle between the two spans of left singular vectors, radians. */
  subspaceAngle: z.number(),
  /** exact time / randomized time, compute only. */
  speedup: z.number(),
})
export type ComparisonReport = z.infer<typeof comparisonReportSchema>

/** One side of a comparison of two ways. */
export const versusSideSchema = z.strictObject({
  /** Of the first seed. */
  report: analysisReportSchema,
  /** Matrix in memory to U, s, Vt, after one untimed run, and the relative error, of each seed; an exact side has one of each. */
  computeMs: z.array(z.number()),
  errors: z.array(z.number()),
  /** Working memory beyond the matrix itself. */
  workingBytes: z.number(),
  /** Mean error / floor at this side's rank - 1; null where no side gave the exact singular values. */
  excess: z.number().nullable(),
})

export const versusReportSchema = z.strictObject({
  tensor: z.string(),
  a: versusSideSchema,
  b: versusSideSchema,
  /** Eckart-Young error at the smaller of the two ranks, where one side is exact. */
  floor: z.number().nullable(),
  /** Over the ranks both have: the largest |s_a - s_b| / max(s_a, s_b), and at which index (from 1). */
  largestGap: z.strictObject({ index: z.number(), relative: z.number() }),
  /** Largest principal angle between the spans of the leading left singular vectors both have, radians. */
  subspaceAngle: z.number(),
})
export type VersusReport = z.infer<typeof versusReportSchema>

export const tensorOutcomeSchema = z.strictObject({
  name: z.string(),
  action: z.enum(['factorized', 'kept']),
  reason: messageSchema,
  rank: z.number().nullable(),
  /** How a factorized tensor's factors are stored, or were rounded before a dense copy multiplied them out; absent where that is not known. */
  factorDType: z.string().optional(),
  /** Of the re-read output against the source; 0 for kept tensors, null only while the run goes on. */
  relativeError: z.number().nullable(),
  /** Of a factorized tensor, each as a relative error; their squares add up: truncation + rounding - sparse gain. */
  split: z.strictObject({ truncation: z.number(), rounding: z.number(), sparseGain: z.number() }).optional(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
})
export type TensorOutcome = z.infer<typeof tensorOutcomeSchema>

export const compressionReportSchema = z.strictObject({
  /** File name of the output, without its folder. */
  output: z.string(),
  /** Which weights it was made of: 64 hexadecimal digits that its metadata repeat. */
  source: z.string(),
  /** Files written, index and configuration included; more than one lie in a folder named `output`. */
  files: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** What the plan said before the first tensor was written. They differ only where a tensor failed and was kept. */
  plannedBytes: z.number(),
  /** Model error: sqrt(sum N e^2 / sum N) over all matrices, kept ones count 0. */
  relativeError: z.number(),
  /** The output was read again and every tensor measured or compared byte for byte. */
  verified: z.boolean(),
  tensors: z.array(tensorOutcomeSchema),
  /** A slower kernel than the product has, and why. */
  notices: z.array(messageSchema),
  elapsedMs: z.number(),
  ...kernelFields,
  peakBytes: z.number(),
})
export type CompressionReport = z.infer<typeof compressionReportSchema>

const plannedTensorSchema = z.strictObject({
  name: z.string(),
  action: z.enum(['factorize', 'keep']),
  reason: messageSchema,
  /** Of what would be written; null for kept tensors. */
  rank: z.number().nullable(),
  factorDType: z.string().nullable(),
  /** As far as it can be known before anything is rounded and written: from the analysis, rounding reckoned in; 0 for kept tensors. */
  relativeError: z.number(),
  /** Share by which INT8 factors would raise the error of this rank; null where INT8 was not asked for. */
  int8Increase: z.number().nullable(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
})

export type PlannedTensor = z.infer<typeof plannedTensorSchema>

export const planReportSchema = z.strictObject({
  bytesBefore: z.number(),
  /** Of the finished output, exactly. */
  bytesAfter: z.number(),
  /** Model error as it is expected. */
  relativeError: z.number(),
  /**
   * Whether errors here are the least that the run can come to: at a rank that is given it makes narrower sketches than the analysis, which
   * serves every rank. What a goal settles is cut from the sketches of the analysis, and comes to what is said.
   */
  errorIsLeast: z.boolean(),
  tensors: z.array(plannedTensorSchema),
  /** Matrices factorized for this plan; 0 where all had been analyzed before. */
  analyzed: z.number(),
  elapsedMs: z.number(),
  notices: z.array(messageSchema),
  ...kernelFields,
})
export type PlanReport = z.infer<typeof planReportSchema>

export const estimateReportSchema = z.strictObject({
  bytesBefore: z.number(),
  /** Of the finished output. */
  bytesAfter: z.number(),
  /** Whether all that decides it is known; `notices` say what is not. */
  sizeIsExact: z.boolean(),
  tensors: z.number(),
  factorized: z.number(),
  /** Entries of all that is factorized. */
  weights: z.number(),
  seconds: z.number(),
  memoryBytes: z.number(),
  parts: z.array(
    z.strictObject({ part: z.string(), tensors: z.number(), bytesAfter: z.number(), seconds: z.number() }),
  ),
  ...kernelFields,
  notices: z.array(messageSchema),
})
export type EstimateReport = z.infer<typeof estimateReportSchema>

export const sampleReportSchema = z.strictObject({
  output: z.string(),
  tensors: z.number(),
  bytes: z.number(),
})
export type SampleReport = z.infer<typeof sampleReportSchema>

export const conversionReportSchema = z.strictObject({
  /** File name of the output, without its folder. */
  output: z.string(),
  tensors: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** What was written was read back as it was. */
  verified: z.boolean(),
})
export type ConversionReport = z.infer<typeof conversionReportSchema>

export const selfTestRowSchema = z.strictObject({
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

export const selfTestReportSchema = z.strictObject({
  rows: z.array(selfTestRowSchema),
  /** What has to hold whatever the machine. */
  checks: z.array(z.strictObject({ claim: messageSchema, passed: z.boolean() })),
  passed: z.boolean(),
  ...kernelFields,
})
export type SelfTestReport = z.infer<typeof selfTestReportSchema>

export interface ReportOf {
  analyze: AnalysisReport
  compare: ComparisonReport
  versus: VersusReport
  plan: PlanReport
  compress: CompressionReport
  estimate: EstimateReport
  sample: SampleReport
  convert: ConversionReport
  selftest: SelfTestReport
}
