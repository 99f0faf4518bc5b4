/**
 * Jobs and who listens to them: every event of the engine finds the one who started its job, also when it is faster than the answer.
 *
 * The engine does one job at a time. Most are asked for by somebody who waits at the screen and begin at once. One may stand behind them:
 * it gives way to any other - the engine keeps what it has finished - and is started anew when they have ended.
 */
import type { JobEvent, JobRequest } from '../../core/contract.ts'
import { connection } from './connection.ts'

type Listener = (event: JobEvent) => void

const listeners = new Map<string, Listener>()
/** Starts that have not been answered, and what came meanwhile for jobs nobody knows yet. */
let unanswered = 0
let early: JobEvent[] = []

/** Starts a job; `listener` hears all its events, some of them perhaps before this resolves. @throws AppError of the engine */
export async function startJob(request: JobRequest, listener: Listener): Promise<string> {
  inFront++
  try {
    await giveWay()
    return await submit(request, (event) => {
      listener(event)
      if (isLast(event)) leaveFront()
    })
  } catch (error) {
    leaveFront()
    throw error
  }
}

async function submit(request: JobRequest, listener: Listener): Promise<string> {
  unanswered++
  try {
    const jobId = await connection().engine.start(request)
    listeners.set(jobId, listener)
    for (const event of early.filter((one) => one.jobId === jobId)) receiveJobEvent(event)
    return jobId
  } finally {
    if (--unanswered === 0) early = []
  }
}

/** Every event of the engine comes here; those of a job that nobody waits for end here. */
export function receiveJobEvent(event: JobEvent): void {
  const listener = listeners.get(event.jobId)
  if (!listener) {
    if (unanswered > 0) early.push(event)
    return
  }
  if (isLast(event)) listeners.delete(event.jobId)
  listener(event)
}

/** After the last event of a job there is no other. */
export function isLast(event: JobEvent): boolean {
  return event.type === 'finished' || event.type === 'failed' || event.type === 'cancelled'
}

/** The engine is gone with all its jobs: none of them will be heard of again. */
export function forgetJobs(): void {
  listeners.clear()
  clearTimeout(timer)
  inFront = 0
  behind = null
}

export interface JobBehind {
  readonly request: JobRequest
  /** Hears the events as if the job had never been interrupted; those of a part that gave way come again. */
  event(event: JobEvent): void
  /** It has given way, or goes on. */
  waiting(waits: boolean): void
  /** It could not be started. */
  failed(error: unknown): void
}

interface Behind {
  readonly job: JobBehind
  /** Its id in the engine while it has one; rejects where it could not be started. */
  started: Promise<string> | null
  givesWay: boolean
}

/** From one look at a tensor to the next somebody may only be stepping through a list. */
const calmMs = 300

let inFront = 0
let behind: Behind | null = null
let timer: ReturnType<typeof setTimeout> | undefined

/** Starts a job behind all others, in place of the one there was. */
export async function startBehind(job: JobBehind): Promise<void> {
  const mine: Behind = { job, started: null, givesWay: false }
  const before = behind
  behind = mine
  clearTimeout(timer)
  if (before) await end(before)
  if (behind !== mine) return
  if (inFront > 0) job.waiting(true)
  else goOn(mine)
}

/** Ends the job behind the others; it says nothing more. */
export async function endBehind(): Promise<void> {
  const ended = behind
  behind = null
  clearTimeout(timer)
  if (ended) await end(ended)
}

function goOn(mine: Behind): void {
  mine.givesWay = false
  mine.job.waiting(false)
  mine.started = submit(mine.job.request, (event) => {
    if (isLast(event)) mine.started = null
    if (behind !== mine || (event.type === 'cancelled' && mine.givesWay)) return
    if (isLast(event)) behind = null
    mine.job.event(event)
  })
  mine.started.catch((error) => {
    mine.started = null
    if (behind !== mine) return
    behind = null
    mine.job.failed(error)
  })
}

/** Resolves once the engine is free for a job in front. */
async function giveWay(): Promise<void> {
  clearTimeout(timer)
  if (!behind?.started) return
  behind.givesWay = true
  behind.job.waiting(true)
  await end(behind)
}

async function end({ started }: Behind): Promise<void> {
  try {
    const jobId = await started
    if (jobId !== null) await connection().engine.cancel(jobId)
  } catch {
    // One that could not be started, and one whose engine has died, have ended already.
  }
}

function leaveFront(): void {
  inFront = Math.max(0, inFront - 1)
  if (inFront > 0 || !behind) return
  clearTimeout(timer)
  timer = setTimeout(() => {
    if (behind && inFront === 0 && !behind.started) goOn(behind)
  }, calmMs)
}
