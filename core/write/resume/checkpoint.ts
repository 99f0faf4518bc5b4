/**
 * How a run outlives its end: what it has finished is noted in a journal (journal.ts) and left with the files when something fails, so that
 * `resume` continues from it. A run that was cancelled without `resume`, or that has finished nothing, leaves nothing.
 */

import type { TensorOutcome } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import type { OutputFolder, OutputSubfolder } from '../../io.ts'
import { arithmeticWith } from '../../kernels/gpu/adapter.ts'
import { deviceOfRun } from '../../matrix/factorize-matrix.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { outputEntries } from '../../plan/entries.ts'
import type { OutputLayout } from '../../plan/output-files.ts'
import { version } from '../../version.ts'
import type { Compression, CompressionTarget } from '../compression.ts'
import type { WeightsOutput } from '../encodings/weights-output.ts'
import { hexadecimal } from '../source-hash.ts'
import { earlierJournal, type Journal, type JournalLine, journalName, newJournal, type RunIdentity } from './journal.ts'
import type { Distrust } from './trust.ts'

/** What is finished waits this long, or until it comes to this many bytes, before it is synced: a power cut costs no more than that and what is under way. */
const SYNC_MS = 1000
const SYNC_BYTES = 64 << 20

export interface Checkpoint {
  /** Where the files go. */
  readonly folder: OutputFolder
  /** Whether they lie in a folder of their own: a file with its final name there is complete. */
  readonly inFolder: boolean
  /** What an earlier run did of this one, or why nothing of it could be used, in words. */
  readonly notices: readonly Message[]
  /** The next file, of so many tensors. */
  file(tensors: number): FileCheckpoint
  /** Gives the output its name; nothing of the journal is left. */
  finish(): Promise<void>
  /** Leaves or removes everything. What to throw: the error, with how much is finished. */
  fail(error: unknown): Promise<unknown>
}

/** The part of a checkpoint that is about one file. */
export interface FileCheckpoint {
  /** What an earlier run has finished of it, in order. */
  readonly finished: readonly JournalLine[]
  /** It cannot be resumed. */
  forget(): Promise<void>
  /** Only the first `count` of them can be resumed, and nothing of later files. */
  distrust(count: number, why: Distrust): Promise<void>
  /** One more tensor is whole. Where it is saved, that goes on while the next one is computed; a failure of it ends the next call. */
  add(line: JournalLine, output: WeightsOutput): Promise<void>
  /** Returns when all that was added would survive a power cut. */
  save(output: WeightsOutput): Promise<void>
  /** Leaves the file after its last whole tensor, or removes it. */
  leave(output: WeightsOutput, error: unknown): Promise<void>
}

/** Resumes what an earlier run left, where `resume` says so and it is of the same run; otherwise removes it. */
export async function openCheckpoint(
  compression: Compression,
  target: CompressionTarget,
  layout: OutputLayout,
  plannedBytes: number,
): Promise<Checkpoint> {
  const { folder, name } = target
  const identity = identityOf(compression, layout)
  const found = compression.resume ? await earlierJournal(target, identity) : null
  const earlier = typeof found === 'object' ? found : null
  if (!earlier) await discardUnfinished(target)
  const tensors = layout.files.reduce((sum, { plans }) => sum + plans.length, 0)
  const journal = earlier ?? (await newJournal(target, identity, { tensors, outputBytes: plannedBytes }))
  let inner: OutputSubfolder | null = null
  try {
    if (layout.inFolder) {
      inner = earlier && (await folder.resumeSubfolder(name))
      if (!inner) await journal.forget(0)
      inner ??= await folder.subfolder(name, plannedBytes)
    }
  } catch (error) {
    // Nothing has been done yet: what an earlier run left stays as it is.
    await (journal.finished.length > 0 ? journal.suspend() : journal.remove())
    throw error
  }
  return checkpointOn(
    compression,
    target,
    inner,
    journal,
    tensors,
    typeof found === 'string' ? [whyRestarted[found]] : [],
  )
}

/** Removes what an unfinished run left, its journal included. `finished`: its output is there all the same, seen and whole. */
export async function discardUnfinished({ folder, name }: CompressionTarget, finished = false): Promise<void> {
  for (const each of [name, journalName(name)]) await folder.discard(each, finished)
}

function identityOf({ style, recipe, sourceHash, part, context }: Compression, { files }: OutputLayout): RunIdentity {
  const hash = context.sha256()
  const plans = files.flatMap((file) => file.plans)
  const described = files.map(({ name, plans }) => [name, plans.map((plan) => outputEntries(plan, style))])
  hash.update(new TextEncoder().encode(JSON.stringify(described)))
  return {
    sourceHash,
    recipe,
    part: `${part.index}/${part.of}`,
    version,
    arithmetic: arithmeticWith(context.kernels.info.arithmetic, deviceOfRun(plans, context.kernels) ?? undefined),
    layout: hexadecimal(hash.digest()),
  }
}

/** Why nothing was used of what an earlier run left. */
const whyRestarted: Readonly<Record<keyof RunIdentity | 'damaged', Message>> = {
  sourceHash: say('run.other-source'),
  recipe: say('run.other-recipe'),
  part: say('run.other-part'),
  version: say('run.other-version'),
  arithmetic: say('run.other-arithmetic'),
  layout: say('run.other-layout'),
  damaged: say('run.journal-unreadable'),
}

const whyNot = {
  'source-changed': 'run.unused-source-changed',
  damaged: 'run.unused-damaged',
} as const satisfies Record<Distrust, string>

function checkpointOn(
  { resume }: Compression,
  target: CompressionTarget,
  inner: OutputSubfolder | null,
  journal: Journal,
  total: number,
  notices: Message[],
): Checkpoint {
  const { finished } = journal
  const left = finished.length
  const earlier = { tensors: left }
  if (journal.damaged) notices.push(say('run.journal-damaged'))
  /** Whole, but not safe yet. */
  let pending: JournalLine[] = []
  let pendingBytes = 0
  /** The first tensor is saved at once, and waited for: from then on there is something to resume. */
  let savedAt = Number.NEGATIVE_INFINITY
  /** Tensors of the files before the next. */
  let before = 0
  /** Whether a file was left for the next run. */
  let suspended = false

  const outlives = (error: unknown) => resume || !(error instanceof AppError && error.code === 'cancelled')
  /** A save that is under way while the next tensors are computed. */
  let behind: Promise<void> = Promise.resolve()
  const settled = () => behind.catch(() => {})
  /** Once `sync` has made safe what they describe, which tensors that come meanwhile are no part of. */
  const savePending = async (sync = async () => {}) => {
    const lines = pending
    pending = []
    pendingBytes = 0
    savedAt = performance.now()
    try {
      await sync()
      await journal.save(lines)
    } catch (error) {
      pending = [...lines, ...pending]
      throw error
    }
  }

  function file(tensors: number): FileCheckpoint {
    const first = before
    before += tensors
    const mine = finished.slice(first, before)
    /** Of its last whole tensor; 0 where there is none. */
    let end = mine.at(-1)?.end ?? 0
    const save = async (output: WeightsOutput) => {
      await behind
      if (pending.length > 0) await savePending(() => output.sync())
    }
    const keep = async (count: number) => {
      await behind
      mine.length = Math.min(mine.length, count)
      pending = []
      end = mine.at(-1)?.end ?? 0
      earlier.tensors = Math.min(earlier.tensors, first + count)
      await journal.forget(first + count)
    }
    return {
      finished: mine,
      forget: () => keep(0),
      distrust: async (count, why) => {
        await keep(count)
        notices.push(say(whyNot[why], { count: left - earlier.tensors, total: left }))
      },
      add: async (line, output) => {
        pending.push(line)
        pendingBytes += line.end - end
        end = line.end
        if (pendingBytes < SYNC_BYTES && performance.now() - savedAt < SYNC_MS) return
        const isFirst = savedAt === Number.NEGATIVE_INFINITY
        // No further ahead than one: a disk that is slower than the computation is waited for.
        await behind
        behind = savePending(() => output.sync())
        behind.catch(() => {})
        if (isFirst) await behind
      },
      save,
      leave: async (output, error) => {
        await settled()
        if (!outlives(error) || end === 0) return output.abort()
        suspended = true
        // Where even that fails, what had been synced before is what there is.
        await output.suspend(end).catch(() => {
          pending = []
        })
      },
    }
  }

  return {
    folder: inner ?? target.folder,
    inFolder: inner !== null,
    get notices() {
      const { tensors } = earlier
      if (tensors === 0) return notices
      return [...notices, say('run.resumed', { done: tensors, total })]
    },
    file,
    finish: async () => {
      await inner?.finish()
      await journal.remove()
    },
    fail: async (error) => {
      await settled()
      // A disk that takes nothing any more leaves what was saved before; what is thrown is why the run failed, not this.
      if (outlives(error)) await savePending().catch(() => {})
      if (!outlives(error) || finished.length === 0) {
        await inner?.abort()
        await journal.remove()
        if (suspended) await discardUnfinished(target)
        return error
      }
      await inner?.suspend()
      await journal.suspend()
      return withFinished(error, finished, total)
    },
  }
}

/** "... 141 of 219 tensors are finished; ..." */
function withFinished(
  error: unknown,
  finished: readonly { readonly outcome: TensorOutcome }[],
  total: number,
): unknown {
  if (!(error instanceof AppError) || error.code === 'cancelled') return error
  const key = error.code === 'source-changed' ? 'run.finished-with-source' : 'run.finished-so-far'
  return new AppError(error.code, [...error.said, say(key, { done: finished.length, total })], {
    ...error.details,
    finished: finished.length,
    total,
  })
}
