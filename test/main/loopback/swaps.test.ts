/**
 * Folders and files that somebody swaps for links between the moment the host looks at them and the moment they are used, over real
 * sockets and with the product's engine: nothing outside the named folders is read, listed, written or removed.
 */
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Grant } from '../../../core/contract.ts'
import { forkEngine, spawnEnginesBy } from '../../../main/engine/parent/host-process.ts'
import { discardUnfinished, removePartial } from '../../../main/files/outputs.ts'
import { type Serving, serve } from '../../../main/loopback/serve.ts'
import { concat } from '../../core/formats/corpus.ts'
import { bytes, node, number, opset, slot, tensor } from '../../core/formats/onnx/onnx-model.ts'
import { product } from '../engine/harness.ts'
import { leaveUnfinished } from '../left-over.ts'
import { openPage, type TestPage } from './page.ts'

let top: string
let serving: Serving
let page: TestPage
const inside = (...names: string[]) => join(top, 'named', ...names)
const outside = (...names: string[]) => join(top, 'elsewhere', ...names)

/** One matrix of 8 x 8, called `name`. */
function model(name: string): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape: [8, 8], data_offsets: [0, 256] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([length, header, Buffer.from(Float32Array.from({ length: 64 }, (_, i) => i % 7).buffer)])
}

/** y = x w. */
const graph = concat(
  number(1, 8),
  bytes(
    7,
    concat(
      ...[node('MatMul', ['x', 'w'], ['y']), slot(11, 'x', ['n', 8]), slot(12, 'y', ['n', 8]), bytes(2, 'main')],
      tensor({ name: 'w', dims: [8, 8], fields: [bytes(9, new Uint8Array(256))] }),
    ),
  ),
  opset(13),
)

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'swaps-')))
  for (const folder of [inside('sub'), outside('sub')]) await mkdir(folder, { recursive: true })
  await writeFile(inside('sub', 'a.safetensors'), model('open'))
  await writeFile(outside('sub', 'a.safetensors'), model('secret'))
  await writeFile(outside('sub', 'thesis.txt'), 'precious')
  spawnEnginesBy(() => forkEngine(product))
  serving = await serve({ folders: [join(top, 'named')], port: 0, configFolder: join(top, 'config') })
  page = await openPage(serving.url)
})
afterEach(async () => {
  await serving.close()
  await rm(top, { recursive: true, force: true })
})

const refused = { code: 'not-found', said: [{ key: 'runs.out-of-sight' }] }

async function listed(): Promise<{ folder: Grant; file: Grant }> {
  const [root] = await page.host.listFolder(null)
  const [sub] = await page.host.listFolder(root!.grant.id)
  const [file] = await page.host.listFolder(sub!.grant.id)
  return { folder: sub!.grant, file: file!.grant }
}

async function swapFolder(): Promise<void> {
  await rename(inside('sub'), join(top, 'moved'))
  await symlink(outside('sub'), inside('sub'))
}

async function swapFile(): Promise<void> {
  await rm(inside('sub', 'a.safetensors'))
  await symlink(outside('sub', 'a.safetensors'), inside('sub', 'a.safetensors'))
}

it.each([
  ['a file', swapFile, 'file'],
  ['the folder of a file', swapFolder, 'file'],
  ['a folder', swapFolder, 'folder'],
  ['a file of a folder', swapFile, 'folder'],
] as const)('does not open %s that was swapped for a link after it was listed', async (_what, swap, kind) => {
  const grants = await listed()
  await expect(page.engine.api.open(grants[kind].id)).resolves.toMatchObject({ tensors: [{ name: 'open' }] })
  await swap()
  await expect(page.engine.api.open(grants[kind].id)).rejects.toMatchObject(refused)
})

it.each([
  ['a file', swapFile],
  ['the folder of a file', swapFolder],
])('hands out nothing of %s that was swapped for a link', async (_what, swap) => {
  const { file } = await listed()
  const download = () => fetch(`${page.origin}/download?file=${file.id}`, { headers: { cookie: page.cookie } })
  expect(Buffer.from(await (await download()).arrayBuffer()).equals(model('open'))).toBe(true)
  await swap()
  expect((await download()).status).toBe(404)
})

it.each([
  ['a model', async () => rm(inside('sub', 'm.onnx'))],
  ['the folder of a model', swapFolder],
])(
  'runs nothing of %s that was swapped for a link',
  async (_what, swap) => {
    for (const place of [inside, outside]) await writeFile(place('sub', 'm.onnx'), graph)
    const { folder } = await listed()
    const found = (await page.host.listFolder(folder.id)).find(({ grant }) => grant.name === 'm.onnx')!
    const { fileId } = await page.engine.api.open(found.grant.id)
    const files = { model: fileId, compressed: [fileId], inputs: [] }
    const job = { kind: 'try' as const, files, samples: 1, rounds: 1 }
    await expect(page.engine.run(job)).resolves.toMatchObject({ samples: 1 })
    await swap()
    if (swap !== swapFolder) await symlink(outside('sub', 'm.onnx'), inside('sub', 'm.onnx'))
    const refusal = swap === swapFolder ? refused : { code: 'source-changed' }
    await expect(page.engine.run(job)).rejects.toMatchObject(refusal)
  },
  60_000,
)

it('lists no folder that was swapped for a link', async () => {
  const { folder } = await listed()
  await swapFolder()
  await expect(page.host.listFolder(folder.id)).rejects.toMatchObject({ code: 'not-found' })
  await expect(page.host.linksOut(folder.id)).rejects.toMatchObject({ code: 'not-found' })
  await expect(page.host.createTarget(folder.id, 'out')).rejects.toMatchObject({ code: 'not-found' })
})

it('opens what a link inside leads to, and a folder that was replaced by another inside', async () => {
  const { file } = await listed()
  await rename(inside('sub'), inside('moved'))
  await symlink(inside('moved'), inside('sub'))
  await expect(page.engine.api.open(file.id)).resolves.toMatchObject({ tensors: [{ name: 'open' }] })
})

it('writes nothing into a folder that was swapped for a link after its target was made', async () => {
  const { folder, file } = await listed()
  const target = await page.host.createTarget(folder.id, 'out.safetensors')
  // The source stays where it may be read.
  await writeFile(inside('b.safetensors'), model('open'))
  await swapFolder()
  const [root] = await page.host.listFolder(null)
  const source = (await page.host.listFolder(root!.grant.id)).find(({ grant }) => grant.name === 'b.safetensors')!
  const before = await readdir(outside('sub'))
  const request = { kind: 'compress' as const, target: target.id, output: 'factors' as const, params: { rank: 2 } }
  for (const model of [source.grant.id, file.id]) {
    const began = page.host.startRun({ ...request, files: { model } })
    await began.then(
      (runId) =>
        vi.waitFor(() => expect(page.runs.find((run) => run.runId === runId && run.endedAt)).toBeTruthy(), 20_000),
      () => {},
    )
  }
  expect(page.runs.every((run) => run.state !== 'finished')).toBe(true)
  expect(await readdir(outside('sub'))).toEqual(before)
})

it.each(['factors', 'npz'] as const)('writes %s where a target was made, and leaves nothing else', async (output) => {
  const { folder, file } = await listed()
  const name = output === 'factors' ? 'out.safetensors' : 'out.npz'
  const target = await page.host.createTarget(folder.id, name)
  const request = {
    kind: 'compress' as const,
    files: { model: file.id },
    target: target.id,
    output,
    params: { rank: 2 },
  }
  const runId = await page.host.startRun(request)
  const end = () => page.runs.find((run) => run.runId === runId && run.endedAt)
  await vi.waitFor(() => expect(end()).toBeTruthy(), 20_000)
  expect(end()).toMatchObject({ state: 'finished', error: null })
  expect(await readdir(inside('sub'))).toEqual(['a.safetensors', name])
})

it('discards nothing through a folder that was swapped for a link', async () => {
  const target = inside('sub', 'out.safetensors')
  leaveUnfinished(target)
  await swapFolder()
  leaveUnfinished(outside('sub', 'out.safetensors'))
  await expect(discardUnfinished(target, [inside()])).rejects.toMatchObject(refused)
  await expect(removePartial(`${target}.partial`, [inside()])).rejects.toMatchObject(refused)
  expect(await readdir(outside('sub'))).toContain('out.safetensors.partial')
  expect(await readdir(join(top, 'moved'))).toContain('out.safetensors.partial')
})

it('reads and writes nothing outside however often folder and link change places meanwhile', async () => {
  const { folder, file } = await listed()
  await symlink(outside('sub'), inside('link'))
  const before = await readdir(outside('sub'))
  let flipping = true
  const flips = (async () => {
    while (flipping) {
      await rename(inside('sub'), inside('parked'))
      await rename(inside('link'), inside('sub'))
      await rename(inside('sub'), inside('link'))
      await rename(inside('parked'), inside('sub'))
    }
  })()
  const seen: string[] = []
  for (let i = 0; i < 60; i++) {
    const opened = await page.engine.api.open(file.id).catch(() => null)
    if (opened) seen.push(...opened.tensors.map(({ name }) => name))
    for (const entry of await page.host.listFolder(folder.id).catch(() => [])) seen.push(entry.grant.name)
    const target = await page.host.createTarget(folder.id, `out-${i}.npy`).catch(() => null)
    if (!target) continue
    const job = { kind: 'sample', target: target.id, layers: 1, hidden: 8, dtype: 'F32', seed: 1 } as const
    await page.engine.run(job).catch(() => {})
  }
  flipping = false
  await flips
  expect(new Set(seen).has('secret')).toBe(false)
  expect(new Set(seen).has('thesis.txt')).toBe(false)
  expect(await readdir(outside('sub'))).toEqual(before)
  expect(await readFile(outside('sub', 'thesis.txt'), 'utf8')).toBe('precious')
}, 60_000)
