import { once } from 'node:events'
import { mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromErrorReport } from '../../../core/errors.ts'
import { uploads } from '../../../main/loopback/uploads.ts'

let folder: string
let server: Server
let address: string
let free = 1e9
const shortMs = 300
let silenceMs = shortMs

beforeEach(async () => {
  free = 1e9
  silenceMs = shortMs
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-uploads-'))
  const receive = uploads({
    folder,
    within: [await realpath(folder)],
    grant: async (path) => {
      const status = await stat(path)
      const kind = status.isDirectory() ? 'folder' : 'file'
      return { id: 'id', name: basename(path), kind, byteLength: status.size }
    },
    freeBytes: async () => free - (await written()),
    get silenceMs() {
      return silenceMs
    },
  })
  server = createServer(async (request, response) => {
    const reply = await receive(request, new URL(request.url!, 'http://127.0.0.1'))
    response.writeHead(reply.status, Object.fromEntries(reply.headers)).end(await reply.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/upload`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

/** Bytes of all that was written so far. */
async function written(): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

const send = (query: Record<string, string>, body: BodyInit) =>
  fetch(`${address}?${new URLSearchParams(query)}`, { method: 'POST', body })

describe('uploads', () => {
  it('stores the bytes and grants the file by name', async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251)
    const reply = await send({ drop: 'a1', name: '模型 1.safetensors' }, bytes)
    expect(await reply.json()).toMatchObject({ name: '模型 1.safetensors', kind: 'file', byteLength: 3_000_000 })
    expect(Buffer.compare(await readFile(join(folder, 'drop-a1', '模型 1.safetensors')), bytes)).toBe(0)
  })

  it('refuses a name that is being uploaded, and leaves that upload alone', async () => {
    const first = Promise.withResolvers<void>()
    const slow = new ReadableStream({
      async start(controller) {
        controller.enqueue(new Uint8Array(70_000))
        await first.promise
        controller.close()
      },
    })
    const sent = fetch(`${address}?drop=a&name=x.npy`, { method: 'POST', body: slow, duplex: 'half' } as RequestInit)
    const partial = join(folder, 'drop-a', '.x.npy.incoming')
    await expect
      .poll(() =>
        stat(partial).then(
          (found) => found.size > 0,
          () => false,
        ),
      )
      .toBe(true)
    const second = await send({ drop: 'a', name: 'x.npy' }, 'other')
    expect(second.status).toBe(409)
    expect(fromErrorReport(await second.json()).message).toBe('x.npy is being uploaded already.')
    first.resolve()
    expect((await sent).status).toBe(200)
    expect((await readFile(join(folder, 'drop-a', 'x.npy'))).byteLength).toBe(70_000)
  })

  it('keeps the files of one drop together and those of two apart', async () => {
    for (const [drop, name] of [
      ['a', 'x.npy'],
      ['a', 'y.npy'],
      ['b', 'x.npy'],
    ] as const)
      await send({ drop, name }, 'bytes')
    expect((await readdir(join(folder, 'drop-a'))).sort()).toEqual(['x.npy', 'y.npy'])
    expect(await readdir(join(folder, 'drop-b'))).toEqual(['x.npy'])
  })

  it('keeps the files of a dropped folder in their places, and grants the folder', async () => {
    for (const name of ['model/a/x.npy', 'model/b/x.npy', 'model/x.onnx']) {
      const reply = await send({ drop: 'a', name }, name)
      expect([reply.status, await reply.json()]).toEqual([
        200,
        expect.objectContaining({ name: 'model', kind: 'folder' }),
      ])
    }
    for (const name of ['a/x.npy', 'b/x.npy', 'x.onnx'])
      expect(await readFile(join(folder, 'drop-a', 'model', name), 'utf8')).toBe(`model/${name}`)
  })

  it('refuses a name that is there already', async () => {
    expect((await send({ drop: 'a', name: 'x.npy' }, 'first')).status).toBe(200)
    for (const name of ['x.npy', 'x.npy/y.npy']) {
      const reply = await send({ drop: 'a', name }, 'second')
      expect([reply.status, (await reply.json()).code], name).toEqual([409, 'would-overwrite'])
    }
    expect(await readFile(join(folder, 'drop-a', 'x.npy'), 'utf8')).toBe('first')
  })

  it.each([
    ['path traversal', '../x.npy'],
    ['path traversal in a folder', 'a/../../x.npy'],
    ['a hidden folder', '.ssh/x.npy'],
    ['an empty component', 'a//x.npy'],
    ['endless folders', 'a/'.repeat(17).concat('x.npy')],
    ['a backslash', '..\\x.npy'],
    ['an absolute path', '/tmp/x.npy'],
    ['a null byte', 'x\0.npy'],
    ['a line break', 'x\r\n.npy'],
    ['a hidden name', '.bashrc'],
    ['the parent folder', '..'],
    ['an alternate data stream', 'x.npy:stream'],
    ['a name that Windows cuts', 'x.npy.'],
    ['an endless name', 'x'.repeat(201)],
    ['no name', ''],
  ])('refuses %s as a name', async (_attack, name) => {
    const reply = await send({ drop: 'a', name }, 'bytes')
    expect([reply.status, (await reply.json()).code]).toEqual([400, 'bad-request'])
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses path traversal in the drop id', async () => {
    for (const drop of ['..', '../a', 'a/b', '', 'a'.repeat(65)])
      expect((await send({ drop, name: 'x.npy' }, 'bytes')).status).toBe(400)
  })

  it('refuses an upload that is announced larger than the free space, before a byte is read', async () => {
    free = 256e6 + 10
    const reply = await send({ drop: 'a', name: 'x.npy' }, 'eleven byte')
    expect([reply.status, (await reply.json()).code]).toEqual([507, 'over-limit'])
    expect(await readdir(join(folder, 'drop-a'))).toEqual([])
  })

  it('stops an upload of unannounced length at the free space and leaves nothing behind', async () => {
    free = 256e6 + 100_000
    const chunks = async function* () {
      for (let chunk = 0; chunk < 64; chunk++) yield new Uint8Array(65_536)
    }
    const outcome = await fetch(`${address}?drop=a&name=x.npy`, {
      method: 'POST',
      body: Readable.toWeb(Readable.from(chunks())) as BodyInit,
      duplex: 'half',
    } as RequestInit).then(
      (reply) => reply.status,
      () => 507, // the host may close before the client has sent everything
    )
    expect(outcome).toBe(507)
    expect(await readdir(join(folder, 'drop-a'))).toEqual([])
  })

  it("keeps two files of one drop apart, also where one has the other's name with an ending of ours", async () => {
    const first = Promise.withResolvers<void>()
    const slow = new ReadableStream({
      async start(controller) {
        controller.enqueue(new Uint8Array(200_000).fill(1))
        await first.promise
        controller.close()
      },
    })
    const sent = fetch(`${address}?drop=a&name=x.npy`, { method: 'POST', body: slow, duplex: 'half' } as RequestInit)
    await expect.poll(() => readdir(join(folder, 'drop-a')).catch(() => [])).not.toEqual([])
    for (const name of ['x.npy.partial', 'x.npy.incoming', 'x.npy.journal.partial'])
      expect((await send({ drop: 'a', name }, new Uint8Array(5).fill(2))).status, name).toBe(200)
    first.resolve()
    expect((await sent).status).toBe(200)
    const bytes = await readFile(join(folder, 'drop-a', 'x.npy'))
    expect([bytes.byteLength, bytes.every((byte) => byte === 1)]).toEqual([200_000, true])
  })

  /** An upload that has begun, and goes on when told. */
  async function begun(name: string, byteLength: number) {
    const { port } = new URL(address)
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
    const head = `POST /upload?drop=a&name=${name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${byteLength}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(byteLength - 1)]))
    const partial = join(folder, 'drop-a', `.${name}.incoming`)
    const isThere = () =>
      stat(partial).then(
        ({ size }) => size === byteLength - 1,
        () => false,
      )
    await expect.poll(isThere).toBe(true)
    return async () => {
      socket.write('x')
      const [reply] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      return String(reply).slice(9, 12)
    }
  }

  it('promises the space that is left once, to however many uploads', async () => {
    silenceMs = 60_000
    free = 256e6 + 100_000
    const first = await begun('x.npy', 70_000)
    const second = await send({ drop: 'a', name: 'y.npy' }, new Uint8Array(70_000))
    expect([second.status, (await second.json()).code]).toEqual([507, 'over-limit'])
    expect((await send({ drop: 'a', name: 'y.npy' }, new Uint8Array(20_000))).status).toBe(200)
    expect(await first()).toBe('200')
  })

  it('leaves what is on its way alone when another of that name is cut off or does not fit', async () => {
    silenceMs = 60_000
    const first = await begun('x.npy', 70_000)
    const { port } = new URL(address)
    for (let i = 0; i < 40; i++) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
      socket.write(`POST /upload?drop=a&name=x.npy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx`)
      await once(socket, 'connect')
      setTimeout(() => socket.destroy(), i % 4)
      await once(socket, 'close')
    }
    expect((await send({ drop: 'a', name: 'x.npy' }, new Uint8Array(5))).status).toBe(409)
    expect(await first()).toBe('200')
    expect((await readFile(join(folder, 'drop-a', 'x.npy'))).byteLength).toBe(70_000)
  })

  it('ends an upload that trickles, and leaves nothing of it', async () => {
    const { port } = new URL(address)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`POST /upload?drop=a&name=x.npy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n`)
    const trickle = setInterval(() => socket.write('x'), silenceMs / 10)
    const status = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data).slice(9, 12))),
    )
    clearInterval(trickle)
    socket.destroy()
    expect(status).toBe('400')
    await expect.poll(() => readdir(join(folder, 'drop-a'))).toEqual([])
  })
})
