/**
 * Files that are fetched from the loopback host: what a run has written, to the machine whose browser it is (`ssh -L`). Only a file that
 * the page was granted, by the id of its grant; the cookie has been checked.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import type { Grants } from '../files/grants.ts'
import { assertWithin, type Bounds } from '../files/within.ts'
import { freshNonce, plainResponse, securityHeaders } from '../host/assets.ts'

/** The answer to GET /download?file=ID, streamed: 404 for what is no file that was granted. */
export function downloads(grants: Pick<Grants, 'path' | 'within'>): (url: URL) => Promise<Response> {
  return async (url) => {
    const path = readable(grants, url.searchParams.get('file') ?? '')
    const file = path === null ? null : await openGranted(path, grants.within)
    if (path === null || file === null) return plainResponse(404, 'There is nothing here.')
    // The end of the stream closes the file. Of one that still grows no more is sent than was announced: the rest would stand where the
    // next answer of the connection begins.
    const { handle, byteLength } = file
    if (byteLength === 0) await handle.close()
    const stream = byteLength === 0 ? null : Readable.toWeb(handle.createReadStream({ end: byteLength - 1 }))
    return new Response(stream as ReadableStream<Uint8Array> | null, {
      headers: {
        ...securityHeaders(freshNonce()),
        'content-type': 'application/octet-stream',
        'content-length': String(byteLength),
        // RFC 5987: any name, and nothing of it is a header.
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}`,
        'cache-control': 'no-store',
      },
    })
  }
}

/** null for what is no file, or lies elsewhere by now. */
async function openGranted(path: string, within: Bounds): Promise<{ handle: FileHandle; byteLength: number } | null> {
  // A pipe would be waited for.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => null)
  if (!handle) return null
  try {
    await assertWithin(handle, path, within)
    const status = await handle.stat()
    if (status.isFile()) return { handle, byteLength: status.size }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
  await handle.close()
  return null
}

function readable(grants: Pick<Grants, 'path'>, id: string): string | null {
  try {
    return grants.path(id, 'read')
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}
