/**
 * The built page as a function of a Request: Electron's `protocol.handle('app', ...)` and the loopback host both answer with it.
 *
 * Which paths exist is found once, when the handler is made: a request is looked up in that list and never becomes a path, so
 * `..`, encoded slashes, null bytes and links have nothing to act on. What is not in the list is 404; there is no fallback page.
 */
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
}

/** The built page: beside the built modules (`out/main`), and in `out` for source, which node runs as it is. */
export const builtPage: string = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../out/renderer' : '../renderer',
)

/** What `html.cspNonce` of vite.config.ts wrote into the built page. */
const noncePlaceholder = 'ghostsvd-nonce'

export type AssetHandler = (request: Request) => Promise<Response>

/** 128 bits, as base64: fresh in every response, so that an injected style or script cannot know it. */
export const freshNonce = () => randomBytes(16).toString('base64')

/** The policy of docs/architecture.md: the page's own files, no inline script, no eval, no other server, no frame. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Every answer of a host carries these, refusals included. */
export function securityHeaders(nonce: string): Record<string, string> {
  return {
    'content-security-policy': contentSecurityPolicy(nonce),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), payment=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}

/** A refusal or notice as plain text under the same headers as everything else. */
export function plainResponse(status: number, sentence: string, headers: Record<string, string> = {}): Response {
  return new Response(`${sentence}\n`, {
    status,
    headers: {
      ...securityHeaders(freshNonce()),
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
  })
}

/**
 * Makes the handler for the page built into `folder`.
 * @param hostnames the hosts it answers for; a request for another one is 421, which ends DNS rebinding
 */
export async function assetHandler(folder: string, hostnames: readonly string[]): Promise<AssetHandler> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.map')) continue
    const path = join(entry.parentPath, entry.name)
    files.set(`/${relative(folder, path).split(sep).join('/')}`, path)
  }
  const page = files.get('/index.html')
  if (page) files.set('/', page)

  return async (request) => {
    const url = new URL(request.url)
    if (!hostnames.includes(url.hostname)) return plainResponse(421, `This host does not answer for ${url.hostname}.`)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plainResponse(405, `${request.method} is not allowed here.`, { allow: 'GET, HEAD' })
    // URL.pathname is still percent-encoded: an encoded name is not in the list, whatever it decodes to.
    const path = files.get(url.pathname)
    if (!path) return plainResponse(404, 'There is nothing here.')

    const nonce = freshNonce()
    const stored = await readFile(path)
    const body = path === page ? Buffer.from(stored.toString('utf8').replaceAll(noncePlaceholder, nonce)) : stored
    return new Response(request.method === 'HEAD' ? null : new Uint8Array(body), {
      headers: {
        ...securityHeaders(nonce),
        'content-type': mediaTypes[extname(path)] ?? 'application/octet-stream',
        'content-length': String(body.byteLength),
        // The names under assets/ carry a hash of their content; the page carries a nonce and must be fetched again.
        'cache-control': url.pathname.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-store',
      },
    })
  }
}
