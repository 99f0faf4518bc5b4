/**
 * All that crosses a process: methods, events, reports. Zod schemas and the types inferred from them, in one place.
 *
 * Everything here survives JSON (the loopback page speaks it over a WebSocket): finite numbers, strings, plain arrays and objects.
 * Ids, params and small numbers cross; weights never do. Errors cross as ErrorReport (errors.ts).
 *
 *   page / CLI --EngineApi--> engine        page --HostApi--> main
 *   page / CLI <--EngineEvents-- engine     page <--HostEvents-- main
 */
import { z } from 'zod'
import { errorCodes } from './errors.ts'
import { outputStyles, paramsSchema } from './params.ts'

// --- Files -----------------------------------------------------------------------------------------------------------------------

/** Main gives these out after a dialog, a drop or a pick; nobody else can name a path. */
export const grantSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['file', 'folder', 'target']),
  byteLength: z.number().nullable(),
})
export type Grant = z.infer<typeof grantSchema>

export const tensorReportSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number()),
  /** As the file encodes it. */
  byteLength: z.number(),
  /** Of its values where the file encodes them in blocks: what a copy takes, and what factors of the same dtype go by. */
  decodedBytes: z.number().optional(),
  /** The first tensor with the very same storage, which alone counts. */
  sharesStorageWith: z.string().optional(),
  /** [m, n], [e, m, n] for a stack of experts, null for what is no matrix. */
  matrix: z.array(z.number()).nullable(),
  /** Why a matrix is what it is: linear, conv (flattened), experts. */
  kind: z.enum(['linear', 'conv', 'experts']).nullable(),
  /** `grows`: kept at this rank because its factors would not be smaller, factorized at a smaller rank. */
  plan: z.enum(['factorize', 'keep', 'grows']),
  reason: z.string(),
})
export type TensorReport = z.infer<typeof tensorReportSchema>

export const fileReportSchema = z.strictObject({
  fileId: z.string(),
  name: z.string(),
  format: z.string(),
  safety: z.enum(['safe', 'opened-without-running']),
  totalBytes: z.number(),
  notices: z.array(z.string()),
  tensors: z.array(tensorReportSchema),
})
export type FileReport = z.infer<typeof fileReportSchema>

// --- Jobs ------------------------------------------------------------------------------------------------------------------------

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
  /** Factorize a whole file and write it. */
  z.strictObject({
    kind: z.literal('compress'),
    fileId: z.string(),
    target: z.string(),
    output: z.enum(outputStyles),
    params: paramsSchema,
    include: z.array(z.string()).default([]),
    exclude: z.array(z.string()).default([]),
    force: z.boolean().default(false),
    /** Finished tensors outlive a run that is cut short, and what an earlier run of the same recipe left is continued. */
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
    output: z.enum(outputStyles),
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
export type Job = z.infer<typeof jobSchema>
/** A job as a caller may write it: defaults left out. */
export type JobRequest = z.input<typeof jobSchema>

const kernelFields = {
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
  ...kernelFields,
  /** Most resident memory of the engine process so far. */
  peakBytes: z.number(),
  notices: z.array(z.string()),
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

export const tensorOutcomeSchema = z.strictObject({
  name: z.string(),
  action: z.enum(['factorized', 'kept']),
  reason: z.string(),
  rank: z.number().nullable(),
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
  /** Files written, index and configuration included; more than one lie in a folder named `output`. */
  files: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** Model error: sqrt(sum N e^2 / sum N) over all matrices, kept ones count 0. */
  relativeError: z.number(),
  /** The output was read again and every tensor measured or compared byte for byte. */
  verified: z.boolean(),
  tensors: z.array(tensorOutcomeSchema),
  elapsedMs: z.number(),
  ...kernelFields,
  peakBytes: z.number(),
})
export type CompressionReport = z.infer<typeof compressionReportSchema>

export const estimateReportSchema = z.strictObject({
  bytesBefore: z.number(),
  /** Of the finished output, exactly, unless NaN is found or a goal settles the ranks. */
  bytesAfter: z.number(),
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
  notices: z.array(z.string()),
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
  /** What has to hold whatever the machine, as sentences. */
  checks: z.array(z.strictObject({ claim: z.string(), passed: z.boolean() })),
  passed: z.boolean(),
  ...kernelFields,
})
export type SelfTestReport = z.infer<typeof selfTestReportSchema>

export interface ReportOf {
  analyze: AnalysisReport
  compare: ComparisonReport
  compress: CompressionReport
  estimate: EstimateReport
  sample: SampleReport
  convert: ConversionReport
  selftest: SelfTestReport
}

export const errorReportSchema = z.strictObject({
  code: z.enum([...errorCodes, 'bug']),
  message: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
})

/** What a job says while it lives. `finished`, `failed` and `cancelled` are last and come exactly once. */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started'), jobId: z.string() }),
  z.strictObject({
    type: z.literal('progress'),
    jobId: z.string(),
    phase: z.string(),
    tensor: z.string().nullable(),
    done: z.number(),
    total: z.number(),
  }),
  /** After each power iteration: the spectrum and error curve as they stand. */
  z.strictObject({
    type: z.literal('estimate'),
    jobId: z.string(),
    iteration: z.number(),
    iterations: z.number(),
    singularValues: z.array(z.number()),
    errorCurve: z.array(z.number()),
  }),
  z.strictObject({ type: z.literal('tensor'), jobId: z.string(), outcome: tensorOutcomeSchema }),
  z.strictObject({
    type: z.literal('finished'),
    jobId: z.string(),
    result: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('analyze'), report: analysisReportSchema }),
      z.strictObject({ kind: z.literal('compare'), report: comparisonReportSchema }),
      z.strictObject({ kind: z.literal('compress'), report: compressionReportSchema }),
      z.strictObject({ kind: z.literal('estimate'), report: estimateReportSchema }),
      z.strictObject({ kind: z.literal('sample'), report: sampleReportSchema }),
      z.strictObject({ kind: z.literal('convert'), report: conversionReportSchema }),
      z.strictObject({ kind: z.literal('selftest'), report: selfTestReportSchema }),
    ]),
  }),
  z.strictObject({ type: z.literal('failed'), jobId: z.string(), error: errorReportSchema }),
  z.strictObject({ type: z.literal('cancelled'), jobId: z.string() }),
])
export type JobEvent = z.infer<typeof jobEventSchema>

// --- Engine ----------------------------------------------------------------------------------------------------------------------

export const engineInfoSchema = z.strictObject({
  ...kernelFields,
  pid: z.number(),
  runtime: z.string(),
  /** Jobs started since the engine started: proves that looking around started none. */
  jobsStarted: z.number(),
  /** Finished sketches: answers from each tier, questions none had, and sketches stored, since the engine started. */
  sketches: z.strictObject({
    hot: z.number(),
    warm: z.number(),
    cold: z.number(),
    missed: z.number(),
    stored: z.number(),
  }),
  /** Says when a slower kernel runs than the product has, and why. */
  notice: z.string().nullable(),
})
export type EngineInfo = z.infer<typeof engineInfoSchema>

/** Served by the engine process to its page or CLI. A failed call rejects with the AppError that was thrown there. */
export interface EngineApi {
  info(): Promise<EngineInfo>
  open(grantId: string): Promise<FileReport>
  close(fileId: string): Promise<void>
  /** Checks the request and answers with a job id at once; what follows are events. */
  start(job: JobRequest): Promise<string>
  /** Answers as soon as the job has ended; `cancelled` follows as its event unless it had finished before. Unknown ids are ignored. */
  cancel(jobId: string): Promise<void>
}
export interface EngineEvents {
  job(event: JobEvent): void
}

/** Arguments of each engine method as the engine parses them. */
export const engineArguments = {
  info: z.tuple([]),
  open: z.tuple([z.string()]),
  close: z.tuple([z.string()]),
  start: z.tuple([jobSchema]),
  cancel: z.tuple([z.string()]),
} as const satisfies Record<keyof EngineApi, z.ZodType>

// --- Host ------------------------------------------------------------------------------------------------------------------------

export const folderEntrySchema = z.strictObject({
  /** A grant that opens it. */
  grant: grantSchema,
  /** Looks like something that can be opened. */
  weights: z.boolean(),
})
export type FolderEntry = z.infer<typeof folderEntrySchema>

export const hostInfoSchema = z.strictObject({
  /** `electron` has native dialogs; `loopback` offers `listFolder` and uploads instead. */
  kind: z.enum(['electron', 'loopback']),
  version: z.string(),
  platform: z.string(),
})
export type HostInfo = z.infer<typeof hostInfoSchema>

/** A compression run lives in an engine of its own, so it survives a reload of the page; the host keeps the list. */
export const runSchema = z.strictObject({
  runId: z.string(),
  source: z.string(),
  target: z.string(),
  state: z.enum(['running', 'finished', 'failed', 'cancelled']),
  /** The last event of its job, for a page that comes later. */
  last: jobEventSchema.nullable(),
})
export type Run = z.infer<typeof runSchema>

export const runRequestSchema = z.strictObject({
  source: z.string(),
  target: z.string(),
  output: z.enum(outputStyles),
  params: paramsSchema,
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  force: z.boolean().default(false),
})
export type RunRequest = z.input<typeof runRequestSchema>

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  language: z.enum(['system', 'en', 'zh-CN']).default('system'),
})
export type Settings = z.infer<typeof settingsSchema>

/** Served by main (Electron or loopback) to the page. */
export interface HostApi {
  info(): Promise<HostInfo>
  /** Native dialogs, Electron only: null when dismissed. */
  pickFile(): Promise<Grant | null>
  pickFolder(): Promise<Grant | null>
  pickTarget(suggestedName: string): Promise<Grant | null>
  /** Loopback: the folders named on the command line (`null`) or what is in one of them. */
  listFolder(folder: string | null): Promise<FolderEntry[]>
  /** Loopback: a file to be written in a listed folder. */
  createTarget(folder: string, name: string): Promise<Grant>
  /** Makes the sample model in a temporary folder (once) and grants it. */
  sample(): Promise<Grant>
  recents(): Promise<Grant[]>
  /** A file the engine has opened: it heads the recents from now on. */
  remember(grantId: string): Promise<void>
  settings(): Promise<Settings>
  saveSettings(settings: Settings): Promise<void>
  startRun(request: RunRequest): Promise<string>
  cancelRun(runId: string): Promise<void>
  runs(): Promise<Run[]>
  /** Electron: what a run has written, in the system's file manager. */
  showInFolder(runId: string): Promise<void>
}
export interface HostEvents {
  /** The page's engine: `starting` -> `ready`; after `died` a new one is started and files are to be opened again. */
  engine(status: EngineStatus): void
  run(runId: string, event: JobEvent): void
}

export const engineStatusSchema = z.strictObject({
  state: z.enum(['starting', 'ready', 'died', 'stopped']),
  /** Why it died, as a sentence. */
  reason: z.string().nullable(),
})
export type EngineStatus = z.infer<typeof engineStatusSchema>

export const hostArguments = {
  info: z.tuple([]),
  pickFile: z.tuple([]),
  pickFolder: z.tuple([]),
  pickTarget: z.tuple([z.string()]),
  listFolder: z.tuple([z.string().nullable()]),
  createTarget: z.tuple([z.string(), z.string()]),
  sample: z.tuple([]),
  recents: z.tuple([]),
  remember: z.tuple([z.string()]),
  settings: z.tuple([]),
  saveSettings: z.tuple([settingsSchema]),
  startRun: z.tuple([runRequestSchema]),
  cancelRun: z.tuple([z.string()]),
  runs: z.tuple([]),
  showInFolder: z.tuple([z.string()]),
} as const satisfies Record<keyof HostApi, z.ZodType>

/** What Electron's preload puts on the page as `window.ghostsvd`; absent in the loopback page, which uploads to `uploadPath` instead. */
export interface DesktopBridge {
  /** The page listens: `{type: 'ghostsvd:port', to}` comes to its window, once for each side, with a MessagePort. */
  connect(): void
  /** Grants what was dropped on the page or chosen in it: a folder, a file, or the first of several (its siblings lie beside it). */
  grantFiles(files: readonly File[]): Promise<Grant>
}

/**
 * Loopback: `POST uploadPath?drop=ID&name=FILE` with the file's bytes as body answers with its Grant as JSON, or with an ErrorReport
 * and a 4xx or 5xx status. Files of one `drop` (an id of the page's choice: letters and digits) lie in one folder, as shards must.
 */
export const uploadPath = '/upload'

/** Loopback: the page's WebSocket. Each text frame is one of these; `message` is what the Port of that side carries. */
export const socketPath = '/socket'
export const socketFrameSchema = z.strictObject({ to: z.enum(['engine', 'host']), message: z.unknown() })
export type SocketFrame = z.infer<typeof socketFrameSchema>

/** One duplex channel: a MessagePort, a utility process, a fork's IPC channel, a WebSocket. Messages survive JSON. */
export interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): void
  on(event: 'close', listener: () => void): void
  close(): void
}
