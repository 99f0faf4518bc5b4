/** The other libraries, in a Python process of their own (test/bench/peers.py): one JSON line out, one back. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { foreign, quoted } from '../../core/messages/text.ts'

export type PeerName = 'numpy' | 'sklearn' | 'torch'

type PeerRequest =
  | { readonly op: 'load'; readonly path: string }
  | { readonly op: 'product'; readonly columns: number; readonly transposed: boolean }
  | {
      readonly op: 'randomized'
      readonly peer: PeerName
      readonly rank: number
      readonly oversample: number
      readonly nIter: number
      readonly seed: number
      /** Once untimed before the clock starts, so that caches are filled and every core is awake. */
      readonly warm: boolean
    }
  | { readonly op: 'values' | 'full' }

export interface PeerReply {
  /** Versions of what is installed; answer to `load`. */
  readonly peers?: Readonly<Partial<Record<PeerName, string>>>
  /** The kernels that OpenBLAS took for this processor, as it names them, of each copy that is loaded; answer to `load`. */
  readonly kernels?: readonly string[]
  readonly ms: number
  readonly error: number
  readonly orthogonality: number
}

export interface Peers {
  ask(request: PeerRequest): Promise<PeerReply>
  stop(): void
}

/** From out/main, where every bundled module lies, to the checkout it was built in. */
const script = resolve(import.meta.dirname, '../../test/bench/peers.py')
/** Debian's own, which its python3-* packages belong to. */
const debianPython = '/usr/bin/python3'

/**
 * After a call the threads of OpenBLAS spin for some tens of milliseconds before they sleep. Who computes meanwhile on as many threads as
 * there are cores gets one core less, and that is not what is to be measured. Ours sleep after 300 microseconds.
 */
const restMs = 100

/** @throws AppError `not-found` outside of a checkout */
export function startPeers(threads: number): Peers {
  if (!existsSync(script)) throw new AppError('not-found', say('bench.no-script', { path: quoted(script) }))
  const limit = String(threads)
  // Peers compute with the kernels that they take by themselves.
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...environment } = process.env
  const python = spawn(existsSync(debianPython) ? debianPython : 'python3', [script, limit], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, OPENBLAS_NUM_THREADS: limit, OMP_NUM_THREADS: limit, MKL_NUM_THREADS: limit },
  })
  const waiting: { resolve(reply: PeerReply): void; reject(error: Error): void }[] = []
  let ended: AppError | null = null
  const fail = (reason: string) => {
    ended ??= new AppError('engine-died', say('bench.peers-ended', { reason: foreign(reason) }))
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  createInterface({ input: python.stdout }).on('line', (line) => {
    const asked = waiting.shift()
    const reply = parseReply(line)
    setTimeout(() => {
      if (reply) asked?.resolve(reply)
      else asked?.reject(new AppError('engine-died', say('bench.peers-said', { line: foreign(line) })))
    }, restMs)
  })
  python.on('error', (error) => fail(error.message))
  python.on('exit', (code, signal) => fail(`status ${code ?? signal}, see above; it needs python3-numpy`))
  // A process that is gone does not read; its exit says why.
  python.stdin.on('error', () => {})
  return {
    ask: (request) =>
      new Promise((resolveReply, reject) => {
        if (ended) return reject(ended)
        waiting.push({ resolve: resolveReply, reject })
        python.stdin.write(`${JSON.stringify(request)}\n`)
      }),
    stop: () => python.kill(),
  }
}

function parseReply(line: string): PeerReply | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
