/** What an engine can be asked to do. */
import { z } from 'zod'
import { paramsSchema } from '../params.ts'
import { styleIds } from '../styles.ts'

export const jobSchema = z.discriminatedUnion('kind', [
  /** Factorize one tensor and measure it. `repeat` > 0: that many timed factorizations after one discarded. */
  z.strictObject({
    kind: z.literal('analyze'),
    fileId: z.string(),
    tensor: z.string(),
    params: paramsSchema,
    repeat: z.number().int().min(0).max(1000).default(0),
    /** Whether a finished sketch of the same weights and parameters may answer: for a screen, never for a stopwatch. */
    reuse: z.boolean().default(false),
  }),
  /** Randomized beside exact, same rank, same matrix. */
  z.strictObject({ kind: z.literal('compare'), fileId: z.string(), tensor: z.string(), params: paramsSchema }),
  /**
   * Two ways to factorize the same matrix, side by side and taking turns. With `seeds` > 1 a sketch runs that many times, with the seeds
   * that follow its own: what it owes to chance. Kernel, threads and memory limit are those of `a`.
   */
  z.strictObject({
    kind: z.literal('versus'),
    fileId: z.string(),
    tensor: z.string(),
    a: paramsSchema,
    b: paramsSchema,
    seeds: z.number().int().min(1).max(20).default(1),
  }),
  /** What a compression would do to each tensor, exact in bytes. Every matrix is analyzed once; another goal or rule is then instant. */
  z.strictObject({
    kind: z.literal('plan'),
    fileId: z.string(),
    output: z.enum(styleIds),
    params: paramsSchema,
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
    /** Whether curves that were known before are said too: a page that has them need not hear them again with every goal. */
    knownCurves: z.boolean().default(true),
  }),
  /** Factorize a whole file and write it. */
  z.strictObject({
    kind: z.literal('compress'),
    fileId: z.string(),
    target: z.string(),
    output: z.enum(styleIds),
    params: paramsSchema,
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
    force: z.boolean().default(false),
    /**
     * What an earlier run of the same recipe and source left unfinished is gone on with, and finished tensors outlive a cancel and the death
     * of the engine too. A failure leaves them either way: its error says how many.
     */
    resume: z.boolean().default(false),
    /** One part of a run that several machines share; `merge` joins them. */
    part: z
      .strictObject({ index: z.number().int().min(1), of: z.number().int().min(1) })
      .nullable()
      .default(null),
  }),
  /** What a run would take. */
  z.strictObject({
    kind: z.literal('estimate'),
    fileId: z.string(),
    output: z.enum(styleIds),
    params: paramsSchema,
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
    /** How many machines share it. */
    parts: z.number().int().min(1).max(9999).default(1),
  }),
  z.strictObject({
    kind: z.literal('sample'),
    target: z.string(),
    layers: z.number().int().min(1).max(1024),
    hidden: z.number().int().min(8).max(65536),
    dtype: z.enum(['F32', 'BF16']),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    force: z.boolean().default(false),
  }),
  /** Every tensor into a safetensors file, or one of them into an .npy file: the target's extension decides. */
  z.strictObject({
    kind: z.literal('convert'),
    fileId: z.string(),
    target: z.string(),
    /** Of a file with several tensors, for .npy. */
    tensor: z.string().nullable().default(null),
    force: z.boolean().default(false),
  }),
  /** Randomized beside exact on Gaussian matrices of known spectra, on this machine; `full` goes up to 4096 x 4096. */
  z.strictObject({ kind: z.literal('selftest'), full: z.boolean(), params: paramsSchema }),
])
/**
 * Foreground jobs run one after another, in the order they came. A background job runs while there is none of them: one that comes
 * preempts it, and it runs again afterwards.
 */
export const laneSchema = z.enum(['foreground', 'background'])
export type Lane = z.infer<typeof laneSchema>

export type Job = z.infer<typeof jobSchema>
/** A job as a caller may write it: defaults left out. */
export type JobRequest = z.input<typeof jobSchema>
