/**
 * First import of the page, before any schema or component exists: what its Content-Security-Policy asks of libraries.
 * The host writes a fresh nonce into the page it serves (html.cspNonce of vite.config.ts); styles made at run time carry it.
 */
import { setNonce } from 'get-nonce'
import { z } from 'zod'

export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
setNonce(nonce)

// zod's compiled parsers need eval, which the policy forbids; schemas decide when they are made.
z.config({ jitless: true })
