/** Why an engine process ended, as a sentence. */

export interface Exit {
  /** Null beside a null signal: it left neither. */
  readonly code: number | null
  readonly signal: string | null
  /** The last of what it wrote to stderr. */
  readonly stderrTail: string
}

const crashes: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'])

export function exitSentence({ code, signal, stderrTail }: Exit): string {
  if (/heap out of memory|Fatal process out of memory|Array buffer allocation failed/.test(stderrTail))
    return 'The engine ran out of memory and ended. Choose a smaller tensor, or close other programs.'
  if (signal === 'SIGKILL')
    return 'The engine was killed (SIGKILL). The system does this to a program when memory runs out; somebody may also have ended it by hand.'
  if (signal !== null && crashes.has(signal)) return `The engine crashed (${signal}).`
  if (signal !== null) return `The engine was ended from outside (${signal}).`
  const fault = /^(?:\w*Error)(?: \[\w+\])?: [^\n/\\]*$/m.exec(stderrTail)?.[0]
  if (code === null)
    return fault === undefined
      ? 'The engine ended without leaving a reason. It may have crashed or been ended from outside; the system does this to a program when memory runs out.'
      : `The engine failed (${fault}).`
  if (code !== 0 && fault !== undefined) return `The engine failed (${fault}) and ended with exit code ${code}.`
  return `The engine ended unexpectedly with exit code ${code}.`
}
