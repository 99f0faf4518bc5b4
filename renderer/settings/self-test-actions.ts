/** Runs the self-test in the page's engine, with the page's kernel and threads. */

import { toErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import { defaultParams } from '../../core/params.ts'
import { useParams } from '../choices/params.ts'
import { connection } from '../frame/connection.ts'
import { isLast, startJob } from '../frame/job-feed.ts'
import { cancelAnalysis } from '../model/analysis.ts'
import { selfTestReducers, useSelfTest } from './self-test.ts'

let jobId: string | null = null

/** `full` adds 4096 x 4096, whose exact SVD takes a while. */
export async function runSelfTest(full: boolean): Promise<void> {
  cancelAnalysis()
  selfTestReducers.started()
  const { kernel, threads } = useParams.getState().params
  try {
    jobId = await startJob({ kind: 'selftest', full, params: { ...defaultParams, kernel, threads } }, (event) => {
      selfTestReducers.event(event)
      if (isLast(event)) jobId = null
    })
  } catch (error) {
    selfTestReducers.failed(toErrorReport(error))
  }
}

export function cancelSelfTest(): void {
  if (jobId !== null) void connection().engine.cancel(jobId)
}

/** The engine ended during the test. */
export function selfTestLost(reason: Message): void {
  jobId = null
  if (useSelfTest.getState().running) selfTestReducers.failed({ code: 'engine-died', said: [reason] })
}
