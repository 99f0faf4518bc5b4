/** The page has its own words for the commonest errors: the sentences are taken from those who say them. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { openWeightFile } from '../../../core/formats/registry.ts'
import { memoryFolder } from '../../../core/io.ts'
import { refuse } from '../../../core/jobs/planned-run.ts'
import { stackMemory } from '../../../core/kernels/memory.ts'
import { nonFiniteSentence } from '../../../core/matrix/scan.ts'
import { defaultParams } from '../../../core/params.ts'
import { allocateRanks } from '../../../core/plan/rank-allocation.ts'
import { refusalOfChoices } from '../../../core/plan/refusal.ts'
import { styles } from '../../../core/styles.ts'
import { exitSentence } from '../../../main/engine/exit-sentence.ts'
import { readFault, writeFault } from '../../../main/files/file-errors.ts'
import { openSource } from '../../../main/files/files.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import { damage } from '../../../renderer/words/bad-file.ts'
import { recognizeFault } from '../../../renderer/words/fault.ts'
import { testHost } from '../../main/host/harness.ts'

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
const recognized = (error: unknown) => recognizeFault((error as Error).message)
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
  ['notFound', readFault(system('ENOENT'), 'w.npy')],
  ['readDenied', readFault(system('EACCES'), 'w.npy')],
  ['writeDenied', writeFault(system('EACCES'), 'w.npy')],
  ['readOnly', writeFault(system('EROFS'), 'w.npy')],
  ['diskFull', writeFault(system('ENOSPC'), 'w.npy')],
])('%s, of the file system', (key, error) => {
  expect(recognized(error)).toMatchObject({ key, values: { name: 'w.npy' } })
})

test('a file that changes while it is read', async () => {
  const longer = await readingAfter((path) => writeFile(path, new Uint8Array(24)))
  expect(recognized(longer)).toMatchObject({ key: 'resized', values: { name: 'w.npy', before: '16', after: '24' } })
  expect(recognized(await readingAfter((path) => rm(path)))).toMatchObject({ key: 'removed' })
  const replaced = await readingAfter(async (path) => {
    await writeFile(`${path}.new`, new Uint8Array(16))
    await rename(`${path}.new`, path)
  })
  expect(recognized(replaced)).toMatchObject({ key: 'replaced' })
})

test('a folder that holds no model, or several', async () => {
  const opening = (...names: string[]) =>
    openWeightFile({
      folder: memoryFolder('models', new Map(names.map((name) => [name, new Uint8Array(8)]))),
      entry: null,
    }).catch((error: unknown) => error)
  expect(recognized(await opening('notes.txt'))).toMatchObject({ key: 'noWeightFile', values: { name: 'models' } })
  expect(recognized(await opening('a.npy', 'b.npy'))).toMatchObject({
    key: 'severalModels',
    values: { name: 'models', count: '2', some: 'a.npy, b.npy' },
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
  ['text', 'notes.txt', bytes('These are not weights.')],
  ['text', 'config.json', bytes('{"hidden_size": 512}')],
  ['empty', 'w.safetensors', bytes('')],
  ['lfsPointer', 'w.safetensors', bytes('version https://git-lfs.github.com/spec/v1\n')],
  ['webPage', 'w.pt', bytes('<!DOCTYPE html><html></html>')],
  ['packed', 'w.bin', bytes('\x1f\x8b\x08\x00\x00\x00\x00\x00')],
  ['zeros', 'w.safetensors', Buffer.alloc(64)],
  ['picture', 'cat.safetensors', bytes('\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR')],
  [
    'otherFile',
    'w.h5',
    bytes('\x89HDF\r\n\x1a\n'),
    { what: expect.stringMatching(/^an HDF5 file \(Keras .h5\), which is not read: load it/) },
  ],
  ['headerBeyond', 'w.safetensors', safetensors('{}', 2 ** 40)],
  ['cutShort', 'w.safetensors', safetensors(tensor('F32', 16), undefined, 8), { hasBytes: '8', needsBytes: '16' }],
  ['wrongLength', 'w.npy', npy('<f4'), { hasBytes: '0', needsBytes: '16384' }],
  ['zipCutShort', 'w.pt', bytes('PK\x03\x04\x14\x00\x00\x00')],
  ['unknownDtype', 'w.safetensors', safetensors(tensor('F33', 16), undefined, 16), { dtype: '"F33"' }],
  ['objects', 'w.npy', npy('|O')],
])('%s: a file that cannot be opened, %s', async (key, name, content, values = {}) => {
  expect(recognized(await refusal(name, content))).toMatchObject({ key, values: { name, ...values } })
})

test('any other contradiction in a file is named as its reader names it', async () => {
  const torn = await refusal('torn.safetensors', safetensors('{"w": '))
  expect(recognized(torn)).toBeNull()
  expect(damage(torn.message)).toMatchObject({ name: 'torn.safetensors', detail: expect.stringContaining('expected') })
})

test('an output in the way of something', async () => {
  expect(recognized(writeFault(system('ENOENT'), 'w.npy'))).toMatchObject({ key: 'folderGone' })
  const source = join(folder, 'source.npy')
  await writeFile(source, 'bytes')
  const writing = (name: string) =>
    outputFolder(folder, { overwrite: true, sources: [source] })
      .create(name, 8)
      .catch((error: unknown) => error)
  expect(recognized(await writing('source.npy'))).toMatchObject({ key: 'isSource', values: { name: 'source.npy' } })
  const much = outputFolder(folder, { overwrite: false, sources: [] }).create('much.npy', 2 ** 52)
  expect(recognized(await much.catch((error: unknown) => error))).toMatchObject({
    key: 'noSpace',
    values: { name: 'much.npy', needed: expect.any(String), free: expect.any(String) },
  })
})

test('memory that is not there', () => {
  const memory = stackMemory(2 ** 20)
  expect(recognized(refusedBy(() => memory.allocate(2 ** 22)))).toMatchObject({
    key: 'memoryLimit',
    values: { needed: '4', limit: '1' },
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
  expect(recognized(refused)).toMatchObject({ key: 'goalTooSmall', values: { leftBytes: '300', neededBytes: '400' } })
  const overdrawn = refusedBy(() => allocateRanks([candidate], { kind: 'bytes', bytes: -300 }, 'water-filling'))
  expect(recognized(overdrawn)).toMatchObject({ key: 'keptTooLarge', values: { moreBytes: '300' } })
  const adapter = { style: { copiesKept: false } } as unknown as Parameters<typeof refuse>[0]
  const goal = { params: { ...defaultParams, goalSize: 0.5 } } as Parameters<typeof refuse>[1]
  expect(recognized(refusedBy(() => refuse(adapter, goal)))).toMatchObject({ key: 'sizeGoalOfAdapter' })
  const int8 = { ...defaultParams, factorDType: 'INT8', factorLayout: 'usv' } as const
  expect(recognized(refusalOfChoices(int8, styles.factors))).toMatchObject({ key: 'int8Layout' })
})

test('an engine that died', () => {
  const ended = (code: number | null, signal: string | null, stderrTail = '') =>
    recognizeFault(exitSentence({ code, signal, stderrTail }))
  expect(ended(null, 'SIGKILL')).toMatchObject({ key: 'engineKilled' })
  expect(ended(null, 'SIGSEGV')).toMatchObject({ key: 'engineCrashed', values: { signal: 'SIGSEGV' } })
  expect(ended(null, 'SIGTERM')).toMatchObject({ key: 'engineEnded', values: { signal: 'SIGTERM' } })
  expect(ended(7, null)).toMatchObject({ key: 'engineExit', values: { code: '7' } })
  expect(ended(null, 'SIGABRT', 'FATAL ERROR: heap out of memory')).toMatchObject({ key: 'engineMemory' })
})

test('a run that cannot be steered from here', async () => {
  await writeFile(join(folder, 'in.npy'), 'bytes')
  const host = await testHost(folder)
  const { api } = host.page()
  const said = async (call: Promise<unknown>) => recognized(await call.catch((error: unknown) => error))
  const { runId } = await host.startRun({ api })
  const name = 'out.safetensors'
  expect(await said(api.resumeRun('another'))).toMatchObject({ key: 'runGone' })
  expect(await said(api.resumeRun(runId))).toMatchObject({ key: 'nothingLeft', values: { name } })
  expect(await said(api.startRun(host.request()))).toMatchObject({ key: 'beingWritten', values: { name } })
  expect(await said(api.forgetRun(runId))).toMatchObject({ key: 'stillWritten', values: { name } })
  expect(await said(api.runReport(runId))).toMatchObject({ key: 'noReport', values: { name } })
  const second = (await testHost(folder)).page().api
  expect(await said(second.cancelRun(runId, true))).toMatchObject({ key: 'writtenElsewhere', values: { name } })
  await host.host.close()
})

test('values that are no weights keep their numbers', () => {
  const counted = (nanCount: number, infCount: number) =>
    recognizeFault(`up.weight ${nonFiniteSentence({ nanCount, infCount })}. It has no singular values; it is kept.`)
      ?.values
  expect(counted(0, 12)).toMatchObject({ name: 'up.weight', inf: '12', nan: undefined })
  expect(counted(1, 0)).toMatchObject({ nan: '1', inf: undefined })
  expect(counted(3, 1)).toMatchObject({ nan: '3', inf: '1' })
})

test('a sentence without words of the page is shown as it came', () => {
  expect(recognizeFault('w.npy: expected a header of at least 10 bytes, got 3')).toBeNull()
  // With advice of its own, which the page's words would lose.
  expect(recognized(writeFault(system('EACCES'), 'w.npy', 'Remove it by hand.'))).toBeNull()
})
