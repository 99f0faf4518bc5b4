/**
 * Every run's outcome, in the folder for configuration: `history/RUNID.json` for each, and RUNID.report.json once it has finished.
 * Desktop, loopback host and command line write into the same folder, each only the entries of its own runs.
 *
 * An entry says which process the run belongs to. One whose process is gone without having written an end was interrupted; whoever lists
 * it finds that out. Nothing here ever fails a run: what cannot be written is told to the log and kept in memory.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Run, type RunReport, runReportSchema, runSchema } from '../../core/contract.ts'
import { withEnglish } from '../../core/messages/english.ts'
import { countUnfinished } from '../files/outputs.ts'
import { pathKey } from '../files/paths.ts'
import { readWhole } from '../files/read-whole.ts'
import { remove as removeFile } from '../files/replacing.ts'
import { sweepLeft, writeWhole } from '../files/write-whole.ts'
import type { Log } from '../system/log.ts'
import { makeFolder, ownFolder } from '../system/make-folder.ts'
import { type ProcessIdentity, processIdentitySchema, stillLives, thisProcess } from '../system/process-identity.ts'
import { inThisForm, reportInThisForm, withMessages } from './older-history.ts'

const entrySchema = z.strictObject({
  run: runSchema,
  /** What it reads, in the order of its roles. Whole paths: they never reach a page. */
  sources: z.array(z.strictObject({ role: z.string(), path: z.string() })).min(1),
  targetPath: z.string(),
})
export type HistoryEntry = z.infer<typeof entrySchema>

const fileSchema = z.preprocess(inThisForm, entrySchema.extend({ history: z.literal(3), owner: processIdentitySchema }))
const reportFileSchema = z.preprocess(reportInThisForm, runReportSchema)

/** More than anybody scrolls through; an entry is 2 kB, a report 300 bytes a tensor. */
const kept = 100
/** How often the entry of a run that moves is written: it shows how far the run was should its process be killed. */
const beatMs = 2_000
/** One that rests is written every so many beats, as a sign of life. */
const restBeats = 5
/** Where the system cannot say whether the process lives: without a sign of life for this long it does not. */
const silenceMs = 6 * restBeats * beatMs

export interface History {
  /** Enters a run that begins now, in this process. */
  begin(entry: HistoryEntry): OwnEntry
  /** Newest first, as each stands now: `interrupted` where its process is gone, `resumable` where finished tensors lie beside the output. */
  list(): Promise<HistoryEntry[]>
  /** What a finished run reported; null where there is none. */
  report(runId: string): Promise<RunReport | null>
  forget(runId: string): Promise<void>
}

/** An entry that this process keeps. */
export interface OwnEntry {
  /** As the run stands now. Written at once where its state has changed, else with the next beat. */
  update(run: Run): void
  /** Its last state. Resolves when it is written, or could not be. */
  end(run: Run, report: RunReport | null): Promise<void>
  /** Resolves when all that was said so far is written, or could not be. */
  saved(): Promise<void>
}

interface Own {
  entry: HistoryEntry
  report: RunReport | null
  live: boolean
}

/** Names of entries: what a page calls a run must be one before it becomes a path. */
const runIdPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function createHistory(configFolder: string, log: Log): History {
  const folder = join(configFolder, 'history')
  /** Runs of this process while they live, and those whose end could not be written. */
  const own = new Map<string, Own>()
  let identity: Promise<ProcessIdentity> | null = null

  const entryPath = (runId: string) => join(folder, `${runId}.json`)
  const reportPath = (runId: string) => join(folder, `${runId}.report.json`)

  async function write(entry: HistoryEntry): Promise<boolean> {
    identity ??= thisProcess()
    return writeJson(entryPath(entry.run.runId), { history: 3, ...entry, owner: await identity })
  }

  async function writeJson(path: string, value: unknown): Promise<boolean> {
    try {
      await makeFolder(folder, ownFolder)
      await writeWhole(path, `${JSON.stringify(value, withEnglish)}\n`)
      return true
    } catch (error) {
      log(`The history could not be written: ${String(error)}`)
      return false
    }
  }

  /** Entries of the folder as they were written, with whether their process lives. Whatever is no entry is none of ours. */
  async function readEntries(): Promise<{ entry: HistoryEntry; live: boolean }[]> {
    const names = await readdir(folder).catch(() => [])
    const found = await Promise.all(
      names.map(async (name) => {
        const runId = name.replace(/\.json$/, '')
        if (!runIdPattern.test(runId) || name === runId) return null
        const file = parseOrNull(fileSchema, await readJson(join(folder, name)))
        if (file?.run.runId !== runId) return null
        const { history: _, owner, ...entry } = file
        if (entry.run.endedAt !== null) return { entry, live: false }
        const written = await stat(join(folder, name)).catch(() => null)
        if (!written) return null
        const live = (await stillLives(owner)) ?? Date.now() - written.mtimeMs < silenceMs
        return { entry: live ? entry : asInterrupted(entry, written.mtimeMs), live }
      }),
    )
    return found.filter((each) => each !== null)
  }

  async function all(): Promise<{ entry: HistoryEntry; live: boolean }[]> {
    // Who is own is said before the files are read: what was read of a run may be older than its end, and own no more.
    const mine = new Map(own)
    const others = (await readEntries()).filter(({ entry }) => !mine.has(entry.run.runId))
    return [...mine.values(), ...others].sort((a, b) => b.entry.run.startedAt - a.entry.run.startedAt)
  }

  async function prune(): Promise<void> {
    await sweepLeft(folder, (name) => runIdPattern.test(name.replace(/(\.report)?\.json$/, '')))
    const names = await readdir(folder).catch(() => [])
    if (names.length <= kept) return
    for (const { entry, live } of (await all()).slice(kept)) if (!live) await remove(entry.run.runId)
  }

  async function remove(runId: string): Promise<void> {
    own.delete(runId)
    for (const path of [entryPath(runId), reportPath(runId)].flatMap((path) => [path, `${path}.partial`]))
      await removeFile(path).catch((error: unknown) => log(`The history could not be changed: ${String(error)}`))
  }

  return {
    begin(begun) {
      const { runId } = begun.run
      const one: Own = { entry: begun, report: null, live: true }
      own.set(runId, one)
      let last: Promise<unknown> = write(begun).then(prune)
      let moved = false
      let beats = 0
      const save = () => {
        moved = false
        last = last.then(() => write(one.entry))
      }
      const beat = setInterval(() => {
        if (++beats % restBeats === 0 || moved) save()
      }, beatMs)
      // A process that has nothing else to do ends.
      beat.unref()
      return {
        update(run) {
          const changed = run.state !== one.entry.run.state
          one.entry = { ...one.entry, run }
          moved = true
          if (changed) save()
        },
        async end(run, report) {
          clearInterval(beat)
          Object.assign(one, { entry: { ...one.entry, run }, report, live: false } satisfies Own)
          await last
          const written = (report === null || (await writeJson(reportPath(runId), report))) && (await write(one.entry))
          if (written) own.delete(runId)
        },
        saved: async () => void (await last),
      }
    },
    async list() {
      const listed: HistoryEntry[] = []
      const targets = new Set<string>()
      for (const { entry, live } of await all()) {
        const { run, targetPath } = entry
        // What lies beside an output belongs to the run that came last, but for those that never came to it.
        // A target that cannot be read now cannot be resumed now: it must not hide all other runs.
        const begun = run.begun !== false
        const mayBeLeft = !live && begun && run.state !== 'finished' && !targets.has(pathKey(targetPath))
        const left = mayBeLeft ? await countUnfinished(targetPath).catch(() => 0) : 0
        if (live || begun) targets.add(pathKey(targetPath))
        listed.push({ ...entry, run: withLeft(run, left) })
      }
      return listed
    },
    async report(runId) {
      const mine = own.get(runId)
      if (mine || !runIdPattern.test(runId)) return mine?.report ?? null
      return parseOrNull(reportFileSchema, await readJson(reportPath(runId)))
    },
    async forget(runId) {
      if (runIdPattern.test(runId)) await remove(runId)
    },
  }
}

/** A run that has ended, with so many finished tensors beside its output: fewer than it reported if it was killed before they were synced. */
export function withLeft(run: Run, left: number): Run {
  return left > 0 ? { ...run, resumable: true, finishedTensors: left } : { ...run, resumable: false }
}

/** It ended with the last sign of life. */
function asInterrupted(entry: HistoryEntry, seenAt: number): HistoryEntry {
  const run: Run = { ...entry.run, state: 'interrupted', progress: null, endedAt: Math.round(seenAt) }
  return { ...entry, run }
}

/**
 * A file as its schema has it, null for any other. Every message in it must have the values that its sentence needs: one that has not, or is nested
 * deeper than anybody can follow, would be the end of whoever shows the list.
 */
function parseOrNull<S extends z.ZodType>(schema: S, value: unknown): z.output<S> | null {
  try {
    const parsed = schema.parse(value)
    JSON.stringify(parsed, withEnglish)
    return parsed
  } catch {
    return null
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse((await readWhole(path)).toString('utf8'), withMessages)
  } catch {
    return null
  }
}
