/** The built engine, with the product's driver and kernels, doing the product's jobs. */
import { closeSync, openSync, readdirSync, readFileSync, statSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AnalysisReport, FileReport, PlanReport } from '../../../core/contract.ts'
import { can } from '../../system.ts'
import { type Harness, mortal, product, running, temporaryFolder, testEngine, threadCount, until } from './harness.ts'

/** A sample of two layers, opened: its matrices are 128 x 128 to 128 x 512. */
async function openSample({ client, grants }: Harness): Promise<{ folder: string; path: string; file: FileReport }> {
  const folder = temporaryFolder()
  const path = join(folder, 'sample.safetensors')
  const target = grants.target(path).id
  await client.run({ kind: 'sample', target, layers: 2, hidden: 128, dtype: 'F32', seed: 1 })
  return { folder, path, file: await client.api.open((await grants.grant(path)).id) }
}

const firstMatrix = ({ tensors }: FileReport) => tensors.find(({ name }) => name.includes('q_proj'))!.name

describe('product', () => {
  it('makes a sample, opens, analyzes, compares and compresses it', async () => {
    const harness = testEngine({ entry: product })
    const { client, grants } = harness
    const { folder, file } = await openSample(harness)
    const job = {
      files: { model: file.fileId },
      tensor: firstMatrix(file),
      params: { rank: 16, method: 'randomized' },
    } as const
    const randomized = running(harness, { kind: 'analyze', ...job, estimates: true })
    const report = await randomized.end
    expect(report).toMatchObject({ rank: 16, threads: (await client.api.info()).threads })
    // One estimate for the sketch and each power iteration.
    expect(randomized.events.filter(({ type }) => type === 'estimate').length).toBeGreaterThanOrEqual(2)
    const unwatched = running(harness, { kind: 'analyze', ...job })
    expect(await unwatched.end).toMatchObject({ singularValues: (report as AnalysisReport).singularValues })
    expect(unwatched.events.filter(({ type }) => type === 'estimate')).toHaveLength(0)
    const comparison = await client.run({ kind: 'compare', ...job })
    expect(comparison.randomized.relativeError).toBe((report as AnalysisReport).relativeError)
    expect(comparison.excess).toBeGreaterThanOrEqual(0)
    const target = grants.target(join(folder, 'factors.safetensors')).id
    const compressed = await client.run({
      ...{ kind: 'compress', files: { model: file.fileId }, target, output: 'factors', params: { rank: 16 } },
    })
    expect(compressed.verified).toBe(true)
    expect(readFileSync(join(folder, 'factors.safetensors'))).toHaveLength(compressed.bytesAfter)
    expect((await client.api.info()).jobsStarted).toBe(5)
  })

  it('says that a file has changed which was rewritten under its old time while it was read', async () => {
    const harness = testEngine({ entry: product })
    const { client, grants } = harness
    const { folder, path, file } = await openSample(harness)
    const target = grants.target(join(folder, 'factors.safetensors')).id
    const job = running(
      harness,
      {
        kind: 'compress',
        files: { model: file.fileId },
        target,
        output: 'factors',
        params: { method: 'exact', rank: 8 },
      },
      'tensor',
    )
    await job.started
    const { atime, mtime } = statSync(path)
    const { byteLength } = readFileSync(path)
    const handle = openSync(path, 'r+')
    // Float32 NaN, from behind the header on.
    writeSync(handle, new Uint8Array(byteLength - 8192).fill(0xff), 0, byteLength - 8192, 8192)
    closeSync(handle)
    utimesSync(path, atime, mtime)
    expect(await job.end).toMatchObject({ code: 'source-changed' })
    await client.api.close(file.fileId)
  })

  it('opens a file beside a running job, and analyzes it afterwards', async () => {
    const harness = testEngine({ entry: product })
    const { path, file } = await openSample(harness)
    const job = {
      files: { model: file.fileId },
      tensor: firstMatrix(file),
      params: { rank: 8, method: 'randomized' },
    } as const
    const long = running(harness, { kind: 'analyze', ...job, repeat: 1000 })
    await long.started
    const again = await harness.client.api.open((await harness.grants.grant(path)).id)
    expect(again.tensors).toEqual(file.tensors)
    long.abort.abort()
    await long.end
    expect(await harness.client.run({ kind: 'analyze', ...job, files: { model: again.fileId } })).toMatchObject({
      rank: 8,
    })
  })

  it('looks at a tensor in front of the analysis of the model, which goes on to the same plan and keeps what it had', async () => {
    const harness = testEngine({ entry: product })
    const { client } = harness
    const { path, file } = await openSample(harness)
    // Iterations enough that it does not end before the look has come.
    const job = { kind: 'plan', output: 'factors', params: { rank: 16, method: 'randomized', nIter: 32 } } as const
    const plan = running(harness, { ...job, files: { model: file.fileId } }, 'spectrum', 'background')
    await plan.started
    const { jobId } = plan.events[0]!
    await client.api.pause(jobId, true)
    const look = { files: { model: file.fileId }, tensor: firstMatrix(file), params: { rank: 8 } } as const
    expect(await client.run({ kind: 'analyze', ...look })).toMatchObject({ rank: 8 })
    await client.api.pause(jobId, false)
    const report = (await plan.end) as PlanReport

    const turns = plan.events.map(({ type }) => type).filter((type) => type !== 'progress' && type !== 'spectrum')
    expect(turns).toEqual(['started', 'waiting', 'started', 'finished'])
    const shares = plan.events.flatMap((event) =>
      event.type === 'progress' && event.phase === 'analyze' ? event.done : [],
    )
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    const whole = testEngine({ entry: product })
    const again = await whole.client.api.open((await whole.grants.grant(path)).id)
    const { tensors, bytesAfter } = await whole.client.run({ ...job, files: { model: again.fileId } })
    expect(report).toMatchObject({ tensors, bytesAfter })
    const analyzed = new Set(plan.events.flatMap((event) => (event.type === 'spectrum' ? event.tensor : [])))
    expect(report.analyzed).toBeLessThan(analyzed.size)
  })

  it('gives the same bytes for another number of threads, and takes other kernels from job to job', async () => {
    const harness = testEngine({ entry: product })
    const { folder, file } = await openSample(harness)
    const outputs: Buffer[] = []
    const kernels: string[] = []
    for (const [name, params] of Object.entries({
      one: { threads: 1 },
      three: { threads: 3 },
      again: { threads: 1 },
      narrow: { threads: 2, kernel: 'simd' },
    } as const)) {
      const target = harness.grants.target(join(folder, name)).id
      const job = { kind: 'compress', files: { model: file.fileId }, target, output: 'factors' } as const
      const report = await harness.client.run({ ...job, params: { rank: 16, ...params } })
      expect(report.threads).toBe(params.threads)
      kernels.push(report.kernel)
      outputs.push(readFileSync(join(folder, name)))
    }
    expect(outputs[1]).toEqual(outputs[0])
    expect(outputs[2]).toEqual(outputs[0])
    expect(kernels[3]).toContain('simd')
  })

  it.runIf(can.posix)('says that a thread of the team died, and computes again', async () => {
    const harness = testEngine({ entry: mortal })
    const { folder, file } = await openSample(harness)
    const before = running(harness, {
      ...{ kind: 'analyze', files: { model: file.fileId }, tensor: firstMatrix(file), repeat: 1000 },
      params: { rank: 16, method: 'randomized', threads: 2 },
    })
    await before.started
    const timer = setInterval(() => process.kill(harness.engine.pid!, 'SIGUSR2'), 100)
    const end = await before.end
    clearInterval(timer)
    expect(end).toMatchObject({ code: 'engine-died', message: expect.stringContaining('thread 1') })
    const job = {
      kind: 'analyze',
      files: { model: file.fileId },
      tensor: firstMatrix(file),
      params: { threads: 2 },
    } as const
    expect(await harness.client.run(job)).toMatchObject({ threads: 2 })
    expect(readdirSync(folder)).toEqual(['sample.safetensors'])
  })

  it('ends a run whose source changes or goes while it is read, with a sentence and no file', async () => {
    const harness = testEngine({ entry: product })
    const { folder, path, file } = await openSample(harness)
    const { utimesSync, rmSync } = await import('node:fs')
    for (const [change, sentence] of [
      [() => utimesSync(path, 1, 1), 'sample.safetensors was modified'],
      ...(can.removeOpenFiles ? [[() => rmSync(path), 'sample.safetensors was removed'] as const] : []),
    ] as const) {
      change()
      const target = harness.grants.target(join(folder, 'out')).id
      const job = { kind: 'compress', files: { model: file.fileId }, target, output: 'factors', params: {} } as const
      expect(await running(harness, job).end).toMatchObject({
        code: 'source-changed',
        message: expect.stringContaining(sentence),
      })
      expect(readdirSync(folder)).not.toContain('out.partial')
    }
  })

  it('hears a cancel in every phase', async () => {
    const harness = testEngine({ entry: product })
    const { folder, file } = await openSample(harness)
    const threads = can.proc ? threadCount(harness.engine.pid!) : null
    for (let round = 0; round < 8; round++) {
      const target = harness.grants.target(join(folder, 'out')).id
      const job = running(harness, {
        ...{ kind: 'compress', files: { model: file.fileId }, target, output: 'factors', force: true },
        params: { rank: 16, nIter: 32, algorithm: round % 2 ? 'krylov' : 'subspace' },
      })
      await job.started
      await new Promise((resolve) => setTimeout(resolve, 10 * round))
      job.abort.abort()
      const end = await job.end
      if (end instanceof Error) expect(end).toMatchObject({ code: 'cancelled' })
      expect(readdirSync(folder)).not.toContain('out.partial')
    }
    if (threads !== null) await until(() => threadCount(harness.engine.pid!) <= threads + 2)
  })
})
