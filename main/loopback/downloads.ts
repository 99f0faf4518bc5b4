/**
 * Files that are fetched from the loopback host: what a run has written, to the machine whose browser it is (`ssh -L`). Only a file that
 * the page was granted, by the id of its grant; the cookie has been checked.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import type { Grants } from '../files/grants.ts'
import { freshNonce, plainResponse, securityHeaders } from '../host/assets.ts'

/** The answer to GET /download?file=ID, streamed: 404 for what is no file that was granted. */
export function downloads(grants: Pick<Grants, 'path'>): (url: URL) => Promise<Response> {
  return async (url) => {
    const path = readable(grants, url.searchParams.get('file') ?? '')
    const status = path === null ? null : await stat(path).catch(() => null)
    if (path === null || !status?.isFile()) return plainResponse(404, 'There is nothing here.')
    const stream = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
    return new Response(stream, {
      headers: {
        ...securityHeaders(freshNonce()),
        'content-type': 'application/octet-stream',
        'content-length': String(status.size),
        // RFC 5987: any name, and nothing of it is a header.
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}`,
        'cache-control': 'no-store',
      },
    })
  }
}

function readable(grants: Pick<Grants, 'path'>, id: string): string | null {
  try {
    return grants.path(id, 'read')
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}
