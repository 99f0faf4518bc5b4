/** Why an engine process ended. */
import { say } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'
import { foreign } from '../../core/messages/text.ts'

export interface Exit {
  /** Null beside a null signal: it left neither. */
  readonly code: number | null
  readonly signal: string | null
  /** The last of what it wrote to stderr. */
  readonly stderrTail: string
}

const crashes: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'])

export function whyItEnded({ code, signal, stderrTail }: Exit): Message {
  if (/heap out of memory|Fatal process out of memory|Array buffer allocation failed/.test(stderrTail))
    return say('engine.out-of-memory')
  if (signal === 'SIGKILL') return say('engine.killed')
  if (signal !== null && crashes.has(signal)) return say('engine.crashed', { signal: foreign(signal) })
  if (signal !== null) return say('engine.ended', { signal: foreign(signal) })
  const found = /^(?:\w*Error)(?: \[\w+\])?: [^\n/\\]*$/m.exec(stderrTail)?.[0]
  const fault = found === undefined ? null : foreign(found)
  if (code === null) return fault === null ? say('engine.vanished') : say('engine.failed', { fault })
  if (code !== 0 && fault !== null) return say('engine.failed-with-code', { fault, code })
  return say('engine.exited', { code })
}
