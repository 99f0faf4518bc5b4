/** Jobs and who listens to them: every event of the engine finds the one who started its job, also when it is faster than the answer. */
import type { JobEvent, JobRequest } from '../../core/contract.ts'
import { connection } from './connection.ts'

type Listener = (event: JobEvent) => void

const listeners = new Map<string, Listener>()
/** Starts that have not been answered, and what came meanwhile for jobs nobody knows yet. */
let unanswered = 0
let early: JobEvent[] = []

/** Starts a job; `listener` hears all its events, some of them perhaps before this resolves. @throws AppError of the engine */
export async function startJob(request: JobRequest, listener: Listener): Promise<string> {
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
