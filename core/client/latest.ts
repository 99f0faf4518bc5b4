/**
 * The jobs of a page, of which only the last one of each owner matters: the analysis of the tensor on show, the plan of the choices as they
 * stand. A new wish cancels the owner's job, waits for its end and starts; a superseded one hears nothing more.
 *
 *   wish    (waits for a file) -> job under way -> finished|failed|cancelled|lost, exactly one end
 *           superseded or dropped: no end
 *
 * An engine that dies takes all jobs and the open file along. What is wished for meanwhile waits, the last wish of each owner, until the
 * file is open again; a second death drops it. Nothing is started again by itself: what was under way may have been the cause.
 */
import type { EngineApi, JobEvent, JobRequest, Lane } from '../contract.ts'
import { type ErrorReport, toErrorReport } from '../errors.ts'
import type { Message } from '../messages/message.ts'
import { isEnd, type JobEnd, type JobFeed } from './feed.ts'
import { afterEvent, type JobView, queuedJob } from './job-view.ts'

type WithoutId<E> = E extends unknown ? Omit<E, 'jobId'> : never
/** How a job ended; one that the engine refused to start has failed. */
export type WishEnd = WithoutId<JobEnd>

export interface Wish {
  readonly lane?: Lane
  /** Whether it is about the open file, which has another id after it was opened again. */
  readonly onFile: boolean
  /** Called when it is to start; null where there is nothing left to ask. */
  request(): JobRequest | null
  /** All it says while it lives. */
  hear?(event: JobEvent): void
  end(end: WishEnd): void
}

export interface UnderWay<W extends Wish> {
  readonly wish: W
  /** null until the engine has answered with it. */
  readonly jobId: string | null
  readonly view: JobView
}

/** @typeParam Wishes what each owner may wish for */
export interface Latest<Wishes extends Readonly<Record<string, Wish>>> {
  /** In place of the owner's last wish. */
  want<Owner extends keyof Wishes>(owner: Owner, wish: Wishes[Owner]): void
  /** Ends what the owner has under way, or waiting, without a word. */
  drop(owner: keyof Wishes): void
  /** The engine is gone: every job is lost, also of the feed, and wishes wait for the file. */
  lose(reason: Message): void
  /** The file is open in the engine there is now, or could not be opened again: wishes need not wait any more. */
  fileSettled(): void
}

interface Slot<W extends Wish> {
  readonly wish: W
  /** It has begun: the owner has it under way. */
  begun: boolean
  /** The answer to its start. */
  started: Promise<string> | null
  jobId: string | null
  view: JobView
}

/** @param changed told what an owner has under way, whenever that is another or stands differently; null for nothing */
export function latestPerOwner<Wishes extends Readonly<Record<string, Wish>>>(
  engine: Pick<EngineApi, 'cancel'>,
  feed: JobFeed,
  changed: (owner: keyof Wishes, underWay: UnderWay<Wishes[keyof Wishes]> | null) => void,
): Latest<Wishes> {
  type Owner = keyof Wishes
  type W = Wishes[Owner]
  const slots = new Map<Owner, Slot<W>>()
  /** When the engine is free of what an owner had before. */
  const cleared = new Map<Owner, Promise<void>>()
  let adrift = false

  function show(owner: Owner, slot: Slot<W>): void {
    const { wish, jobId, view } = slot
    changed(owner, { wish, jobId, view })
  }

  /** The owner has nothing any more; its job, if it had one, is cancelled. */
  function leave(owner: Owner): void {
    const slot = slots.get(owner)
    if (!slot) return
    slots.delete(owner)
    if (!slot.begun) return
    const clear = cancelled(slot, cleared.get(owner)).then(() => {
      if (cleared.get(owner) === clear) cleared.delete(owner)
    })
    cleared.set(owner, clear)
  }

  async function cancelled({ started }: Slot<W>, before: Promise<void> | undefined): Promise<void> {
    await before
    try {
      if (started !== null) await engine.cancel(await started)
    } catch {
      // One that was refused, and one whose engine has died, have ended already.
    }
  }

  async function begin(owner: Owner, slot: Slot<W>): Promise<void> {
    const { wish } = slot
    slot.begun = true
    show(owner, slot)
    const clear = cleared.get(owner)
    // Where there is nothing to wait for the engine is asked at once: what renders the wish comes after it.
    if (clear !== undefined) await clear
    if (slots.get(owner) !== slot) return
    const request = wish.request()
    if (!request) {
      slots.delete(owner)
      changed(owner, null)
      return
    }
    try {
      slot.started = feed.start(request, (word) => hear(owner, slot, word), wish.lane)
      slot.jobId = await slot.started
      if (slots.get(owner) === slot) show(owner, slot)
    } catch (error) {
      end(owner, slot, { type: 'failed', error: toErrorReport(error) })
    }
  }

  function hear(owner: Owner, slot: Slot<W>, word: JobEvent | JobEnd): void {
    if (slots.get(owner) !== slot) return
    if (isEnd(word)) {
      end(owner, slot, word)
      return
    }
    const before = slot.view
    slot.view = afterEvent(before, word)
    if (slot.view !== before) show(owner, slot)
    slot.wish.hear?.(word)
  }

  function end(owner: Owner, slot: Slot<W>, how: WishEnd): void {
    if (slots.get(owner) !== slot) return
    slots.delete(owner)
    changed(owner, null)
    slot.wish.end(how)
  }

  return {
    want: (owner, wish) => {
      const had = slots.get(owner)?.begun
      leave(owner)
      const slot: Slot<W> = { wish, begun: false, started: null, jobId: null, view: queuedJob }
      slots.set(owner, slot)
      if (!wish.onFile || !adrift) void begin(owner, slot)
      else if (had) changed(owner, null)
    },
    drop: (owner) => {
      const had = slots.get(owner)?.begun
      leave(owner)
      if (had) changed(owner, null)
    },
    lose: (reason) => {
      adrift = true
      const lost = [...slots]
      slots.clear()
      cleared.clear()
      for (const [owner, { begun, wish }] of lost) {
        if (!begun) continue
        changed(owner, null)
        wish.end({ type: 'lost', reason })
      }
      // They have been told.
      feed.lose(reason)
    },
    fileSettled: () => {
      adrift = false
      for (const [owner, slot] of slots) if (!slot.begun) void begin(owner, slot)
    },
  }
}

/** Why a wish came to nothing; null where it was answered, or cancelled. */
export function faultOf(end: WishEnd): ErrorReport | null {
  if (end.type === 'failed') return end.error
  return end.type === 'lost' ? { code: 'engine-died', said: [end.reason] } : null
}
