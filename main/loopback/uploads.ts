/**
 * Files that are sent to the loopback host because the browser has them and the host does not: `ssh -L`, or a drop on the page.
 *
 * They are streamed into a temporary folder that is removed when the host ends. How much may come is not a fixed number but what
 * the disk can hold; a reserve stays free, since a full disk takes more with it than this host.
 */

import { type FileHandle, open } from 'node:fs/promises'
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
import { makeFolder, ownFolder } from '../system/make-folder.ts'

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
  const promise = promises(options.freeBytes ?? (() => freeBytes(options.folder)))

  return async (request, url) => {
    try {
      const names = namesIn(url.searchParams.get('name'))
      const drop = join(options.folder, `drop-${dropId(url.searchParams.get('drop'))}`)
      const path = join(drop, ...names)
      await makeFolderOf(path)
      await inFolder(dirname(path), options.within, (held) =>
        receive(request, join(held, basename(path)), promise(), options.silenceMs ?? minuteMs),
      )
      return json(200, await options.grant(join(drop, names[0]!)))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return json(statusOf(error), toErrorReport(error))
    }
  }
}

/** Of an upload that has not said how long it is, so much at a time. */
const stepBytes = 16e6

/** What one upload may still write. */
interface Promised {
  /** For `least` bytes, and as many more as are wanted. @throws AppError `over-limit` where the disk has no room for them beside what others were promised */
  ask(least: number, wanted?: number): Promise<void>
  /** They have come. */
  take(bytes: number): void
  readonly left: number
  /** Gives back what did not come. */
  end(): void
}

/** Uploads come at the same time: what one was promised no other is, or all of them together would fill the disk that each of them fits on. */
function promises(room: () => Promise<number>): () => Promised {
  let all = 0
  return () => {
    let left = 0
    const take = (bytes: number) => {
      all -= bytes
      left -= bytes
    }
    return {
      ask: async (least, wanted = least) => {
        const limit = (await room()) - reserveBytes - all
        if (least > limit) throw tooLarge(least, limit)
        take(-Math.min(wanted, limit))
      },
      take,
      get left() {
        return left
      },
      end: () => take(left),
    }
  }
}

/** @throws AppError `would-overwrite` where a file of the drop has the name of a folder */
async function makeFolderOf(path: string): Promise<void> {
  try {
    await makeFolder(dirname(path), ownFolder)
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
async function receive(request: IncomingMessage, path: string, promised: Promised, silenceMs: number): Promise<void> {
  if (await exists(path)) throw isThere(path)
  const partial = join(dirname(path), `.${basename(path)}.incoming`)
  try {
    await promised.ask(Number(request.headers['content-length'] ?? 0))
    // Once it is open it is ours: whatever fails before leaves that of another upload alone.
    const file = await open(partial, 'wx', 0o600)
    try {
      await pour(request, file, path, promised, silenceMs)
      // Nobody else can have written it: the name of what is on its way is taken.
      if (await exists(path)) throw isThere(path)
      await replace(partial, path)
    } catch (error) {
      await remove(partial)
      throw error
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new AppError('would-overwrite', say('uploads.busy', { name: named(path) }))
    // The page left, or its network did: there is no one to answer, and nothing failed here.
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') throw abortedUpload(basename(path))
    throw error
  } finally {
    promised.end()
  }
}

/** The body into the file, which it closes. */
async function pour(
  request: IncomingMessage,
  file: FileHandle,
  path: string,
  promised: Promised,
  silenceMs: number,
): Promise<void> {
  let received = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { byteLength } = chunk
      received += byteLength
      const taken = () => {
        promised.take(byteLength)
        done(null, chunk)
      }
      if (byteLength <= promised.left) taken()
      else promised.ask(byteLength, Math.max(stepBytes, byteLength)).then(taken, done)
    },
  })
  let seen = 0
  const watch = setInterval(() => {
    if (received - seen < leastBytes) bounded.destroy(tooSlow(basename(path)))
    seen = received
  }, silenceMs)
  try {
    await pipeline(request, bounded, file.createWriteStream())
  } catch (error) {
    const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
    throw full ? tooLarge(received, received) : error
  } finally {
    clearInterval(watch)
  }
}

function tooSlow(name: string): AppError {
  return new AppError('bad-request', say('uploads.stopped', { name: named(name) }))
}

function abortedUpload(name: string): AppError {
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
