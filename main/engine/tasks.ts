/** What an engine does, task by task: the contract's calls and jobs on one side, core's functions on the other. */

import { basename, dirname } from 'node:path'
import { analyzeTensor } from '../../core/jobs/analyze.ts'
import { compareTensor } from '../../core/jobs/compare.ts'
import { compressFile } from '../../core/jobs/compress.ts'
import { convertFile } from '../../core/jobs/convert.ts'
import { estimateRun } from '../../core/jobs/estimate.ts'
import { planCompression } from '../../core/jobs/plan.ts'
import { writeSample } from '../../core/jobs/sample.ts'
import { selfTest } from '../../core/jobs/selftest.ts'
import { versusTensor } from '../../core/jobs/versus.ts'
import type { JobContext } from '../../core/matrix/context.ts'
import { plain } from '../../core/messages/plain.ts'
import { defaultParams } from '../../core/params.ts'
import { describeFile } from '../../core/plan/describe.ts'
import type { CompressionTarget } from '../../core/write/compression.ts'
import { outputFolder } from '../files/outputs.ts'
import type { DriverTasks, TaskContext } from './driver-loop.ts'
import type { KernelRoom } from './kernel-room.ts'
import type { JobResult, OpenedFile, Task } from './messages.ts'
import { type OpenedWeights, openedFiles } from './opened-files.ts'
import { sketchRoom } from './sketch-room.ts'

type JobTask = Extract<Task, { kind: 'job' }>

export function engineTasks(room: KernelRoom): DriverTasks {
  const files = openedFiles()
  const sketches = sketchRoom()

  async function runJob({ job, file, targetPath }: JobTask, context: TaskContext): Promise<JobResult> {
    const params = 'params' in job ? job.params : 'a' in job ? job.a : defaultParams
    const { kernels, notice } = await room.kernels(params)
    const opened = file && (await files.get(file))
    const cache = sketches.cache(params)
    const jobContext: JobContext = {
      ...context,
      kernels,
      kernelNotice: notice,
      ...(opened && cache && { sketches: { cache, sourceHash: opened.fingerprint } }),
    }
    const mark = kernels.mark()
    try {
      switch (job.kind) {
        case 'analyze':
          return { kind: job.kind, report: await analyzeTensor(opened!.file, job, jobContext) }
        case 'compare':
          return { kind: job.kind, report: await compareTensor(opened!.file, job, jobContext) }
        case 'versus':
          return { kind: job.kind, report: await versusTensor(opened!.file, job, jobContext) }
        case 'plan':
          return { kind: job.kind, report: await planCompression(opened!.file, job, jobContext) }
        case 'compress': {
          const target = targetOf(targetPath!, job.force, opened, context, job.resume)
          return { kind: job.kind, report: await compressFile(opened!.file, target, job, jobContext) }
        }
        case 'estimate':
          return { kind: job.kind, report: await estimateRun(opened!.file, job, jobContext) }
        case 'sample':
          return {
            kind: job.kind,
            report: await writeSample(targetOf(targetPath!, job.force, null, context), job, jobContext),
          }
        case 'convert': {
          const target = targetOf(targetPath!, job.force, opened, context)
          return { kind: job.kind, report: await convertFile(opened!.file, target, job, jobContext) }
        }
        case 'selftest':
          return { kind: job.kind, report: await selfTest(job, jobContext) }
      }
    } finally {
      // A job that failed in the middle has not freed what it allocated.
      kernels.release(mark)
      room.rest()
    }
  }

  return {
    run: async (task, context) => {
      switch (task.kind) {
        case 'info': {
          const { kernels, notice } = await room.kernels(defaultParams)
          return { ...kernels.info, notice: notice === null ? null : plain(notice) }
        }
        case 'open': {
          const { file, fingerprint } = await files.get(task.file)
          const { format, safety, totalBytes, notices } = file
          const report: OpenedFile = {
            ...{ format, safety, totalBytes, fingerprint },
            notices: notices.map(plain),
            tensors: describeFile(file),
          }
          return report
        }
        case 'job':
          return runJob(task, context)
      }
    },
    closeFile: files.close,
    sketches: sketches.counters,
  }
}

function targetOf(
  path: string,
  overwrite: boolean,
  source: OpenedWeights | null,
  context: TaskContext,
  outlives = false,
): CompressionTarget {
  const folder = outputFolder(dirname(path), {
    overwrite,
    sources: source?.paths ?? [],
    onLock: context.notePartial,
    // A run that can be resumed keeps its partial files, whoever dies.
    ...(!outlives && { onPartial: context.notePartial }),
  })
  return { folder, name: basename(path) }
}
