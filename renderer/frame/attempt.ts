/** A click that asks the host for something which may be refused: what was said then, and whether it is under way. */
import { useState } from 'react'
import { type ErrorReport, toErrorReport } from '../../core/errors.ts'

export function useAttempt() {
  const [error, setError] = useState<ErrorReport | null>(null)
  const [busy, setBusy] = useState(false)
  const attempt = async (act: () => unknown) => {
    setBusy(true)
    setError(null)
    try {
      await act()
    } catch (fault) {
      setError(toErrorReport(fault))
    } finally {
      setBusy(false)
    }
  }
  return { error, busy, dismiss: () => setError(null), attempt: (act: () => unknown) => void attempt(act) }
}
