/** Earlier runs in the hands of a hostile loopback page: it reaches nothing through them that lies outside the named folders. */

import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import { createGrants } from '../../../main/files/grants.ts'
import { createHistory } from '../../../main/history/history.ts'
import { recordRun } from '../../../main/history/run-record.ts'
import { namedFolders } from '../../../main/loopback/folders.ts'
import { someChoices, someRunReport } from '../../core/contract/some-run.ts'
import { someWords } from '../../core/messages/words.ts'
import { type TestHost, testHost } from '../host/harness.ts'
import { leaveUnfinished } from '../left-over.ts'

let top: string
let test: TestHost
const inside = (name: string) => join(top, 'named', name)
const outside = (name: string) => join(top, 'elsewhere', name)

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'ghostsvd-reach-')))
  for (const name of ['named', 'elsewhere']) await mkdir(join(top, name))
  for (const path of [join(top, 'in.npy'), inside('in.npy'), outside('secret.npy')]) await writeFile(path, 'bytes')
  const folders = namedFolders([join(top, 'named')], createGrants())
  test = await testHost(top, { reach: { read: folders.contains, write: folders.mayHold } })
})
afterEach(async () => {
  await test.host.close()
  await rm(top, { recursive: true, force: true })
})

/** A run of the command line, cut short with a tensor finished, or finished. */
async function earlierRun(sourcePath: string, targetPath: string, finished = false): Promise<string> {
  const history = createHistory(join(top, 'config'), () => {})
  const record = recordRun(history, {
    sources: [{ role: 'model', path: sourcePath }],
    targetPath,
    choices: someChoices,
    replaces: null,
  })
  record.hear({ type: 'started', jobId: 'x' })
  if (finished) await record.finish(someRunReport)
  else {
    leaveUnfinished(targetPath)
    await record.cutShort(new AppError('cannot-write', someWords('The disk is full.')))
  }
  return record.run.runId
}

const unknown = {
  code: 'not-found',
  message: 'This run is not in the list any more: it was resumed or removed in another window.',
}
const outOfSight = { code: 'not-found', message: expect.stringContaining('is not in a folder that this page can see') }

it('goes on with a run whose source and target lie in the named folders', async () => {
  const runId = await earlierRun(inside('in.npy'), inside('out.safetensors'))
  const { api } = test.page()
  expect(await api.runs()).toMatchObject([{ runId, resumable: true }])
  const resumed = await test.begin(() => api.resumeRun(runId))
  expect(await api.runs()).toMatchObject([{ runId: resumed.runId, state: 'running' }])
})

describe('attacks', () => {
  it('does not list, report, show, resume, cancel or forget a run that wrote elsewhere', async () => {
    const done = await earlierRun(inside('in.npy'), outside('done.safetensors'), true)
    const cut = await earlierRun(inside('in.npy'), outside('cut.safetensors'))
    const { api } = test.page()
    expect(await api.runs()).toEqual([])
    for (const runId of [done, cut]) {
      await expect(api.runReport(runId)).rejects.toMatchObject(unknown)
      await expect(api.showInFolder(runId)).rejects.toMatchObject(unknown)
      await expect(api.resumeRun(runId)).rejects.toMatchObject(unknown)
      await expect(api.cancelRun(runId, false)).rejects.toMatchObject(unknown)
      await expect(api.pauseRun(runId, true)).rejects.toMatchObject(unknown)
      await expect(api.forgetRun(runId)).rejects.toMatchObject(unknown)
    }
    expect(test.shown).toEqual([])
    expect(await readdir(join(top, 'elsewhere'))).toHaveLength(3)
  })

  it('does not read a source elsewhere by going on with the run that read it', async () => {
    const runId = await earlierRun(outside('secret.npy'), inside('out.safetensors'))
    const { api } = test.page()
    await expect(api.resumeRun(runId)).rejects.toMatchObject(outOfSight)
    expect(test.engines.flatMap(({ jobs }) => jobs)).toEqual([])
  })

  it('does not read a source that was replaced by a symlink to elsewhere', async () => {
    const runId = await earlierRun(inside('in.npy'), inside('out.safetensors'))
    await rm(inside('in.npy'))
    await symlink(outside('secret.npy'), inside('in.npy'))
    await expect(test.page().api.resumeRun(runId)).rejects.toMatchObject(outOfSight)
  })

  it('does not write through a symlink that stands at the target, nor into a folder that was replaced by one', async () => {
    await mkdir(inside('inner'))
    const linked = await earlierRun(inside('in.npy'), inside('linked.safetensors'))
    const moved = await earlierRun(inside('in.npy'), join(inside('inner'), 'moved.safetensors'))
    await symlink(outside('victim'), inside('linked.safetensors'))
    await rename(inside('inner'), join(top, 'moved'))
    await symlink(join(top, 'moved'), inside('inner'))
    const { api } = test.page()
    expect(await api.runs()).toEqual([])
    for (const runId of [linked, moved]) {
      await expect(api.resumeRun(runId)).rejects.toMatchObject(unknown)
      await expect(api.forgetRun(runId)).rejects.toMatchObject(unknown)
    }
    expect(await readdir(join(top, 'moved'))).toHaveLength(2)
  })

  it('takes no path and no name of an object for a run', async () => {
    await earlierRun(inside('in.npy'), inside('out.safetensors'), true)
    const { api } = test.page()
    for (const name of ['', '.', '..', '../settings', '/etc/passwd', '__proto__', 'constructor'])
      for (const ask of [api.runReport, api.resumeRun, api.forgetRun, api.showInFolder])
        await expect(ask(name), name).rejects.toMatchObject(unknown)
  })

  it('refuses arguments of another shape', async () => {
    const { api } = test.page()
    for (const wrong of [null, 7, {}, ['x']])
      for (const ask of [api.runReport, api.resumeRun, api.forgetRun, api.showInFolder] as ((x: never) => unknown)[])
        await expect(ask(wrong as never)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.cancelRun('x', 'yes' as never)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.pauseRun('x', 1 as never)).rejects.toMatchObject({ code: 'bad-request' })
  })
})
