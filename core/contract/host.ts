/** The calls main answers for a page, and the events it sends. */

import { z } from 'zod'
import type { Language } from '../messages/languages.ts'
import { errorReportSchema } from './events.ts'
import { type Grant, grantSchema } from './files.ts'
import { messageSchema } from './messages.ts'
import { type Run, type RunReport, type RunRequest, runRequestSchema } from './runs.ts'

const folderEntrySchema = z.strictObject({
  /** A grant that opens it. */
  grant: grantSchema,
  /** Looks like something that can be opened. */
  weights: z.boolean(),
})
export type FolderEntry = z.infer<typeof folderEntrySchema>

const hostInfoSchema = z.strictObject({
  /** `electron` has native dialogs; `loopback` offers `listFolder` and uploads instead. */
  kind: z.enum(['electron', 'loopback']),
  version: z.string(),
  platform: z.string(),
  /** The command line as this installation has it: a program and its first arguments. */
  command: z.array(z.string()),
})
export type HostInfo = z.infer<typeof hostInfoSchema>

/** Links of a folder that lead out of what the page may see, as those of a hub's cache into its blobs. */
export interface LinksOut {
  readonly links: number
  /** The name of the nearest folder that has both ends of all of them: served, it would show them. */
  readonly serve: string
}

/** Where a run read and wrote, to be shown: the page names no path back. */
const runPlacesSchema = z.strictObject({
  source: z.string(),
  target: z.string(),
  /** Of what errors were weighed by; null where every weight counted alike. */
  statistics: z.string().nullable(),
  sourceExists: z.boolean(),
  targetExists: z.boolean(),
})
export type RunPlaces = z.infer<typeof runPlacesSchema>

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  language: z.enum(['system', 'en', 'zh-CN']).default('system'),
})
export type Settings = z.infer<typeof settingsSchema>

/** The language to speak: the chosen one, or the first of the system's that there is. */
export function languageOf(setting: Settings['language'], preferred: readonly string[]): Language {
  if (setting !== 'system') return setting
  const first = preferred.find((tag) => /^(en|zh)\b/i.test(tag))
  return first?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

/** An answer that crosses the preload: an exception would arrive in the page as a text without its code. */
export const grantAnswerSchema = z.union([
  z.strictObject({ ok: grantSchema }),
  z.strictObject({ error: errorReportSchema }),
])
export type GrantAnswer = z.infer<typeof grantAnswerSchema>

/** What the desktop asks of its page: a choice from the menu, or a file that the system wants opened. */
export const pageActionSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('open-file') }),
  z.strictObject({ do: z.literal('open-folder') }),
  z.strictObject({ do: z.literal('open'), grant: grantSchema }),
  /** Something was to be opened and cannot be. */
  z.strictObject({ do: z.literal('refuse'), error: errorReportSchema }),
  z.strictObject({ do: z.literal('close-file') }),
  z.strictObject({ do: z.literal('show-settings') }),
])
export type PageAction = z.infer<typeof pageActionSchema>

/** Served by main (Electron or loopback) to the page. */
export interface HostApi {
  info(): Promise<HostInfo>
  /** Native dialogs, Electron only: null when dismissed. */
  pickFile(): Promise<Grant | null>
  pickFolder(): Promise<Grant | null>
  pickTarget(suggestedName: string): Promise<Grant | null>
  /** Loopback: the folders named on the command line (`null`) or what is in one of them. */
  listFolder(folder: string | null): Promise<FolderEntry[]>
  /** Loopback: what a listing leaves out because it is a link that leads out of the named folders; null where nothing is. */
  linksOut(folder: string): Promise<LinksOut | null>
  /** Loopback: the folder that a run wrote to last, as folders from a named one down to it; none where it cannot be seen any more. */
  outputFolder(): Promise<Grant[]>
  /** Loopback: a file to be written in a listed folder, which has nothing of that name. */
  createTarget(folder: string, name: string): Promise<Grant>
  /** Makes the sample model in a temporary folder (once) and grants it. */
  sample(): Promise<Grant>
  recents(): Promise<Grant[]>
  /** A file the engine has opened: it heads the recents from now on. */
  remember(grantId: string): Promise<void>
  settings(): Promise<Settings>
  saveSettings(settings: Settings): Promise<void>
  /** Starts a run that can be resumed if it is interrupted. */
  startRun(request: RunRequest): Promise<string>
  pauseRun(runId: string, paused: boolean): Promise<void>
  /** `keep`: finished tensors stay for `resumeRun`; otherwise nothing half-written is left. */
  cancelRun(runId: string, keep: boolean): Promise<void>
  /** Resumes a run, as a new entry of the list in place of the old one. */
  resumeRun(runId: string): Promise<string>
  /** Newest first. */
  runs(): Promise<Run[]>
  /** Everything a finished run reported. */
  runReport(runId: string): Promise<RunReport>
  /** Strikes a run that has ended from the list; finished tensors kept for later go with it, outputs never do. */
  forgetRun(runId: string): Promise<void>
  /** Where a run read and wrote, and whether that is still there. */
  runPlaces(runId: string): Promise<RunPlaces>
  /** What a run read, or has written, to be opened. */
  openRun(runId: string, which: 'source' | 'target'): Promise<Grant>
  /** What a job has written to a target of this page, to be opened. */
  written(target: string): Promise<Grant>
  /** Electron: what a run has written, in the system's file manager. */
  showInFolder(runId: string): Promise<void>
}
export interface HostEvents {
  /** The page's engine: `starting` -> `ready`; after `died` a new one is started and files are to be opened again. */
  engine(status: EngineStatus): void
  /** A run began, moved or ended: as it stands now. */
  run(run: Run): void
  /** A run that had ended was removed from the list: by the user, or because another run resumed it. */
  forgotten(runId: string): void
  /** The list of recent files was changed outside this page. */
  recents(recents: Grant[]): void
  /** Electron only. */
  act(action: PageAction): void
}

export const engineStatusSchema = z.strictObject({
  state: z.enum(['starting', 'ready', 'died', 'stopped']),
  /** Why it died. */
  reason: messageSchema.nullable(),
})
export type EngineStatus = z.infer<typeof engineStatusSchema>

export const hostArguments = {
  info: z.tuple([]),
  pickFile: z.tuple([]),
  pickFolder: z.tuple([]),
  pickTarget: z.tuple([z.string()]),
  listFolder: z.tuple([z.string().nullable()]),
  linksOut: z.tuple([z.string()]),
  outputFolder: z.tuple([]),
  createTarget: z.tuple([z.string(), z.string()]),
  sample: z.tuple([]),
  recents: z.tuple([]),
  remember: z.tuple([z.string()]),
  settings: z.tuple([]),
  saveSettings: z.tuple([settingsSchema]),
  startRun: z.tuple([runRequestSchema]),
  pauseRun: z.tuple([z.string(), z.boolean()]),
  cancelRun: z.tuple([z.string(), z.boolean()]),
  resumeRun: z.tuple([z.string()]),
  runs: z.tuple([]),
  runReport: z.tuple([z.string()]),
  forgetRun: z.tuple([z.string()]),
  runPlaces: z.tuple([z.string()]),
  openRun: z.tuple([z.string(), z.enum(['source', 'target'])]),
  written: z.tuple([z.string()]),
  showInFolder: z.tuple([z.string()]),
} as const satisfies Record<keyof HostApi, z.ZodType>
