/** The calls main answers for a page, and the events it sends. */
import { z } from 'zod'
import { outputStyles, paramsSchema } from '../params.ts'
import { type JobEvent, jobEventSchema } from './events.ts'
import { type Grant, grantSchema } from './files.ts'

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
