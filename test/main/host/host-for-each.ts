/** A host for each test, in a folder of its own, and what its engines are made to say. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { JobEvent } from '../../../core/contract.ts'
import { someRunReport } from '../../core/contract/some-run.ts'
import { someWords } from '../../core/messages/words.ts'
import * as leftOver from '../left-over.ts'
import type { FakeEngine } from './fake-engine.ts'
import { type TestHost, testHost } from './harness.ts'

/** What one test has. Its file in.npy is the source of its runs, out.safetensors their target. */
class Now {
  folder!: string
  test!: TestHost

  readonly page = () => this.test.page()

  /** The same folder and configuration under a new host. */
  async restart(options?: Parameters<typeof testHost>[1]): Promise<void> {
    await this.test.host.close()
    this.test = await testHost(this.folder, options)
  }

  /** What an engine leaves when it is cut short after a tensor. */
  readonly leaveUnfinished = () => leftOver.leaveUnfinished(join(this.folder, 'out.safetensors'))
  readonly written = async () => (await readdir(this.folder)).filter((name) => name.startsWith('out')).sort()
}

/** Registers what begins and ends every test of the file that calls it. */
export function hostForEach(): Now {
  const now = new Now()
  beforeEach(async () => {
    now.folder = await mkdtemp(join(tmpdir(), 'ghostsvd-runs-'))
    await writeFile(join(now.folder, 'in.npy'), 'bytes')
    now.test = await testHost(now.folder)
  })
  afterEach(async () => {
    await now.test.host.close()
    await rm(now.folder, { recursive: true, force: true })
  })
  return now
}

export const say = (engine: FakeEngine, event: JobEvent) => engine.jobs[0]!.say(event)
export const finished: JobEvent = { type: 'finished', jobId: 'job-0', result: someRunReport }
export const failed: JobEvent = {
  type: 'failed',
  jobId: 'job-0',
  error: { code: 'cannot-write', said: [someWords('The disk is full.')] },
}
export const progress = (done: number): JobEvent => ({
  type: 'progress',
  jobId: 'job-0',
  phase: 'compress',
  tensor: 'w',
  done,
  total: 9,
  memoryBytes: 5,
})
export const tensorDone: JobEvent = {
  type: 'tensor',
  jobId: 'job-0',
  outcome: {
    name: 'w',
    action: 'kept',
    reason: someWords(''),
    rank: null,
    relativeError: 0,
    bytesBefore: 1,
    bytesAfter: 1,
  },
}
