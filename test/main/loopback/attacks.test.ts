/** The loopback host under attack, over real sockets: one test per attack, named after it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { assetHandler } from '../../../main/host/assets.ts'
import { pagePort } from '../../../main/host/page-port.ts'
import { framePorts } from '../../../main/loopback/frames.ts'
import { loopbackHostnames } from '../../../main/loopback/gate.ts'
import { type LoopbackServer, listen } from '../../../main/loopback/server.ts'
import { type RawReply, sendRaw } from './raw.ts'

let folder: string
let server: LoopbackServer
let cookie: string
let key: string
const uploaded: string[] = []
const downloaded: string[] = []
const received: unknown[] = []
const large = 'x'.repeat(4e6)
const answered = { bytes: 0, ended: false }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-attacks-'))
  await mkdir(join(folder, 'page', 'assets'), { recursive: true })
  await writeFile(join(folder, 'page', 'index.html'), '<script nonce="ghostsvd-nonce"></script>')
  await writeFile(join(folder, 'page', 'assets', 'page.js'), 'export {}')
  await writeFile(join(folder, 'secret.txt'), 'secret')
  server = await listen({
    port: 0,
    assets: await assetHandler(join(folder, 'page'), loopbackHostnames),
    upload: async (request, url) => {
      uploaded.push(url.search)
      request.resume()
      return new Response('{}')
    },
    download: async (url) => {
      downloaded.push(url.search)
      const shrunk = { 'content-disposition': 'attachment', 'content-length': '1000' }
      if (url.searchParams.has('shrunk')) return new Response('less', { headers: shrunk })
      return new Response('{}')
    },
    page: (socket) => {
      const framed = framePorts(socket)
      const ports = { host: pagePort(framed.host), engine: pagePort(framed.engine) }
      ports.host.on('message', (message) => received.push(message))
      ports.engine.on('message', () => {
        if (socket.readyState === socket.OPEN) answered.bytes += large.length
        ports.engine.postMessage(large)
      })
      socket.on('close', () => {
        answered.ended = answered.bytes > 0
      })
    },
  })
  const reply = await get(new URL(server.url).search.replace(/^/, '/'))
  cookie = reply.headers.get('set-cookie')!.split(';')[0]!
  key = reply.headers.get('location')!.slice(2)
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const host = () => `127.0.0.1:${server.port}`
const ask = (method: string, target: string, ...headers: string[]): Promise<RawReply> =>
  sendRaw(server.port, [`${method} ${target} HTTP/1.1`, `Host: ${host()}`, ...headers])
const get = (target: string, ...headers: string[]) => ask('GET', target, ...headers)
const withCookie = () => `Cookie: ${cookie}`

function upgrade(target: string, changes: Record<string, string | null> = {}): Promise<RawReply> {
  const headers = {
    Host: host(),
    Origin: `http://${host()}`,
    Cookie: cookie,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': `ghostsvd, ${key}`,
    ...changes,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return sendRaw(server.port, [`GET ${target} HTTP/1.1`, ...lines])
}

const ownSocket = () =>
  new WebSocket(`ws://${host()}/socket`, ['ghostsvd', key], { origin: `http://${host()}`, headers: { cookie } })

/** The code with which the host closes after `data`. */
function closeCodeAfter(data: string | Buffer, binary = typeof data !== 'string'): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = ownSocket()
    socket.on('open', () => socket.send(data, { binary }))
    socket.on('close', resolve)
    socket.on('error', reject)
  })
}

describe('the way in', () => {
  it('swaps the token for an HttpOnly, SameSite cookie and a clean address', async () => {
    const reply = await get(`/?token=${new URL(server.url).searchParams.get('token')}`)
    expect(reply.status).toBe(303)
    expect(reply.headers.get('location')).toMatch(/^\/#[\w-]{43}$/)
    expect(reply.headers.get('set-cookie')).toMatch(
      new RegExp(`^ghostsvd-${server.port}=[\\w-]{43}; HttpOnly; SameSite=Lax; Path=/$`),
    )
  })

  it('has 256 bits in the token, and cookie and key are other secrets', () => {
    const token = new URL(server.url).searchParams.get('token')!
    expect(Buffer.from(token, 'base64url').byteLength).toBe(32)
    expect(new Set([token, key, cookie.split('=')[1]]).size).toBe(3)
  })

  it('serves the page to the cookie, with one nonce in header and page', async () => {
    const [first, second] = [await get('/', withCookie()), await get('/', withCookie())]
    expect(first.status).toBe(200)
    const nonce = /nonce="([^"]+)"/.exec(first.body)![1]!
    expect(first.headers.get('content-security-policy')).toContain(`'nonce-${nonce}'`)
    expect(second.body).not.toContain(nonce)
  })

  it('answers for localhost and for another port, as behind ssh -L', async () => {
    const reply = await sendRaw(server.port, ['GET / HTTP/1.1', 'Host: localhost:8000', withCookie()])
    expect(reply.status).toBe(200)
  })

  it('accepts the WebSocket of its own page, and does not say its key back', async () => {
    const reply = await upgrade('/socket')
    expect([reply.status, reply.headers.get('sec-websocket-protocol')]).toEqual([101, 'ghostsvd'])
  })

  it('tells a page whether it would be let in', async () => {
    const bearer = (secret: string) => `Authorization: Bearer ${secret}`
    expect((await ask('HEAD', '/socket', withCookie(), bearer(key))).status).toBe(426)
    for (const headers of [[withCookie()], [bearer(key)], [withCookie(), bearer(cookie.split('=')[1]!)]])
      expect((await ask('HEAD', '/socket', ...headers)).status).toBe(403)
  })
})

describe('attacks on the address', () => {
  it('refuses DNS rebinding: a foreign Host', async () => {
    for (const name of [
      'evil.example',
      `evil.example:${server.port}`,
      '127.0.0.1.evil.example',
      'user@127.0.0.1',
      '0.0.0.0',
    ]) {
      const reply = await sendRaw(server.port, ['GET / HTTP/1.1', `Host: ${name}`, withCookie()])
      expect(reply.status, name).toBe(421)
      expect((await upgrade('/socket', { Host: name, Origin: `http://${name}` })).status, name).toBe(421)
    }
  })

  it('refuses a request without Host', async () => {
    expect((await sendRaw(server.port, ['GET / HTTP/1.0', withCookie()])).status).toBe(421)
    expect((await sendRaw(server.port, ['GET / HTTP/1.1', withCookie()])).status).toBe(421)
  })

  it('refuses two Host headers, whichever comes first', async () => {
    for (const names of [
      [host(), 'evil.example'],
      ['evil.example', host()],
      [host(), host()],
    ])
      expect(
        (await sendRaw(server.port, ['GET / HTTP/1.1', ...names.map((name) => `Host: ${name}`), withCookie()])).status,
      ).toBe(421)
  })

  it.each([
    ['path traversal', '/../secret.txt'],
    ['path traversal below a folder', '/assets/../../secret.txt'],
    ['encoded path traversal', '/%2e%2e/secret.txt'],
    ['encoded slash', '/..%2fsecret.txt'],
    ['double encoded path traversal', '/%252e%252e%252fsecret.txt'],
    ['overlong UTF-8 path traversal', '/%c0%ae%c0%ae/secret.txt'],
    ['backslash path traversal', '/..\\secret.txt'],
    ['encoded backslash', '/..%5csecret.txt'],
    ['null byte', '/index.html%00.js'],
    ['absolute path', '/etc/passwd'],
    ['doubled slash', '//etc/passwd'],
    ['dot segment', '/./index.html'],
    ['absolute form of another host', 'http://evil.example/'],
    ['folder', '/assets/'],
    ['source map', '/assets/page.js.map'],
    ['encoded letter', '/%69ndex.html'],
    ['unknown path: no fallback page', '/workbench'],
  ])('answers %s with 404', async (_attack, target) => {
    const reply = await get(target, withCookie())
    expect(reply.status).toBe(404)
    expect(reply.body).not.toContain('secret')
    expect(reply.body).not.toContain('<script')
  })

  it('answers targets that HTTP does not know with 400', async () => {
    for (const target of ['/index.html\0', 'file:/etc/passwd', '../secret.txt'])
      expect((await get(target, withCookie())).status, target).toBe(400)
  })
})

describe('attacks on the secret', () => {
  it.each([
    ['no token and no cookie', '/', []],
    ['a wrong token', `/?token=${'A'.repeat(43)}`, []],
    ['an empty token', '/?token=', []],
    ['a token in another place', '/assets/page.js?token=x', []],
    ['an empty cookie', '/', ['Cookie: ghostsvd=']],
  ])('refuses %s with 403', async (_attack, target, headers) => {
    expect((await get(target, ...headers)).status).toBe(403)
  })

  it.each([
    ['', 'Open the link that was printed in the terminal.\n'],
    ['Accept-Language: zh-CN,zh;q=0.9,en;q=0.8', '请打开终端中显示的链接。\n'],
    ['Accept-Language: fr, de;q=0.5', 'Open the link that was printed in the terminal.\n'],
  ])('says why in the language that the browser asks for: %s', async (header, body) => {
    expect((await get('/', ...(header ? [header] : []))).body).toBe(body)
  })

  it('refuses a wrong token even beside a good cookie', async () => {
    expect((await get('/?token=wrong', withCookie())).status).toBe(403)
  })

  it('refuses the token as a cookie', async () => {
    const token = new URL(server.url).searchParams.get('token')
    expect((await get('/', `Cookie: ghostsvd-${server.port}=${token}`)).status).toBe(403)
  })

  it('refuses the cookie as a token', async () => {
    expect((await get(`/?token=${cookie.split('=')[1]}`)).status).toBe(403)
  })

  it("refuses the cookie under another host's name", async () => {
    expect((await get('/', `Cookie: ghostsvd-1=${cookie.split('=')[1]}`)).status).toBe(403)
  })

  it('refuses the replay of a one-time link', async () => {
    const once = new URL(server.oneTimeUrl())
    expect((await get(once.pathname + once.search)).status).toBe(303)
    expect((await get(once.pathname + once.search)).status).toBe(403)
  })

  it('never leaves a token in the address, whoever replays it', async () => {
    const link = new URL(server.url)
    const reply = await get(link.pathname + link.search, withCookie())
    expect([reply.status, reply.headers.get('location')]).toEqual([303, `/#${key}`])
  })
})

describe('attacks on the WebSocket', () => {
  it.each<[string, string, Record<string, string | null>, number]>([
    ['a foreign Origin', '/socket', { Origin: 'https://evil.example' }, 403],
    ['another port of this machine as Origin', '/socket', { Origin: 'http://127.0.0.1:1' }, 403],
    ['the null Origin of a sandboxed frame', '/socket', { Origin: 'null' }, 403],
    ['no Origin', '/socket', { Origin: null }, 403],
    ['a missing cookie', '/socket', { Cookie: null }, 403],
    ['a wrong cookie', '/socket', { Cookie: 'ghostsvd-1=x' }, 403],
    // What a server on another port learns, when the same browser visits it.
    ['the cookie alone', '/socket', { 'Sec-WebSocket-Protocol': null }, 403],
    ['a wrong key', '/socket', { 'Sec-WebSocket-Protocol': `ghostsvd, ${'A'.repeat(43)}` }, 403],
    ['the token instead of the cookie', '/socket?token=x', { Cookie: null }, 404],
    ['another path', '/', {}, 404],
    ['a path that is not normalized', '/./socket', {}, 404],
    ['another protocol', '/socket', { Upgrade: 'h2c' }, 400],
    ['a version that does not exist', '/socket', { 'Sec-WebSocket-Version': '99' }, 400],
    ['a key that is none', '/socket', { 'Sec-WebSocket-Key': 'short' }, 400],
  ])('answers %s with an HTTP status', async (_attack, target, changes, status) => {
    expect((await upgrade(target, changes)).status).toBe(status)
  })

  it.each<[string, string | Buffer, number]>([
    ['a malformed JSON frame', '{"to":', 1007],
    ['a frame for an unknown receiver', '{"to":"root","message":{}}', 1008],
    ['a frame with another shape', '[]', 1008],
    ['a frame with more than it should have', '{"to":"host","message":{"t":"q","m":"x","a":[]},"path":"/"}', 1008],
    ['a message that is no call', '{"to":"host","message":null}', 1008],
    ['a call without arguments', '{"to":"host","message":{"t":"q","m":"info"}}', 1008],
    [
      'a message nested 4,000 deep',
      `{"to":"host","message":{"t":"q","m":"x","a":[${'['.repeat(4000)}${']'.repeat(4000)}]}}`,
      1008,
    ],
    [
      'a message nested 1,000,000 deep',
      `{"to":"host","message":{"t":"q","m":"x","a":[${'['.repeat(1e6)}${']'.repeat(1e6)}]}}`,
      1008,
    ],
    [
      'objects nested 40 deep',
      `{"to":"engine","message":{"t":"q","m":"x","a":[${'{"a":'.repeat(40)}1${'}'.repeat(40)}]}}`,
      1008,
    ],
    [
      'an answer nested 4,000 deep',
      `{"to":"engine","message":{"t":"s","i":"1","r":${'['.repeat(4000)}${']'.repeat(4000)}}}`,
      1008,
    ],
    ['more values than anybody sends', `{"to":"host","message":{"t":"q","m":"x","a":[${'0,'.repeat(1.5e6)}0]}}`, 1008],
    ['an id of 1 MB', `{"to":"host","message":{"t":"q","m":"x","i":"${'i'.repeat(1e6)}","a":[]}}`, 1008],
    ['a method name of 1 MB', `{"to":"host","message":{"t":"q","m":"${'m'.repeat(1e6)}","a":[]}}`, 1008],
    ['a binary frame', Buffer.from([0, 1, 2]), 1003],
    ['an oversize frame', ' '.repeat(4 * 1024 * 1024 + 1), 1009],
  ])('closes after %s', async (_attack, data, code) => {
    const before = received.length
    expect(await closeCodeAfter(data)).toBe(code)
    expect(received.length).toBe(before)
  })

  it('closes after a text frame that is no UTF-8', async () => {
    expect(await closeCodeAfter(Buffer.from([0xc0, 0xae]), false)).toBe(1007)
  })

  it('ends a page that asks and never reads, before its answers pile up', async () => {
    const socket = ownSocket()
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => {})
    // The reading side stops; `echo` answers each call with 4 MB.
    ;(socket as unknown as { _socket: { pause(): void } })._socket.pause()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 400; i++) socket.send('{"to":"engine","message":{"t":"q","m":"echo","i":"1","a":[]}}')
    await expect.poll(() => answered.ended, { timeout: 20_000 }).toBe(true)
    expect(answered.bytes).toBeLessThan(128 * 1024 * 1024)
    expect(process.memoryUsage().rss - before).toBeLessThan(600e6)
    socket.terminate()
    await closed
  })

  it('ends a download of a file that has shrunk since it was announced', async () => {
    const reply = await fetch(`http://127.0.0.1:${server.port}/download?shrunk`, { headers: { cookie } })
    await expect(reply.arrayBuffer()).rejects.toThrow()
  })

  it('answers CONNECT with 405', async () => {
    expect((await ask('CONNECT', 'evil.example:443')).status).toBe(405)
  })

  it('refuses the seventeenth page with 503', async () => {
    const open: WebSocket[] = []
    for (let page = 0; page < 16; page++) {
      const socket = ownSocket()
      await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
      open.push(socket)
    }
    expect((await upgrade('/socket')).status).toBe(503)
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.on('close', resolve).close())))
  })
})

describe('attacks by method', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'refuses %s elsewhere with 405',
    async (method) => {
      for (const target of ['/', '/assets/page.js', '/nowhere'])
        expect((await ask(method, target, withCookie())).status).toBe(405)
    },
  )

  it('refuses an upload without cookie, without Origin, from a foreign Origin and without the key', async () => {
    const target = '/upload?drop=a&name=b.npy'
    const own = `Origin: http://${host()}`
    const bearer = `Authorization: Bearer ${key}`
    expect((await ask('POST', target, own, bearer)).status).toBe(403)
    expect((await ask('POST', target, withCookie(), bearer)).status).toBe(403)
    expect((await ask('POST', target, withCookie(), bearer, 'Origin: http://127.0.0.1:1')).status).toBe(403)
    expect((await ask('POST', target, withCookie(), own)).status).toBe(403)
    expect(uploaded).toEqual([])
    expect((await ask('POST', target, withCookie(), own, bearer, 'Content-Length: 0')).status).toBe(200)
  })

  it('answers HEAD like GET, without a body', async () => {
    const reply = await ask('HEAD', '/assets/page.js', withCookie())
    expect([reply.status, reply.headers.get('content-length'), reply.body]).toEqual([200, '9', ''])
  })

  it('answers what is no HTTP with 400', async () => {
    expect((await sendRaw(server.port, ['\x16\x03\x01 hello'])).status).toBe(400)
  })
})

it('puts the policy and the isolation headers on every answer, refusals included', async () => {
  const replies = [
    await get('/', withCookie()),
    await get('/assets/page.js', withCookie()),
    await get('/nowhere', withCookie()),
    await get('/'),
    await get(`/?token=${new URL(server.url).searchParams.get('token')}`),
    await ask('PUT', '/', withCookie()),
    await sendRaw(server.port, ['GET / HTTP/1.1', 'Host: evil.example']),
    await upgrade('/socket', { Origin: 'https://evil.example' }),
    await upgrade('/socket', { 'Sec-WebSocket-Version': '99' }),
    await upgrade('/socket', { 'Sec-WebSocket-Key': 'short' }),
    await sendRaw(server.port, ['GET / HTTP/1.1', withCookie()]),
    await get('/', withCookie(), 'Expect: banana'),
  ]
  for (const { status, headers } of replies) {
    expect(headers.get('content-security-policy'), String(status)).toMatch(
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; .*frame-ancestors 'none'$/,
    )
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  }
})
