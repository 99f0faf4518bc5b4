/** How long a piece of work still takes, from how far it has come while one looked. */
import { useInterval } from '@mantine/hooks'
import { useRef, useState } from 'react'
import { timeLeft } from '../../core/client/time-left.ts'

/** Milliseconds, counted down between two steps of `share` (0..1); null while nothing can be said. */
export function useTimeLeft(share: number): number | null {
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 1000, { autoInvoke: true })
  const start = useRef({ share, at: Date.now() })
  const moved = useRef({ share, at: Date.now() })
  if (share < moved.current.share) start.current = { share, at: Date.now() }
  if (share !== moved.current.share) moved.current = { share, at: Date.now() }
  const passed = moved.current.share - start.current.share
  const took = moved.current.at - start.current.at
  const atMove = timeLeft(moved.current.share, passed, took)
  return atMove === null ? null : Math.max(1000, atMove - (now - moved.current.at))
}
