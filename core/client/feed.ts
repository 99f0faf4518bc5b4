/**
 * What the jobs of an engine say, given to the starter of each. Used alike by the page, the command line and main.
 *
 * Events travel beside answers: a job's first ones may arrive before the id that start() answers with, and are kept until then. An engine
 * that dies says nothing of its jobs, so its death is told here, as the end of each.
 */

import type { EngineApi, JobEvent, JobRequest, Lane } from '../contract.ts'
import type { Message } from '../messages/message.ts'

/** Everything a client hears of a job. The last word is the only one of `finished`, `failed`, `cancelled` and `lost`. */
export type JobWord = JobEvent | { readonly type: 'lost'; readonly jobId: string; readonly reason: Message }
export type JobEnd = Extract<JobWord, { type: 'finished' | 'failed' | 'cancelled' | 'lost' }>

export function isEnd(word: JobWord): word is JobEnd {
  return word.type === 'finished' || word.type === 'failed' || word.type === 'cancelled' || word.type === 'lost'
}

export interface JobFeed {
  /**
   * Starts a job and resolves with its id; `hear` is told all its words in order, the early ones just before that.
   * @throws AppError of the engine, which then has no such job
   */
  start(job: JobRequest, hear: (word: JobWord) => void, lane?: Lane): Promise<string>
  /** Every job event of the engine comes here. Those of jobs that were not started here are ignored. */
  receive(event: JobEvent): void
  /** The engine is gone. Starts under way reject by themselves (core/rpc.ts). */
  lose(reason: Message): void
}

export function createFeed(engine: Pick<EngineApi, 'start'>): JobFeed {
  const listeners = new Map<string, (word: JobWord) => void>()
  /** While starts are unanswered: what jobs say whose id is not known yet. */
  let early: JobEvent[] = []
  let unanswered = 0

  function receive(event: JobEvent): void {
    const hear = listeners.get(event.jobId)
    if (!hear) {
      if (unanswered > 0) early.push(event)
      return
    }
    if (isEnd(event)) listeners.delete(event.jobId)
    hear(event)
  }

  return {
    receive,
    // Said in any case: JSON makes null of an argument that is undefined.
    start: async (job, hear, lane = 'foreground') => {
      unanswered++
      try {
        const jobId = await engine.start(job, lane)
        listeners.set(jobId, hear)
        for (const event of early.filter((one) => one.jobId === jobId)) receive(event)
        return jobId
      } finally {
        if (--unanswered === 0) early = []
      }
    },
    lose: (reason) => {
      early = []
      const lost = [...listeners]
      listeners.clear()
      for (const [jobId, hear] of lost) hear({ type: 'lost', jobId, reason })
    },
  }
}
