/** What a part of the page asks the host for by itself, for as long as it is shown. */
import { useEffect, useState } from 'react'
import { type ErrorReport, toErrorReport } from '../../core/errors.ts'
import { useSession } from './session.ts'

interface Answer<T> {
  /** null until there is one to this question. */
  readonly answer: T | null
  readonly error: ErrorReport | null
}

const unanswered: Answer<never> = { answer: null, error: null }

/**
 * The answer to `ask`, which is asked again when it is another function, and once a connection that was lost is back: that it was lost is said once,
 * over the whole page, and whatever still waits for an answer goes on waiting. null asks nothing.
 */
export function useAnswer<T>(ask: (() => Promise<T>) | null): Answer<T> {
  const connected = useSession((state) => state.connected)
  const [found, setFound] = useState<Answer<T> & { readonly to: typeof ask }>({ ...unanswered, to: null })
  useEffect(() => {
    if (!ask || !connected) return
    let current = true
    const heard = (answer: T | null, error: ErrorReport | null) => current && setFound({ answer, error, to: ask })
    ask().then(
      (answer) => heard(answer, null),
      (fault: unknown) => {
        const error = toErrorReport(fault)
        if (error.code !== 'host-lost') heard(null, error)
      },
    )
    return () => {
      current = false
    }
  }, [ask, connected])
  return found.to === ask ? found : unanswered
}
