/** Why an engine process ended. */
import { say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { foreign } from '../../../core/messages/text.ts'

export interface Exit {
  /** Null beside a null signal: it left neither. */
  readonly code: number | null
  readonly signal: string | null
  /** The last of what it wrote to stderr. */
  readonly stderrTail: string
}

const crashes: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'])

export function whyItEnded(
  { code, signal, stderrTail: tail }: Exit,
  platform: NodeJS.Platform = process.platform,
): Message {
  const stderrTail = tail.replaceAll('\r\n', '\n')
  if (/heap out of memory|Fatal process out of memory|Array buffer allocation failed/.test(stderrTail))
    return say('engine.out-of-memory')
  if (signal === 'SIGKILL') return say('engine.killed')
  if (signal !== null && crashes.has(signal)) return say('engine.crashed', { signal: foreign(signal) })
  if (signal !== null) return say('engine.ended', { signal: foreign(signal) })
  const status = platform === 'win32' && code !== null ? statusOnWindows(code, stderrTail) : null
  if (status) return status
  const found = /^(?:\w*Error)(?: \[\w+\])?: [^\n/\\]*$/m.exec(stderrTail)?.[0]
  const fault = found === undefined ? null : foreign(found)
  if (code === null) return fault === null ? say('engine.vanished') : say('engine.failed', { fault })
  if (code !== 0 && fault !== null) return say('engine.failed-with-code', { fault, code })
  return say('engine.exited', { code })
}

/** What Windows reports instead of a signal (NTSTATUS): a crash, or that somebody ended the process. */
const statuses: ReadonlyMap<number, string> = new Map([
  [0x8000_0003, 'STATUS_BREAKPOINT'],
  [0xc000_0005, 'STATUS_ACCESS_VIOLATION'],
  [0xc000_0006, 'STATUS_IN_PAGE_ERROR'],
  [0xc000_001d, 'STATUS_ILLEGAL_INSTRUCTION'],
  [0xc000_0094, 'STATUS_INTEGER_DIVIDE_BY_ZERO'],
  [0xc000_00fd, 'STATUS_STACK_OVERFLOW'],
  [0xc000_0374, 'STATUS_HEAP_CORRUPTION'],
  [0xc000_0409, 'STATUS_STACK_BUFFER_OVERRUN'],
])
/** STATUS_NO_MEMORY and STATUS_COMMITMENT_LIMIT. */
const noMemory = [0xc000_0017, 0xc000_012d]
/** STATUS_CONTROL_C_EXIT and DBG_TERMINATE_PROCESS, which the end of a session brings. */
const ended = [0xc000_013a, 0x4001_0004]
/** What node's abort() leaves there. */
const aborted = 134

function statusOnWindows(exitCode: number, stderrTail: string): Message | null {
  // Electron reports it as a signed number.
  const code = exitCode >>> 0
  if (noMemory.includes(code)) return say('engine.out-of-memory')
  // The Task Manager and taskkill leave 1; an engine that ends itself so has said why.
  if (ended.includes(code) || (code === 1 && stderrTail.trim() === '')) return say('engine.terminated')
  if (code === aborted) return say('engine.crashed', { signal: foreign('SIGABRT') })
  if (code < 0x8000_0000) return null
  const name = statuses.get(code)
  const number = `0x${code.toString(16).toUpperCase()}`
  return say('engine.crashed', { signal: foreign(name ? `${name}, ${number}` : number) })
}
