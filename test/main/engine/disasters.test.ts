/** What happens to a run of the product when the world does: full and read-only disks, sources that go or change, deaths. */

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CompressionReport } from '../../../core/contract.ts'
import { sentencesOf } from '../../core/messages/words.ts'
import { can } from '../../system.ts'
import { mounted } from '../files/mounted.ts'
import { type Harness, product, type RunningJob, running, temporaryFolder, testEngine } from './harness.ts'

let harness: Harness
let folder: string
let source: string
beforeEach(async () => {
  harness = testEngine({ entry: product })
  folder = temporaryFolder()
  source = join(folder, 'sample.safetensors')
  await makeSource(source)
})

async function makeSource(path: string, seed = 1): Promise<void> {
  const target = harness.grants.target(path).id
  await harness.client.run({ kind: 'sample', target, layers: 2, hidden: 128, dtype: 'F32', seed })
}

interface Ways {
  readonly output?: 'factors' | 'dense'
  readonly resume?: boolean
}

/** The source is opened again, as by a command that comes later. */
async function compress(out: string, { output = 'dense', resume = false }: Ways = {}): Promise<RunningJob> {
  const { fileId } = await harness.client.api.open((await harness.grants.grant(source)).id)
  const target = harness.grants.target(out).id
  // Power iterations make each tensor take a while.
  const params = { rank: 16, method: 'randomized', nIter: 16 } as const
  return running(harness, { kind: 'compress', files: { model: fileId }, target, output, params, resume }, 'tensor')
}

const finish = async (job: RunningJob) => (await job.end) as CompressionReport

/** A run that is held after its first tensor, until what is to happen has happened. */
async function cutShort(out: string, ways: Ways, happen: () => unknown): Promise<unknown> {
  const job = await compress(out, ways)
  await job.started
  const { jobId } = job.events[0]!
  await harness.client.api.pause(jobId, true)
  await happen()
  await harness.client.api.pause(jobId, false).catch(() => {})
  return job.end
}

const finishedSentence = /\. \d+ of 21 tensors are finished; --resume continues after them\.$/

/** Goes on and compares with a run that nothing happened to; what it said. */
async function goesOn(out: string, ways: Ways = {}): Promise<string[]> {
  const whole = join(folder, 'whole')
  await finish(await compress(whole, ways))
  const report = await finish(await compress(out, { ...ways, resume: true }))
  expect(readFileSync(out)).toEqual(readFileSync(whole))
  rmSync(whole)
  return sentencesOf(report.notices)
}

/** Takes every byte that is free. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let length = 65_536; length >= 1; length /= 4)
      for (;;) {
        try {
          writeSync(file, new Uint8Array(length))
        } catch {
          break
        }
      }
  } finally {
    closeSync(file)
  }
}

describe('a run', () => {
  it.for(['dense', 'factors'] as const)(
    'whose disk fills up keeps what is finished, and goes on when there is space: %s',
    async (output, { skip }) => {
      const disk = mounted('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs')
      if (!disk) return skip('this system does not let a test mount a file system of 3 MB')
      const out = join(disk, 'out')
      const before = readFileSync(source)
      const failure = await cutShort(out, { output }, () => fill(join(disk, 'filler')))
      expect(failure).toMatchObject({
        code: 'cannot-write',
        message: expect.stringMatching(/^out could not be written beyond [\d.]+ [kM]B: the disk is full\./),
        details: { total: 21 },
      })
      expect(failure).toMatchObject({ message: expect.stringMatching(finishedSentence) })
      const { finished } = (failure as { details: { finished: number } }).details
      expect(finished).toBeGreaterThan(0)
      expect(readdirSync(disk).sort()).toEqual(['filler', 'out.journal.partial', 'out.partial'])

      const again = await (await compress(out, { output, resume: true })).end
      expect(again).toMatchObject({ code: 'cannot-write', message: expect.stringMatching(finishedSentence) })
      rmSync(join(disk, 'filler'))
      const notices = await goesOn(out, { output })
      expect(notices).toContain(`Resumed after ${finished} of 21 tensors, which an earlier run had finished.`)
      expect(readdirSync(disk)).toEqual(['out'])
      expect(readFileSync(source)).toEqual(before)
    },
  )

  it('that cannot begin, for want of space or rights, says so and leaves nothing', async ({ skip }) => {
    const small = mounted('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
    const readOnly = mounted('-t', 'tmpfs', '-o', 'ro', 'tmpfs')
    if (!small || !readOnly) return skip('this system does not let a test mount file systems')
    for (const [disk, sentence] of [
      // Of its 1.05 MB the lock has 4 kB.
      [small, /^out needs [\d.]+ MB, and 1\.04 MB is free in /],
      [readOnly, /^out could not be written: the file system is read-only\. Choose another folder\.$/],
    ] as const) {
      const failure = await (await compress(join(disk, 'out'))).end
      expect(failure).toMatchObject({ code: 'cannot-write', message: expect.stringMatching(sentence) })
      expect(readdirSync(disk)).toEqual([])
    }
  })

  it('whose source goes keeps what is finished, and goes on when it is back', async () => {
    const out = join(folder, 'out')
    const away = join(folder, 'away')
    const failure = await cutShort(out, {}, () => renameSync(source, away))
    expect(failure).toMatchObject({
      code: 'source-changed',
      message: expect.stringMatching(
        /^sample\.safetensors was removed .* \d+ of 21 tensors are finished; with the source as it was, --resume continues after them\.$/,
      ),
    })
    writeFileSync(source, readFileSync(away))
    expect(await goesOn(out)).toContainEqual(expect.stringContaining('Resumed after'))
  })

  it.runIf(can.replaceOpenFiles)('whose source is replaced by another does not mix the two', async () => {
    const out = join(folder, 'out')
    const other = join(folder, 'other')
    await makeSource(other, 2)
    const failure = await cutShort(out, {}, () => renameSync(other, source))
    expect(failure).toMatchObject({ code: 'source-changed', message: expect.stringContaining('was replaced') })
    expect(existsSync(`${out}.partial`)).toBe(true)
    expect(await goesOn(out)).toContain(
      'An unfinished run that was left here read another source, or this one before it changed. Nothing of it was used.',
    )
  })

  it.each([true, false])('whose engine is killed leaves finished tensors only where resume is %s', async (resume) => {
    const out = join(folder, 'out')
    const failure = await cutShort(out, { resume }, () => process.kill(harness.engine.pid!, 'SIGKILL'))
    expect(failure).toMatchObject({ code: 'engine-died' })
    const left = readdirSync(folder).filter((name) => name.startsWith('out'))
    expect(left).toEqual(resume ? ['out.journal.partial', 'out.partial'] : [])
    await harness.reached('ready', 2)
    const notices = await goesOn(out)
    if (resume) expect(notices).toContainEqual(expect.stringContaining('Resumed after'))
    expect(readdirSync(folder).sort()).toEqual(['out', 'sample.safetensors'])
  })

  it('whose engine is stopped has noted what is finished', async () => {
    const out = join(folder, 'out')
    await cutShort(out, { resume: true }, () => harness.engine.stop())
    harness = testEngine({ entry: product })
    expect(await goesOn(out)).toContainEqual(expect.stringContaining('Resumed after'))
  })
})
