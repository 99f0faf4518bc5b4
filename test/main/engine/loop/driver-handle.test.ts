import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
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
