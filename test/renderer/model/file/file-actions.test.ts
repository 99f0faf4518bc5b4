/** Opening: what is chosen in it stays where it is the same file, and no file of the engine is left open. */
import { beforeEach, expect, test, vi } from 'vitest'
import type { DifferenceReport, EngineApi, FileReport, Grant } from '../../../../core/contract.ts'
import { adapterReducers, firstConvRank, useAdapter } from '../../../../renderer/choices/adapter.ts'
import { fileReducers, useFile } from '../../../../renderer/choices/file.ts'
import { paramsReducers, useParams } from '../../../../renderer/choices/params.ts'
import { rulesOf } from '../../../../renderer/choices/rules.ts'
import { selectionReducers, useSelection } from '../../../../renderer/choices/selection.ts'
import type { Connection } from '../../../../renderer/frame/connect.ts'
import { setConnection } from '../../../../renderer/frame/connection.ts'
import { closeFile, openForForm, openGrant, openPair, reopen } from '../../../../renderer/model/file/file-actions.ts'
import { fileReport, tensorReport } from '../harness.ts'

const grant = (id: string): Grant => ({ id, name: id, kind: 'file', byteLength: null })
const tensors = ['a', 'b'].map((name) => tensorReport(name))

let open: Set<string>
let asked: unknown[]
let closed: string[]
/** Until then no file is closed. */
let closing: PromiseWithResolvers<void> | null
const stored = new Map<string, string>()

beforeEach(async () => {
  ;[open, asked, closed, closing] = [new Set(), [], [], null]
  stored.clear()
  const store = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  }
  vi.stubGlobal('sessionStorage', store)
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })
  let files = 0
  const answered = async (report: Partial<FileReport> = {}) => {
    const fileId = `file ${++files}`
    open.add(fileId)
    return { ...fileReport(tensors, fileId), ...report }
  }
  const engine: Partial<EngineApi> = {
    info: () => Promise.reject(new Error('not asked here')),
    start: async () => 'job',
    cancel: async () => {},
    open: () => answered(),
    openDifference: async (request) => {
      asked.push(request)
      const convolutions = 'convolutions' in request && request.convolutions === true
      const { form } = request
      return answered({
        difference: {
          of: 'pair',
          names: [],
          form: form ?? 'kohya',
          dtype: 'F32',
          convolutions,
        } as unknown as DifferenceReport,
      })
    },
    close: async (fileId) => {
      closed.push(fileId)
      await closing?.promise
      open.delete(fileId)
    },
  }
  const host = { remember: async () => {}, recents: async () => [] }
  setConnection({ engine, host } as unknown as Connection)
  fileReducers.closed()
  adapterReducers.reset()
  selectionReducers.reset()
})

test('two openings at once leave one file open, the last', async () => {
  await openGrant(grant('before'))
  closing = Promise.withResolvers<void>()
  const first = openGrant(grant('a'))
  // The engine is asked to close what was open before, and takes its time.
  await vi.waitFor(() => expect(closed).toHaveLength(1))
  const second = openGrant(grant('b'))
  await vi.waitFor(() => expect(open.size).toBe(3))
  closing.resolve()
  await Promise.all([first, second])
  expect(useFile.getState().grant?.id).toBe('b')
  expect([...open]).toEqual([useFile.getState().report!.fileId])
})

test('another loader, or convolutions, change nothing else that was chosen', async () => {
  await openPair(grant('base'), grant('tuned'))
  const rule = { rule: 'fro', value: 0.95 } as const
  adapterReducers.set({ rule, oneRank: true })
  selectionReducers.setCompressed(tensors[0]!, false)
  selectionReducers.pin('b', 5)
  selectionReducers.sort('size')
  const rules = rulesOf(tensors, useSelection.getState())
  await openForForm('peft', true)
  expect(asked.at(-1)).toMatchObject({ form: 'peft', convolutions: true })
  expect(useAdapter.getState()).toMatchObject({ rule, oneRank: true, convRank: firstConvRank })
  expect(rulesOf(tensors, useSelection.getState())).toEqual(rules)
  expect(useSelection.getState().sort).toBe('size')
  await openForForm('peft', false)
  expect(useAdapter.getState()).toMatchObject({ rule, convRank: null })
})

test('a reload opens differences as they were', async () => {
  await openPair(grant('base'), grant('tuned'))
  await openForForm('comfy', true)
  const before = asked.at(-1)
  // The page is new, what its window remembers is not.
  fileReducers.closed()
  adapterReducers.reset()
  await reopen(false)
  expect(asked.at(-1)).toEqual(before)
  expect(useAdapter.getState().convRank).toBe(firstConvRank)
  await closeFile()
  expect(stored.size).toBe(0)
})

test('an output that is a model’s own graph does not go on to a file that has none', async () => {
  await openGrant(grant('a'))
  paramsReducers.output('onnx')
  await openGrant(grant('b'))
  expect(useParams.getState().output).toBe('factors')
  paramsReducers.output('npz')
  await openGrant(grant('c'))
  expect(useParams.getState().output).toBe('npz')
})
