/** How long a piece of work still takes, from how far it has come while one looked. */
import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { Pace } from '../../core/client/time-left.ts'

/** Milliseconds, counted down between two steps of `share` (0..1); null while nothing can be said. */
export function useTimeLeft(share: number): number | null {
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 1000, { autoInvoke: true })
  const [pace] = useState(() => new Pace())
  pace.moved(share, Date.now())
  const left = pace.left(now)
  return left === null ? null : Math.max(1000, left)
}
