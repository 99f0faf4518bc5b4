/**
 * Who may speak to the loopback host. Every request and every upgrade passes here before anything else looks at it.
 *
 * Any page of any site, and any other user of this machine, can reach 127.0.0.1. Against the first stand the Host check (DNS
 * rebinding), the Origin check and SameSite; against the second the 256-bit token, known only from the terminal, and the page's key: a
 * server of theirs that the browser visits is sent the cookie.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Names under which a browser of this machine, or one behind `ssh -L`, reaches the host. The port may differ behind a tunnel. */
export const loopbackHostnames = ['127.0.0.1', 'localhost', '[::1]'] as const

interface Refusal {
  readonly status: 403 | 404 | 421
  readonly sentence: string
}

export interface Gate {
  /** In the link that is printed; good as long as the host runs, so that a second browser can be opened. */
  readonly token: string
  /** In a link that is handed to a program: good once, because a command line can be read by others. */
  oneTimeToken(): string
  /** What the page alone knows, and what is no use without the cookie. */
  readonly pageKey: string
  /** Exchanges a token for the cookie's value, or null for a wrong or used one. */
  redeem(token: string): string | null
  /** Host header and request target: null, or why the request is refused. Needs no cookie. */
  refusesAddress(request: IncomingMessage): Refusal | null
  /** Whether the request carries the cookie. */
  admits(request: IncomingMessage): boolean
  /** Whether the request has the page's key. */
  hasKey(request: IncomingMessage): boolean
  /** Whether the request comes from the host's own page: its Origin is the address it was sent to, and it has the key. */
  fromPage(request: IncomingMessage): boolean
  /** Cookies do not know ports: two hosts on one machine must not overwrite each other's. */
  cookieName(): string
}

const secret = () => randomBytes(32).toString('base64url')
const digest = (text: string) => createHash('sha256').update(text).digest()
/** In a time that does not depend on the content: digests are equally long and differ everywhere. */
const same = (left: string, right: string) => timingSafeEqual(digest(left), digest(right))

/** @param port read when asked, as the system chooses it only once the host listens */
export function createGate(port: () => number): Gate {
  const token = secret()
  const session = secret()
  const pageKey = secret()
  const oneTime = new Set<string>()
  const cookieName = () => `ghostsvd-${port()}`
  const hasKey = ({ headers }: IncomingMessage) => {
    const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
    return [...protocols, /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''].some((offered) =>
      same(pageKey, offered),
    )
  }

  return {
    token,
    pageKey,
    cookieName,
    hasKey,
    oneTimeToken() {
      const once = secret()
      oneTime.add(once)
      return once
    },
    redeem(offered) {
      for (const once of oneTime) {
        if (!same(once, offered)) continue
        oneTime.delete(once)
        return session
      }
      return same(token, offered) ? session : null
    },
    refusesAddress(request) {
      const hostname = hostnameOf(request)
      if (!hostname || !(loopbackHostnames as readonly string[]).includes(hostname))
        return {
          status: 421,
          sentence: `This host does not answer for ${request.headers.host ?? 'a request without Host'}.`,
        }
      return isNormalized(request.url ?? '') ? null : { status: 404, sentence: 'There is nothing here.' }
    },
    admits(request) {
      const prefix = `${cookieName()}=`
      const cookies = (request.headers.cookie ?? '').split(';').map((part) => part.trim())
      return cookies.some((cookie) => cookie.startsWith(prefix) && same(cookie.slice(prefix.length), session))
    },
    fromPage: (request) => request.headers.origin === `http://${request.headers.host}` && hasKey(request),
  }
}

function hostnameOf(request: IncomingMessage): string | null {
  // Node takes the first of several; a proxy before us may have taken another.
  if (request.headersDistinct.host?.length !== 1) return null
  const host = request.headers.host
  // A Host header is a name and a port; anything else that URL would forgive (user@, a path, a space) is refused here.
  if (!host || !/^[\w.[\]:-]+$/.test(host)) return null
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : null
}

/** Whether the target is written as URL would write it: `..`, `.`, `%2e`, `//host`, backslashes and absolute forms are not. */
function isNormalized(target: string): boolean {
  if (!target.startsWith('/') || !URL.canParse(target, 'http://127.0.0.1')) return false
  const url = new URL(target, 'http://127.0.0.1')
  return url.pathname + url.search === target
}
