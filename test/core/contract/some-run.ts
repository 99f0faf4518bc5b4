/** A compression as the list of runs has it, for tests that are about something else. */
import {
  type CompressionReport,
  type Run,
  type RunChoices,
  type RunReport,
  runChoicesSchema,
} from '../../../core/contract.ts'
import { defaultParams } from '../../../core/params.ts'

export const someChoices: RunChoices = {
  kind: 'compress',
  output: 'factors',
  params: defaultParams,
  include: [],
  exclude: [],
  force: false,
  resume: false,
  part: null,
}

export const someExtraction = runChoicesSchema.parse({ kind: 'extract', form: 'peft', params: {} })

export function someRun(changes: Partial<Run> = {}): Run {
  return {
    runId: 'r',
    choices: someChoices,
    sourceName: 'in.npy',
    target: 'out.safetensors',
    state: 'running',
    resumable: false,
    startedAt: 0,
    endedAt: null,
    finishedTensors: 0,
    progress: null,
    result: null,
    error: null,
    ...changes,
  }
}

export const someReport: CompressionReport = {
  output: 'out.safetensors',
  source: '0'.repeat(64),
  files: 1,
  bytesBefore: 2,
  bytesAfter: 1,
  plannedBytes: 1,
  relativeError: 0.1,
  absoluteError: 0.1,
  verified: true,
  tensors: [],
  notices: [],
  elapsedMs: 1,
  kernel: 'reference',
  arithmetic: 'unfused',
  threads: 1,
  peakBytes: 1,
}

export const someRunReport: RunReport = { kind: 'compress', report: someReport }
