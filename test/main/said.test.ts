/** What is said where things go wrong: keys and values, taken from those who say them. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppError } from '../../core/errors.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { stackMemory } from '../../core/kernels/memory.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { defaultParams } from '../../core/params.ts'
import { allocateRanks } from '../../core/plan/rank-allocation.ts'
import { refusalOfChoices } from '../../core/plan/refusal.ts'
import { styles } from '../../core/styles.ts'
import { whyItEnded } from '../../main/engine/parent/exit-sentence.ts'
import { readFault, writeFault } from '../../main/files/file-errors.ts'
import { openSource } from '../../main/files/files.ts'
import { outputFolder } from '../../main/files/outputs.ts'
import { memoryFolder } from '../core/memory-folder.ts'
import { can } from '../system.ts'
import { testHost } from './host/harness.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-faults-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const system = (code: string) => Object.assign(new Error(code), { code })
const refusedBy = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}
const said = (error: unknown) => (error as AppError).said[0]
/** What reading a file says that was changed after it was opened. */
async function readingAfter(change: (path: string) => Promise<void>): Promise<unknown> {
  const path = join(folder, 'w.npy')
  await writeFile(path, new Uint8Array(16))
  const source = await openSource(path)
  try {
    await change(path)
    return await source.slice(0, 8).catch((error: unknown) => error)
  } finally {
    await source.close()
  }
}

test.each([
  ['files.cannot-read', 'system.EACCES', readFault(system('EACCES'), '/home/user/w.npy')],
  ['files.cannot-write', 'system.EACCES', writeFault(system('EACCES'), 'w.npy')],
  ['files.cannot-write', 'system.EROFS', writeFault(system('EROFS'), 'w.npy')],
  ['files.cannot-write', 'system.folder-gone', writeFault(system('ENOENT'), 'w.npy')],
  ['files.cannot-write', 'system.other', writeFault(system('EDOOFUS'), 'w.npy')],
])('%s: %s', (key, why, error) => {
  expect(said(error)).toMatchObject({ key, values: { name: 'w.npy', why: { key: why } } })
})

test('a file that is not there, and other advice than to choose another folder', () => {
  expect(said(readFault(system('ENOENT'), 'w.npy'))).toEqual(say('files.not-found', { name: fileName('w.npy') }))
  const advised = writeFault(system('EACCES'), 'w.npy', say('files.remove-by-hand')) as AppError
  expect(advised.message).toBe('w.npy could not be written: permission was denied. Remove it by hand.')
})

test('a file that changes while it is read', async () => {
  const longer = await readingAfter((path) => writeFile(path, new Uint8Array(24)))
  expect(said(longer)).toMatchObject({ key: 'files.resized', values: { name: 'w.npy', before: 16, after: 24 } })
})

test.runIf(can.removeOpenFiles && can.replaceOpenFiles)('a file that goes while it is read', async () => {
  expect(said(await readingAfter((path) => rm(path)))).toMatchObject({ key: 'files.removed' })
  const replaced = await readingAfter(async (path) => {
    await writeFile(`${path}.new`, new Uint8Array(16))
    await rename(`${path}.new`, path)
  })
  expect(said(replaced)).toMatchObject({ key: 'files.replaced' })
})

test('a folder that holds no model, or several', async () => {
  const opening = (...names: string[]) =>
    openWeightFile({
      folder: memoryFolder('models', new Map(names.map((name) => [name, new Uint8Array(8)]))),
      entry: null,
    }).catch((error: unknown) => error)
  expect(said(await opening('notes.txt'))).toMatchObject({ key: 'formats.no-weight-file', values: { name: 'models' } })
  expect(said(await opening('a.npy', 'b.npy'))).toMatchObject({
    key: 'formats.several-models',
    values: { name: 'models', count: 2, some: ['a.npy', 'b.npy'] },
  })
})

const bytes = (content: string) => Buffer.from(content, 'latin1')
/** A safetensors file with this header, claiming to be `length` long. */
function safetensors(header: string, length = header.length, data = 0): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(length))
  return Buffer.concat([prefix, bytes(header), Buffer.alloc(data)])
}
const tensor = (dtype: string, end: number) => `{"w":{"dtype":"${dtype}","shape":[4],"data_offsets":[0,${end}]}}`
const npy = (descr: string) =>
  bytes(`\x93NUMPY\x01\x00\x46\x00${`{'descr': '${descr}', 'fortran_order': False, 'shape': (64, 64), }`.padEnd(69)}\n`)
const refusal = async (name: string, content: Uint8Array) =>
  (await openWeightFile({ folder: memoryFolder('models', new Map([[name, content]])), entry: name }).catch(
    (error: unknown) => error,
  )) as Error

test.each<[key: string, name: string, content: Buffer, values?: object]>([
  ['lookalike.text', 'notes.txt', bytes('These are not weights.')],
  ['lookalike.text', 'config.json', bytes('{"hidden_size": 512}')],
  ['lookalike.empty', 'w.safetensors', bytes('')],
  ['lookalike.lfs-pointer', 'w.safetensors', bytes('version https://git-lfs.github.com/spec/v1\n')],
  ['lookalike.web-page', 'w.pt', bytes('<!DOCTYPE html><html></html>')],
  ['lookalike.packed', 'w.bin', bytes('\x1f\x8b\x08\x00\x00\x00\x00\x00')],
  ['lookalike.zeros', 'w.safetensors', Buffer.alloc(64)],
  ['lookalike.picture', 'cat.safetensors', bytes('\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR')],
  ['formats.header-beyond', 'w.safetensors', safetensors('{}', 2 ** 40)],
  ['formats.cut-short', 'w.safetensors', safetensors(tensor('F32', 16), undefined, 8), { has: 8, needs: 16 }],
  ['formats.wrong-length', 'w.npy', npy('<f4'), { has: 0, needs: 16384 }],
  ['formats.zip-cut-short', 'w.pt', bytes('PK\x03\x04\x14\x00\x00\x00')],
])('%s: a file that cannot be opened, %s', async (key, name, content, values = {}) => {
  expect(said(await refusal(name, content))).toMatchObject({
    key,
    values: { [key.startsWith('formats.') ? 'where' : 'name']: name, ...values },
  })
})

test.each([
  ['formats.unknown-dtype', '<M8', { dtype: '"<M8"' }],
  ['formats.objects', '|O', {}],
])('%s: an array of no numbers, %s', async (key, descr, values) => {
  expect(said(await refusal('w.npy', npy(descr)))).toMatchObject({ key, values: { where: 'w.npy', ...values } })
})

test('any other contradiction in a file is quoted as its reader has it', async () => {
  const torn = await refusal('torn.safetensors', safetensors('{"w": '))
  expect(said(torn)).toMatchObject({
    key: 'formats.contradiction',
    values: { detail: expect.stringMatching(/^torn\.safetensors.*: expected .+, got .+/) },
  })
})

test('an output in the way of something', async () => {
  const source = join(folder, 'source.npy')
  await writeFile(source, 'bytes')
  const writing = (name: string) =>
    outputFolder(folder, { overwrite: true, sources: [source] })
      .create(name, 8)
      .catch((error: unknown) => error)
  expect(said(await writing('source.npy'))).toMatchObject({ key: 'files.is-source', values: { name: 'source.npy' } })
  const much = outputFolder(folder, { overwrite: false, sources: [] }).create('much.npy', 2 ** 52)
  expect(said(await much.catch((error: unknown) => error))).toMatchObject({
    key: 'files.no-space',
    values: { name: 'much.npy', needed: 2 ** 52, free: expect.any(Number) },
  })
})

test('memory that is not there', () => {
  const memory = stackMemory(2 ** 20)
  expect(said(refusedBy(() => memory.allocate(2 ** 22)))).toMatchObject({
    key: 'memory.limit',
    values: { needed: 2 ** 22, limit: 2 ** 20 },
  })
})

test('what cannot be had together', () => {
  const candidate = {
    name: 'w',
    weight: 100,
    squaredErrors: [1, 0.5, 0.2],
    minRank: 2,
    maxRank: 2,
    keptBytes: 1000,
    bytesAt: (rank: number) => 200 * rank,
  }
  const refused = refusedBy(() => allocateRanks([candidate], { kind: 'bytes', bytes: 300 }, 'water-filling'))
  expect(said(refused)).toMatchObject({ key: 'request.goal-too-small', values: { left: 300, needed: 400 } })
  const overdrawn = refusedBy(() => allocateRanks([candidate], { kind: 'bytes', bytes: -300 }, 'water-filling'))
  expect(said(overdrawn)).toMatchObject({ key: 'request.kept-too-large', values: { more: 300 } })
  const goal = { ...defaultParams, goalSize: 0.5 }
  expect(said(refusalOfChoices(goal, { ...styles.factors, copiesKept: false }, false))).toMatchObject({
    key: 'request.size-goal-of-factors',
  })
  const int8 = { ...defaultParams, factorDType: 'INT8', factorLayout: 'usv' } as const
  expect(said(refusalOfChoices(int8, styles.factors, false))).toMatchObject({ key: 'request.int8-layout' })
})

test('an engine that died', () => {
  const ended = (code: number | null, signal: string | null, stderrTail = '') =>
    whyItEnded({ code, signal, stderrTail })
  expect(ended(null, 'SIGKILL')).toMatchObject({ key: 'engine.killed' })
  expect(ended(null, 'SIGSEGV')).toMatchObject({ key: 'engine.crashed', values: { signal: 'SIGSEGV' } })
  expect(ended(null, 'SIGTERM')).toMatchObject({ key: 'engine.ended', values: { signal: 'SIGTERM' } })
  expect(ended(7, null)).toMatchObject({ key: 'engine.exited', values: { code: 7 } })
  expect(ended(null, 'SIGABRT', 'FATAL ERROR: heap out of memory')).toMatchObject({ key: 'engine.out-of-memory' })
})

test('a run that cannot be steered from here', async () => {
  await writeFile(join(folder, 'in.npy'), 'bytes')
  const host = await testHost(folder)
  const { api } = host.page()
  const refusal = async (call: Promise<unknown>) => said(await call.catch((error: unknown) => error))
  const { runId } = await host.startRun({ api })
  const name = 'out.safetensors'
  expect(await refusal(api.resumeRun('another'))).toMatchObject({ key: 'runs.gone' })
  expect(await refusal(api.resumeRun(runId))).toMatchObject({ key: 'runs.nothing-left', values: { name } })
  expect(await refusal(api.startRun(host.request()))).toMatchObject({ key: 'files.being-written', values: { name } })
  expect(await refusal(api.forgetRun(runId))).toMatchObject({ key: 'runs.being-written', values: { name } })
  expect(await refusal(api.runReport(runId))).toMatchObject({ key: 'runs.no-report', values: { name } })
  const second = (await testHost(folder)).page().api
  expect(await refusal(second.cancelRun(runId, true))).toMatchObject({ key: 'runs.elsewhere', values: { name } })
  await host.host.close()
})
