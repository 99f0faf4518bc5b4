import { afterEach, expect, test, vi } from 'vitest'
import { type FileReport, type Grant, recipeText } from '../../../../core/contract.ts'
import { useFile } from '../../../../renderer/choices/file.ts'
import { paramsReducers } from '../../../../renderer/choices/params.ts'
import { currentQuestion, startRun } from '../../../../renderer/model/running/run-actions.ts'
import { measuredBy, runsReducers, useRuns } from '../../../../renderer/model/running/runs.ts'
import { someReport, someRun } from '../../../core/contract/some-run.ts'

const host = vi.hoisted(() => ({ startRun: vi.fn(async () => 'run'), runs: vi.fn(async () => []) }))
vi.mock('../../../../renderer/frame/connection.ts', () => ({ connection: () => ({ host }) }))

afterEach(() => {
  useFile.setState({ report: null })
  paramsReducers.set({ rank: 64 })
})

const grant = (id: string, kind: Grant['kind']): Grant => ({ id, name: id, kind, byteLength: null })

test('a run replaces what is there only where the user was asked', async () => {
  useFile.setState({ grant: grant('source', 'file') })
  for (const force of [false, true]) {
    await startRun(grant('target', 'target'), force)
    expect(host.startRun).toHaveBeenLastCalledWith(
      expect.objectContaining({ files: { model: 'source' }, target: 'target', force }),
    )
  }
})

test('a run that has ended says what its choices come to, of the opening of the file that it read, and of no other', async () => {
  const opened = (fileId: string) =>
    useFile.setState({ grant: grant('source', 'file'), report: { fileId, tensors: [] } as unknown as FileReport })
  const measured = () =>
    measuredBy(useRuns.getState(), useFile.getState().report?.fileId, recipeText(currentQuestion()))?.runId
  opened('first')
  await startRun(grant('target', 'target'), false)
  const run = someRun({ runId: 'run', state: 'running', endedAt: null, result: null })
  runsReducers.changed(run, 0)
  expect(measured()).toBeUndefined()
  runsReducers.changed({ ...run, state: 'finished', endedAt: 1, result: someReport }, 1)
  expect(measured()).toBe('run')
  paramsReducers.set({ rank: 63 })
  expect(measured()).toBeUndefined()
  paramsReducers.set({ rank: 64 })
  opened('second')
  expect(measured()).toBeUndefined()
})
