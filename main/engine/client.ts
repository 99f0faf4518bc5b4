/** A caller's view of an engine in this house's own processes: the command line, a run, a test. A job is one promise. */
import type { EngineApi, EngineEvents, JobEvent, JobRequest, Lane, Port, ReportOf } from '../../core/contract.ts'
import { AppError, fromErrorReport } from '../../core/errors.ts'
import { connectApi, isLost } from '../../core/rpc.ts'

export interface JobOptions {
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

interface Pending {
  readonly onEvent: JobOptions['onEvent']
  resolve(report: unknown): void
  reject(error: Error): void
}

export function engineClient(port: Port): EngineClient {
  const pending = new Map<string, Pending>()
  // node may hand over several messages of a pipe before promises move on: a job's first events then come before its id.
  let early: JobEvent[] = []
  let starting = 0
  const api = connectApi<EngineApi, EngineEvents>(port, { job: hear })

  function hear(event: JobEvent): void {
    const job = pending.get(event.jobId)
    if (!job) {
      if (starting > 0) early.push(event)
      return
    }
    job.onEvent?.(event)
    if (event.type === 'finished') job.resolve(event.result.report)
    else if (event.type === 'failed') job.reject(fromErrorReport(event.error))
    else if (event.type === 'cancelled') job.reject(cancelled())
    else return
    pending.delete(event.jobId)
  }

  /** Starts a job and follows it from its first word on. */
  async function begin(
    job: JobRequest,
    onEvent: JobOptions['onEvent'],
    lane: Lane | undefined,
  ): Promise<{ jobId: string; end: Promise<never> }> {
    starting++
    try {
      const jobId = await api.start(job, lane)
      const end = new Promise<never>((resolve, reject) => {
        pending.set(jobId, { onEvent, resolve: resolve as (report: unknown) => void, reject })
      })
      for (const event of early.filter((event) => event.jobId === jobId)) hear(event)
      return { jobId, end }
    } finally {
      starting--
      if (starting === 0) early = []
    }
  }

  const loseAll = (reason: string) => {
    for (const { reject } of pending.values()) reject(new AppError('engine-died', reason))
    pending.clear()
  }
  port.on('message', (message) => {
    if (isLost(message)) loseAll(message.lost)
  })
  port.on('close', () => loseAll('The connection to the engine was lost.'))

  return {
    api,
    run: async (job, { onEvent, signal, lane } = {}) => {
      if (signal?.aborted) throw cancelled()
      const { jobId, end } = await begin(job, onEvent, lane)
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
  return new AppError('cancelled', 'The job was cancelled.')
}
