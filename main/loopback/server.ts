/**
 * The loopback host's door: HTTP and upgrades on 127.0.0.1, in this order - address (421, 404), token exchange, cookie (403), then
 * an upload, a download or an asset. What acts, the WebSocket and uploads, needs the Origin and the key of the page as well.
 */

import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { type WebSocket, WebSocketServer } from 'ws'
import { downloadPath, languageOf, socketPath, socketProtocol, uploadPath } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { inEnglish, say } from '../../core/messages/english.ts'
import { sentencesIn } from '../../core/messages/languages.ts'
import type { Message } from '../../core/messages/message.ts'
import { type AssetHandler, plainResponse } from '../host/assets.ts'
import { createGate } from './gate.ts'
import { endWhenSilent } from './heartbeat.ts'

/** A page sends ids, params and names of tensors to include: 10,000 names of 100 bytes are 1 MB. */
const maxFrameBytes = 4 * 1024 * 1024
/** Each page has an engine with a thread for every core; more pages than this are a mistake or an attack. */
const maxPages = 16

export interface ServerOptions {
  /** 0: the system chooses. */
  readonly port: number
  /** How long a connection may take to send the head of a request. Milliseconds. */
  readonly headersMs?: number
  readonly assets: AssetHandler
  /** Answers POST uploadPath; cookie, origin and key have been checked. */
  upload(request: IncomingMessage, url: URL): Promise<Response>
  /** Answers GET downloadPath; the cookie has been checked. The id of a grant, which only the WebSocket tells, stands for the key. */
  download(url: URL): Promise<Response>
  /** A page has connected. */
  page(socket: WebSocket): void
}

export interface LoopbackServer {
  readonly port: number
  /** The link to print. */
  readonly url: string
  /** A link for a program's command line, good once. */
  oneTimeUrl(): string
  close(): Promise<void>
}

/** @throws AppError `bad-request` when the port is taken or not allowed */
export async function listen(options: ServerOptions): Promise<LoopbackServer> {
  const gate = createGate(() => (server.address() as AddressInfo).port)
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    // The other protocol that a page offers is its key, which is not said back.
    handleProtocols: () => socketProtocol,
  })
  // Node answers a request without Host itself, without our headers; the gate refuses it with them.
  const headersTimeout = options.headersMs ?? 15_000
  const connectionsCheckingInterval = Math.min(30_000, headersTimeout)
  const limits = { headersTimeout, connectionsCheckingInterval, requireHostHeader: false }
  const server = createServer(limits, (request, response) => {
    answer(request)
      .catch((error: unknown) => {
        console.error(error)
        return plainResponse(500, 'The host made a mistake. Its terminal says more.')
      })
      .then((reply) => send(reply, request, response))
      .catch(() => response.destroy())
  })
  // Uploads take as long as they take; headers do not.
  server.requestTimeout = 0

  async function answer(request: IncomingMessage): Promise<Response> {
    const refusal = gate.refusesAddress(request)
    if (refusal) return plainResponse(refusal.status, refusal.sentence)
    const url = new URL(request.url!, `http://${request.headers.host}`)
    const offered = url.searchParams.get('token')
    if (offered !== null && url.pathname === '/') {
      const session = gate.redeem(offered)
      if (session === null) return refusalFor(request, say('serve.old-link'))
      // The token has gone from the address, and the page takes the key out of it.
      return plainResponse(303, 'Go on to the page.', {
        location: `/#${gate.pageKey}`,
        'set-cookie': `${gate.cookieName()}=${session}; HttpOnly; SameSite=Lax; Path=/`,
      })
    }
    if (!gate.admits(request)) return refusalFor(request, say('serve.open-link'))
    if (request.method === 'POST' && url.pathname === uploadPath)
      return gate.fromPage(request)
        ? options.upload(request, url)
        : plainResponse(403, 'Only the page itself may upload.')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plainResponse(405, `${request.method} is not allowed here.`, { allow: 'GET, HEAD' })
    if (url.pathname === socketPath)
      return gate.hasKey(request)
        ? plainResponse(426, 'This is the address of a WebSocket.', { upgrade: 'websocket' })
        : refusalFor(request, say('serve.open-link'))
    if (request.method === 'GET' && url.pathname === downloadPath) return options.download(url)
    return options.assets(new Request(url, { method: request.method }))
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refuse = (status: number, sentence: string) => refuseUpgrade(socket, status, sentence)
    const refusal = gate.refusesAddress(request)
    if (refusal) return refuse(refusal.status, refusal.sentence)
    if (request.url !== socketPath) return refuse(404, 'There is nothing here.')
    if (!gate.fromPage(request)) return refuse(403, 'Only the page itself may connect.')
    if (!gate.admits(request)) return refuse(403, inEnglish(say('serve.open-link')))
    if (sockets.clients.size >= maxPages) return refuse(503, `${maxPages} pages are open. Close one.`)
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      endWhenSilent(webSocket)
      options.page(webSocket)
    })
  })
  sockets.on('wsClientError', (_error, socket) => refuseUpgrade(socket, 400, 'This is not a WebSocket handshake.'))
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    void send(plainResponse(417, 'Only "100-continue" can be expected here.'), request, response)
  })
  server.on('connect', (_request, socket: Duplex) => refuseUpgrade(socket, 405, 'CONNECT is not allowed here.'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // A browser keeps a spare connection open, and would take what is said to it for the answer to its next request.
    const saidNothing = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    if (saidNothing || error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else refuseUpgrade(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400, 'This is not a request.')
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, options.port)))
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/?token=${gate.token}`,
    oneTimeUrl: () => `http://127.0.0.1:${port}/?token=${gate.oneTimeToken()}`,
    async close() {
      for (const client of sockets.clients) client.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** 403 for a person, who opened the address without its token or an old link: in the language that the browser asks for. */
function refusalFor({ headers }: IncomingMessage, said: Message): Response {
  const preferred = (headers['accept-language'] ?? '').split(',').map((tag) => tag.split(';')[0]!.trim())
  return plainResponse(403, sentencesIn(languageOf('system', preferred))(said))
}

async function send(reply: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (reply.body && reply.headers.has('content-disposition')) return stream(reply, reply.body, response)
  const body = Buffer.from(await reply.arrayBuffer())
  // A body that was refused is not read to its end: the connection cannot be used again.
  if (!request.complete && request.method !== 'GET' && request.method !== 'HEAD')
    response.setHeader('connection', 'close')
  for (const [name, value] of reply.headers) response.setHeader(name, value)
  if (!reply.headers.has('content-length')) response.setHeader('content-length', body.byteLength)
  response.writeHead(reply.status)
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** A file of any size, as fast as the browser takes it. */
async function stream({ status, headers }: Response, body: ReadableStream, response: ServerResponse): Promise<void> {
  for (const [name, value] of headers) response.setHeader(name, value)
  response.writeHead(status)
  const announced = Number(headers.get('content-length') ?? 0)
  await pipeline(Readable.fromWeb(body as WebStream), (chunks) => wholly(chunks, announced), response)
}

/** Of a file that shrinks meanwhile less comes than was announced, and a browser waits for the rest: the connection ends then. */
async function* wholly(chunks: AsyncIterable<Uint8Array>, announced: number): AsyncGenerator<Uint8Array> {
  let left = announced
  for await (const chunk of chunks) {
    left -= chunk.byteLength
    yield chunk
  }
  if (left > 0) throw new Error(`download: ${left} bytes are missing`)
}

/** The same headers as any other refusal, written by hand: an upgrade has no ServerResponse. */
function refuseUpgrade(socket: Duplex, status: number, sentence: string): void {
  const headers = Object.fromEntries(plainResponse(status, sentence).headers)
  const body = `${sentence}\n`
  const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

function cannotListen(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE') return new AppError('bad-request', say('serve.port-in-use', { port }), { port })
  if (error.code === 'EACCES') return new AppError('bad-request', say('serve.port-rights', { port }), { port })
  return error
}
