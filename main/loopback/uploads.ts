/**
 * Files that are sent to the loopback host because the browser has them and the host does not: `ssh -L`, or a drop on the page.
 *
 * They are streamed into a temporary folder that is removed when the host ends. How much may come is not a fixed number but what
 * the disk can hold; a reserve stays free, since a full disk takes more with it than this host.
 */

import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Grant } from '../../core/contract.ts'
import { AppError, toErrorReport } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName as named, quoted } from '../../core/messages/text.ts'
import { isPortableFileName } from '../files/file-name.ts'
import { freeBytes } from '../files/free-space.ts'
import { exists } from '../files/output-sink.ts'
import { remove, replace } from '../files/replacing.ts'
import { type Bounds, inFolder } from '../files/within.ts'
import { plainResponse } from '../host/assets.ts'

const reserveBytes = 256e6
/** What an upload has to bring in each minute: the slowest line that anybody would wait for is a hundred times faster. */
const leastBytes = 64 * 1024
const minuteMs = 60_000

export interface UploadOptions {
  /** A folder of this host alone; `Uploads` makes a folder in it for each drop. */
  readonly folder: string
  grant(path: string): Promise<Grant>
  /** Where that folder has to lie while something is written there. */
  readonly within: Bounds
  /** Bytes that may still be written into `folder`. */
  freeBytes?(): Promise<number>
  /** The span in which `leastBytes` have to come; a minute, but in tests. */
  readonly silenceMs?: number
}

/** Folders of a dropped folder in each other: repositories of models have two. */
const mostFolders = 16

/**
 * The answer to POST /upload: an ErrorReport with 400, 409 or 507, or the Grant of what was dropped: the file, or the folder that it lies in, however deep. Files
 * keep their places in a dropped folder: two of one name are two, and external data are found.
 */
export function uploads(options: UploadOptions): (request: IncomingMessage, url: URL) => Promise<Response> {
  const room = options.freeBytes ?? (() => freeBytes(options.folder))

  return async (request, url) => {
    try {
      const names = namesIn(url.searchParams.get('name'))
      const drop = join(options.folder, `drop-${dropId(url.searchParams.get('drop'))}`)
      const path = join(drop, ...names)
      await makeFolder(dirname(path), path)
      const limit = (await room()) - reserveBytes
      await inFolder(dirname(path), options.within, (held) =>
        receive(request, join(held, basename(path)), limit, options.silenceMs ?? minuteMs),
      )
      return json(200, await options.grant(join(drop, names[0]!)))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return json(statusOf(error), toErrorReport(error))
    }
  }
}

/** @throws AppError `would-overwrite` where a file of the drop has the name of a folder */
async function makeFolder(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || code === 'ENOTDIR') throw isThere(path)
    throw error
  }
}

/**
 * Writes the body under a name that no upload can have (theirs do not begin with a dot) and gives it its own once it is whole.
 * @param silenceMs an upload that brings less than `leastBytes` in so long is ended: its socket and its file would stay for good
 */
async function receive(request: IncomingMessage, path: string, limit: number, silenceMs: number): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > limit) throw tooLarge(announced, limit)
  if (await exists(path)) throw isThere(path)
  const partial = join(dirname(path), `.${basename(path)}.incoming`)
  let received = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.byteLength
      done(received > limit ? tooLarge(received, limit) : null, chunk)
    },
  })
  let seen = 0
  const watch = setInterval(() => {
    if (received - seen < leastBytes) bounded.destroy(tooSlow(basename(path)))
    seen = received
  }, silenceMs)
  try {
    await pipeline(request, bounded, createWriteStream(partial, { flags: 'wx', mode: 0o600 }))
    // Nobody else can have written it: the name of what is on its way is taken.
    if (await exists(path)) throw isThere(path)
    await replace(partial, path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // Not ours: its owner still writes it.
    if (code === 'EEXIST') throw new AppError('would-overwrite', say('uploads.busy', { name: named(path) }))
    await remove(partial)
    if (code === 'ENOSPC' || code === 'EDQUOT') throw tooLarge(received, received)
    // The page left, or its network did: there is no one to answer, and nothing failed here.
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') throw aborted(basename(path))
    throw error
  } finally {
    clearInterval(watch)
  }
}

function tooSlow(name: string): AppError {
  return new AppError('bad-request', say('uploads.stopped', { name: named(name) }))
}

function aborted(name: string): AppError {
  return new AppError('cancelled', say('uploads.aborted', { name: named(name) }))
}

function tooLarge(bytes: number, limit: number): AppError {
  return new AppError('over-limit', say('uploads.too-large', { bytes, limit: Math.max(0, limit) }), { bytes, limit })
}

function isThere(path: string): AppError {
  return new AppError('would-overwrite', say('uploads.twice', { name: named(path) }))
}

/** A path inside a drop. @throws AppError `bad-request` unless every component is one that every system can store */
function namesIn(path: string | null): string[] {
  const names = (path ?? '').split('/')
  if (names.length > mostFolders || !names.every(isPortableFileName))
    throw new AppError('bad-request', say('uploads.bad-name', { name: quoted(path ?? '') }))
  return names
}

function dropId(id: string | null): string {
  if (!id || !/^[a-zA-Z0-9]{1,64}$/.test(id))
    throw new AppError('bad-request', say('uploads.bad-drop', { id: quoted(id ?? '') }))
  return id
}

function statusOf(error: AppError): number {
  if (error.code === 'over-limit') return 507
  return error.code === 'would-overwrite' ? 409 : 400
}

function json(status: number, value: unknown): Response {
  const plain = plainResponse(status, '', { 'content-type': 'application/json; charset=utf-8' })
  return new Response(JSON.stringify(value), { status, headers: plain.headers })
}
