import { beforeEach, expect, test, vi } from 'vitest'
import type { EngineStatus } from '../../../core/contract.ts'
import { startSession } from '../../../renderer/app/session-actions.ts'
import { fileReducers, useFile } from '../../../renderer/choices/file.ts'
import type { ConnectionEvents } from '../../../renderer/frame/connect.ts'
import { sessionReducers } from '../../../renderer/frame/session.ts'
import { want } from '../../../renderer/model/looking/work.ts'
import { someWords } from '../../core/messages/words.ts'
import { fileReport, tensorReport } from '../model/harness.ts'

const page = vi.hoisted(() => ({
  events: null as ConnectionEvents | null,
  opened: [] as string[],
  asked: [] as (string | undefined)[],
}))
vi.mock('../../../renderer/frame/connect.ts', () => ({
  connect: (events: ConnectionEvents) => {
    page.events = events
    const engine = {
      info: () => Promise.reject(new Error('not asked here')),
      open: async (grantId: string) => {
        page.opened.push(grantId)
        return fileReport([tensorReport('w')], `file ${page.opened.length}`)
      },
      start: async (job: { files: { model?: string } }) => {
        page.asked.push(job.files.model)
        return 'job'
      },
    }
    const none = async () => []
    return { engine, host: { settings: async () => ({}), info: async () => null, recents: none, runs: none } }
  },
}))
vi.stubGlobal('addEventListener', () => {})
vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {}, removeItem: () => {} })

const say = (state: EngineStatus['state']) =>
  page.events!.engine({ state, reason: state === 'died' ? someWords('SIGKILL') : null })

beforeEach(async () => {
  await startSession()
  page.opened.length = 0
  page.asked.length = 0
})

test.each([false, true])(
  'after a death the file is open in the next engine, whether its notice was closed: %s',
  async (closed) => {
    fileReducers.opened({ id: 'grant', name: 'x', kind: 'file', byteLength: null }, fileReport([tensorReport('w')]))
    say('ready')
    say('died')
    if (closed) sessionReducers.dismissDeath()
    say('starting')
    say('ready')
    await vi.waitFor(() => expect(useFile.getState().report?.fileId).toBe('file 1'))
    expect(page.opened).toEqual(['grant'])
    // What is asked for then reaches the engine.
    const request = () => ({ kind: 'estimate', files: { model: useFile.getState().report!.fileId } }) as never
    want('copy', { onFile: true, request, end: () => {} })
    await vi.waitFor(() => expect(page.asked).toContain('file 1'))
  },
)
