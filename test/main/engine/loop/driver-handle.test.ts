import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Job } from '../../../../core/contract.ts'
import { createDriver } from '../../../../main/engine/loop/driver-handle.ts'

const sample: Job = {
  kind: 'sample',
  files: {},
  target: 'target',
  layers: 1,
  hidden: 64,
  dtype: 'F32',
  seed: 1,
  force: true,
}

test('a half-written file that cannot be removed ends nothing else, and stays known', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-driver-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const known = new Set<string>()
  const driver = createDriver({
    tellModel: () => {},
    entry: new URL('../fixtures/driver.ts', import.meta.url),
    spawnDevice: () => {},
    spawn: () => {
      throw new Error('this driver has no team')
    },
    notePartial: async (path, exists) => void (exists ? known.add(path) : known.delete(path)),
    // As on Windows while a virus scanner looks at it.
    removePartial: async (path) => {
      throw Object.assign(new Error(`EBUSY: ${path}`), { code: 'EBUSY' })
    },
  })
  const write = (name: string, started?: () => void) =>
    driver.run(
      { kind: 'job', job: sample, files: {}, target: { path: join(folder, name), within: null } },
      started && { event: () => started() },
    )
  const writing = await new Promise<ReturnType<typeof write>>((begun) => {
    const task = write('spins', () => begun(task))
  })
  void writing.cancel()
  await expect(writing.answer).rejects.toMatchObject({ code: 'cancelled' })
  expect([...known]).toEqual([join(folder, 'spins.partial')])
  await expect(write('finishes').answer).resolves.toMatchObject({ kind: 'sample' })
  await driver.stop()
  expect(readdirSync(folder).sort()).toEqual(['finishes', 'spins.partial'])
})

test('a file is opened while kernels are made, and who waits for them hears when there will be none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-driver-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'model')
  writeFileSync(path, 'x')
  vi.stubEnv('GHOSTSVD_TEST_COLD', '1')
  onTestFinished(() => void vi.unstubAllEnvs())
  const driver = createDriver({
    tellModel: () => {},
    entry: new URL('../fixtures/driver.ts', import.meta.url),
    spawnDevice: () => {},
    spawn: () => {
      throw new Error('this driver has no team')
    },
    notePartial: async () => {},
    removePartial: async () => {},
  })
  const info = driver.info()
  const file = { fileId: 'file', path, within: null, fingerprint: null }
  await expect(driver.run({ kind: 'open', file }).answer).resolves.toMatchObject({ totalBytes: 1 })
  const refused = expect(info).rejects.toMatchObject({ code: 'cancelled' })
  await driver.stop()
  await refused
})
