import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createGrants } from '../../../main/files/grants.ts'
import { downloads } from '../../../main/loopback/downloads.ts'

let folder: string
const grants = createGrants()
const ask = (id: string) => downloads(grants)(new URL(`http://127.0.0.1/download?file=${encodeURIComponent(id)}`))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-downloads-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('sends a file that was granted, whole and under its own name', async () => {
  const path = join(folder, '模型"1".safetensors')
  const bytes = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251))
  await writeFile(path, bytes)
  const reply = await ask((await grants.grant(path)).id)
  expect(reply.status).toBe(200)
  expect(reply.headers.get('content-length')).toBe(String(bytes.byteLength))
  expect(reply.headers.get('content-disposition')).toBe(
    `attachment; filename*=UTF-8''${encodeURIComponent('模型"1".safetensors')}`,
  )
  expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true)
})

it('sends nothing else: no id of its own making, no path, no target, no folder, no file that has gone', async () => {
  const path = join(folder, 'w.npy')
  await writeFile(path, 'bytes')
  const gone = (await grants.grant(path)).id
  await rm(path)
  for (const id of ['', 'a', path, '../w.npy', grants.target(path).id, (await grants.grant(folder)).id, gone])
    expect((await ask(id)).status, id).toBe(404)
})

it('sends as much as it announced of a file that grows meanwhile: the rest would be taken for the next answer', async () => {
  const path = join(folder, 'w.npy')
  for (const size of [200_000, 0]) {
    await writeFile(path, Buffer.alloc(size, 1))
    const reply = await ask((await grants.grant(path)).id)
    await appendFile(path, 'HTTP/1.1 200 OK\r\n\r\n<script>')
    expect((await reply.arrayBuffer()).byteLength).toBe(size)
    expect(reply.headers.get('content-length')).toBe(String(size))
  }
})
