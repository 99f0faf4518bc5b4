/**
 * One client of an engine (a page, a command line): the EngineApi it calls, the files it has open, the jobs it has running. When the client
 * goes away its jobs are cancelled and its files closed.
 */

import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import {
  type EngineApi,
  type EngineEvents,
  engineArguments,
  engineCrossings,
  type FileReport,
  filesByRole,
  type JobResult,
  jobSchema,
  type Lane,
  writesOf,
} from '../../../core/contract.ts'
import { AppError, toErrorReport } from '../../../core/errors.ts'
import { say } from '../../../core/messages/english.ts'
import type { Port } from '../../../core/port.ts'
import { serveApi } from '../../../core/rpc.ts'
import type { Place } from '../../files/within.ts'
import { runtimeName } from '../../system/runtime-name.ts'
import type { DifferenceRef, FileRef, OpenedFile, Task } from '../messages.ts'
import type { Driver } from './driver-handle.ts'
import type { Lanes, PendingTask } from './lanes.ts'

export interface SessionHost {
  readonly driver: Driver
  /** The tasks of the driver. */
  readonly lanes: Lanes
  /** A driver to open a file in: that of the jobs, or while it is busy with one another. */
  opener(): { readonly driver: Driver; readonly lanes: Lanes }
  /** @throws AppError `not-found` for an id that main did not give out for this use */
  place(grantId: string, use: 'read' | 'write'): Promise<Place>
  /** Of all clients, since the engine started. */
  readonly counter: { jobsStarted: number }
}

/** Of files and of jobs of a client, each: a page comes nowhere near it, and one that asks for ever takes no more than some megabytes. */
const most = 10_000

function refuseMore(count: number): void {
  if (count >= most) throw new AppError('over-limit', say('engine.too-many', { most }))
}

/** Serves a client on `port` until the port closes. */
export function serveSession(port: Port, host: SessionHost): void {
  const { driver, lanes, counter } = host
  const files = new Map<string, FileRef>()
  const jobs = new Map<string, PendingTask>()
  let gone = false

  const implementation: EngineApi = {
    info: async () => {
      const info = await driver.info()
      const { sketches } = driver
      return { ...info, sketches, pid: process.pid, runtime: runtimeName(), jobsStarted: counter.jobsStarted }
    },
    open: async (grantId) => open(await host.place(grantId, 'read')),
    openDifference: async (source) => {
      const { form } = source
      const base = source.base === null ? null : await host.place(source.base, 'read')
      if ('adapter' in source) {
        const difference = { of: 'adapter', base, form, convolutions: true } as const
        return open(await host.place(source.adapter, 'read'), difference)
      }
      const difference = { of: 'pair', base, form, convolutions: source.convolutions } as const
      return open(await host.place(source.tuned, 'read'), difference)
    },
    close: async (fileId) => {
      if (files.delete(fileId)) driver.closeFile(fileId)
    },
    start: async (request, lane) => {
      refuseMore(jobs.size)
      const job = jobSchema.parse(request)
      const inRoles: Record<string, FileRef> = {}
      for (const [role, fileId] of filesByRole(job.files)) inRoles[role] = fileOf(fileId)
      const writes = writesOf(job)
      const target = writes && (await host.place(writes.target, 'write'))
      const jobId = randomUUID()
      counter.jobsStarted++
      // After the answer: the client learns the id before the first event that carries it.
      setImmediate(() => begin(jobId, { kind: 'job', job, files: inRoles, target }, lane))
      return jobId
    },
    cancel: async (jobId) => {
      await jobs.get(jobId)?.cancel()
    },
    pause: async (jobId, paused) => jobs.get(jobId)?.pause(paused),
  }
  const events = serveApi<EngineApi, EngineEvents>(port, implementation, engineArguments, engineCrossings)

  /** Named after what was picked: two folders hold files of one name. */
  async function open(place: Place, difference?: DifferenceRef): Promise<FileReport> {
    refuseMore(files.size)
    const file: FileRef = { fileId: randomUUID(), ...place, fingerprint: null, ...(difference && { difference }) }
    const opener = host.opener()
    const { fingerprint, ...opened } = (await opener.lanes.submit({ kind: 'open', file }).answer) as OpenedFile
    // Jobs run in the driver, which opens the file again when one needs it and makes sure that it is the same.
    if (opener.driver !== driver) opener.driver.closeFile(file.fileId)
    const [name, base] = [basename(place.path), difference?.base ? basename(difference.base.path) : null]
    const ofPair = difference?.of === 'pair' && base !== null
    const named = ofPair ? { names: [base, name] } : { names: [name], relativeTo: base }
    const said = opened.difference && { difference: { ...opened.difference, ...named } }
    const report: FileReport = { fileId: file.fileId, name, ...opened, ...said }
    if (gone) driver.closeFile(file.fileId)
    else files.set(file.fileId, { ...file, fingerprint })
    return report
  }
  function fileOf(fileId: string): FileRef {
    const file = files.get(fileId)
    if (!file) throw new AppError('not-found', say('engine.not-open'))
    return file
  }

  function begin(jobId: string, task: Task, lane?: Lane): void {
    if (gone) return
    const pending = lanes.submit(
      task,
      {
        started: () => events.job({ type: 'started', jobId }),
        waiting: () => events.job({ type: 'waiting', jobId }),
        event: (event) => events.job({ ...event, jobId }),
      },
      lane,
    )
    jobs.set(jobId, pending)
    void pending.answer
      .then(
        (result) => events.job({ type: 'finished', jobId, result: result as JobResult }),
        (error: unknown) => {
          const report = toErrorReport(error)
          events.job(
            report.code === 'cancelled' ? { type: 'cancelled', jobId } : { type: 'failed', jobId, error: report },
          )
        },
      )
      .then(() => jobs.delete(jobId))
  }

  port.on('close', () => {
    gone = true
    for (const job of jobs.values()) void job.cancel()
    for (const fileId of files.keys()) driver.closeFile(fileId)
    files.clear()
  })
}
