/** A job that is held: over a real engine process, with a driver whose jobs work in steps, and with the product's own. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { graceMs } from '../../../main/engine/loop/driver-handle.ts'
import { can } from '../../system.ts'
import {
  type Harness,
  isAlive,
  product,
  type RunningJob,
  running,
  temporaryFolder,
  testEngine,
  threadCount,
  until,
} from './harness.ts'

const steps = (fileId: string) => ({ kind: 'analyze', files: { model: fileId }, tensor: 'steps', params: {} }) as const
const quick = (fileId: string) => ({ ...steps(fileId), tensor: 'quick' })
const polite = (target: string) => ({ kind: 'sample', target, layers: 1, hidden: 8, dtype: 'F32', seed: 1 }) as const

async function openSomething({ client, grants }: Harness): Promise<string> {
  const path = join(temporaryFolder(), 'weights')
  writeFileSync(path, 'bytes')
  return (await client.api.open((await grants.grant(path)).id)).fileId
}

/** Resolves when a job that reports every 50 ms has said nothing for a while. */
async function quiet({ events }: RunningJob): Promise<void> {
  for (let seen = -1; seen !== events.length; await wait(10 * 50)) seen = events.length
}

const idOf = ({ events }: RunningJob) => events[0]!.jobId

/** A job that works in steps, held in the middle. */
async function heldJob(harness: Harness): Promise<{ job: RunningJob; fileId: string }> {
  const fileId = await openSomething(harness)
  const job = running(harness, steps(fileId), 'progress')
  await job.started
  await harness.client.api.pause(idOf(job), true)
  await quiet(job)
  return { job, fileId }
}

async function endByCancel(job: RunningJob): Promise<void> {
  job.abort.abort()
  expect(await job.end).toMatchObject({ code: 'cancelled' })
}

describe('a paused job', () => {
  it('says nothing more until it is resumed', async () => {
    const harness = testEngine()
    const { job } = await heldJob(harness)
    const { length } = job.events
    await harness.client.api.pause(idOf(job), false)
    await until(() => job.events.length > length + 2)
    expect(job.events.at(-1)).toMatchObject({ type: 'progress' })
    await endByCancel(job)
  })

  it('hears a cancel, and does not hold the next job', async () => {
    const harness = testEngine()
    const { job, fileId } = await heldJob(harness)
    const threads = can.proc ? threadCount(harness.engine.pid!) : null
    await endByCancel(job)
    expect(job.events.at(-1)).toMatchObject({ type: 'cancelled' })
    expect(await harness.client.run(quick(fileId))).toMatchObject({ output: 'quick' })
    // The driver heard it: it was not replaced by another.
    if (threads !== null) expect(threadCount(harness.engine.pid!)).toBeLessThanOrEqual(threads)
  })

  it('does not keep the engine from opening files, nor from being stopped', async () => {
    const harness = testEngine()
    const { job } = await heldJob(harness)
    await openSomething(harness)
    const pid = harness.engine.pid!
    await harness.engine.stop()
    expect(isAlive(pid)).toBe(false)
    expect(await job.end).toBeInstanceOf(Error)
  })

  it('may be one that waits for its turn: it is held when that comes', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const first = running(harness, steps(fileId), 'progress')
    await first.started
    const jobId = await harness.client.api.start(steps(fileId))
    await harness.client.api.pause(jobId, true)
    const third = running(harness, quick(fileId))
    await endByCancel(first)
    await wait(5 * graceMs)
    expect(third.events).toEqual([])
    await harness.client.api.cancel(jobId)
    expect(await third.end).toMatchObject({ output: 'quick' })
  })

  it('may be unknown, or have ended', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const job = running(harness, quick(fileId))
    await job.end
    await harness.client.api.pause(idOf(job), true)
    await harness.client.api.pause('no such job', true)
    expect(await harness.client.run(quick(fileId))).toMatchObject({ output: 'quick' })
  })

  it.each(['kill', 'stop', 'leave'] as const)('leaves no file when its engine or client ends: %s', async (how) => {
    const harness = testEngine()
    const folder = temporaryFolder()
    const job = running(harness, polite(harness.grants.target(join(folder, 'polite')).id), 'tensor')
    await job.started
    await harness.client.api.pause(idOf(job), true)
    await quiet(job)
    expect(readdirSync(folder)).toEqual(['polite.partial'])
    if (how === 'kill') process.kill(harness.engine.pid!, 'SIGKILL')
    if (how === 'stop') await harness.engine.stop()
    if (how === 'leave') harness.client.close()
    expect(await job.end).toBeInstanceOf(Error)
    await until(() => readdirSync(folder).length === 0)
  })

  it('writes what it would have written, when it goes on', async () => {
    const harness = testEngine({ entry: product })
    const { client, grants } = harness
    const folder = temporaryFolder()
    const path = join(folder, 'sample.safetensors')
    const sample = { kind: 'sample', layers: 2, hidden: 128, dtype: 'F32', seed: 1 } as const
    await client.run({ ...sample, target: grants.target(path).id })
    const { fileId } = await client.api.open((await grants.grant(path)).id)
    const job = {
      kind: 'compress',
      files: { model: fileId },
      output: 'factors',
      params: { rank: 16, nIter: 8 },
    } as const
    const compress = (name: string) => ({ ...job, target: grants.target(join(folder, name)).id })
    await client.run(compress('whole'))
    const held = running(harness, compress('held'), 'tensor')
    await held.started
    for (let round = 0; round < 5; round++) {
      await client.api.pause(idOf(held), true)
      await wait(20)
      await client.api.pause(idOf(held), false)
      await wait(10)
    }
    expect(await held.end).toMatchObject({ verified: true })
    expect(readFileSync(join(folder, 'held'))).toEqual(readFileSync(join(folder, 'whole')))
  })
})
