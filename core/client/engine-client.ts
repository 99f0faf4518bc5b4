/** An engine as the command line, a run or a test has it: a port of its own, and each job as one promise. */

import {
  type EngineApi,
  type EngineEvents,
  engineCrossings,
  type JobEvent,
  type JobRequest,
  type Lane,
  type ReportOf,
} from '../contract.ts'
import { AppError, fromErrorReport } from '../errors.ts'
import { say } from '../messages/english.ts'
import type { Port } from '../port.ts'
import { connectApi, isLost } from '../rpc.ts'
import { createFeed, type JobWord } from './feed.ts'

interface JobOptions {
  /** Everything the job says, its last word included. */
  onEvent?(event: JobEvent): void
  /** Aborting it cancels the job. */
  readonly signal?: AbortSignal
  readonly lane?: Lane
}

export interface EngineClient {
  readonly api: EngineApi
  /** Runs a job to its end. @throws AppError of the job, `cancelled`, `engine-died` */
  run<K extends JobRequest['kind']>(job: Extract<JobRequest, { kind: K }>, options?: JobOptions): Promise<ReportOf[K]>
  /** Cancels this client's jobs and closes its files. */
  close(): void
}

export function engineClient(port: Port): EngineClient {
  const events: EngineEvents = { job: (event) => feed.receive(event) }
  const api = connectApi<EngineApi, EngineEvents>(port, events, { crossings: engineCrossings })
  const feed = createFeed(api)
  port.on('message', (message) => {
    if (isLost(message)) feed.lose(message.lost)
  })
  port.on('close', () => feed.lose(say('engine.connection-lost')))

  return {
    api,
    run: async <K extends JobRequest['kind']>(
      job: Extract<JobRequest, { kind: K }>,
      { onEvent, signal, lane }: JobOptions = {},
    ) => {
      if (signal?.aborted) throw cancelled()
      let resolve: (report: ReportOf[K]) => void = () => {}
      let reject: (error: Error) => void = () => {}
      const end = new Promise<ReportOf[K]>((...settlers) => {
        ;[resolve, reject] = settlers
      })
      // A job may end before its id is known, and then nothing awaits this yet.
      end.catch(() => {})
      const hear = (word: JobWord) => {
        if (word.type !== 'lost') onEvent?.(word)
        if (word.type === 'finished') resolve(word.result.report as ReportOf[K])
        else if (word.type === 'failed') reject(fromErrorReport(word.error))
        else if (word.type === 'cancelled') reject(cancelled())
        else if (word.type === 'lost') reject(new AppError('engine-died', word.reason))
      }
      const jobId = await feed.start(job, hear, lane)
      // A cancel that does not arrive, because the engine has died, ends the job too.
      const cancel = () => void api.cancel(jobId).catch(() => {})
      signal?.addEventListener('abort', cancel, { once: true })
      // An abort while the engine was answering found no job to cancel.
      if (signal?.aborted) cancel()
      try {
        return await end
      } finally {
        signal?.removeEventListener('abort', cancel)
      }
    },
    close: () => port.close(),
  }
}

function cancelled(): AppError {
  return new AppError('cancelled', say('job.cancelled'))
}
