/**
 * All that crosses a process: methods, events, reports. Zod schemas and the types inferred from them; this file is the only way in.
 *
 * Everything here survives JSON (the loopback page speaks it over a WebSocket): finite numbers, strings, plain arrays and objects.
 * Ids, params and small numbers cross; weights never do. Errors cross as ErrorReport (errors.ts).
 *
 *   page / CLI --EngineApi--> engine        page --HostApi--> main
 *   page / CLI <--EngineEvents-- engine     page <--HostEvents-- main
 */
export type { CalibrationReport, TriedModel, TryReport } from './contract/answers.ts'
export * from './contract/crossing.ts'
export * from './contract/doors.ts'
export * from './contract/engine.ts'
export * from './contract/events.ts'
export * from './contract/files.ts'
export * from './contract/host.ts'
export { type AnalysisReport, analysisReportSchema } from './contract/jobs/analyze.ts'
export {
  type Answer,
  type AnswerGoal,
  type AnswerRow,
  type AnswersReport,
  hadAnswerGoal,
} from './contract/jobs/answers.ts'
export type { ApplicationReport } from './contract/jobs/apply.ts'
export type { ComparisonReport } from './contract/jobs/compare.ts'
export {
  type CompressionReport,
  type TensorOutcome,
  tensorOutcomeSchema,
} from './contract/jobs/compress.ts'
export type { ConversionReport } from './contract/jobs/convert.ts'
export type { EstimateReport } from './contract/jobs/estimate.ts'
export type { ExtractionReport } from './contract/jobs/extract.ts'
export { filesByRole, isListed } from './contract/jobs/job.ts'
export type { PairReport } from './contract/jobs/pair.ts'
export type { PlannedTensor, PlanReport } from './contract/jobs/plan.ts'
export type { RankRule, ResizedModule, ResizeReport } from './contract/jobs/resize.ts'
export type { SampleReport } from './contract/jobs/sample.ts'
export type { SelfTestReport, SelfTestRow } from './contract/jobs/selftest.ts'
export type { StatisticsLook } from './contract/jobs/statistics.ts'
export type { VersusReport } from './contract/jobs/versus.ts'
export * from './contract/jobs.ts'
export * from './contract/recipe.ts'
export * from './contract/report-files.ts'
export * from './contract/runs.ts'
export { mostSamples } from './contract/sample-fields.ts'
