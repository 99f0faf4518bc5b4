/** A screen that is made in several tasks, so that what one came for is seen first and no task is long. */
import { useEffect, useState } from 'react'
import { flushSync } from 'react-dom'

/** A page that nobody sees draws no frames, and is finished all the same. */
const unseenMs = 200

interface Stages {
  /** There from the beginning. */
  readonly first?: number
  /** Up to this one no frame is waited for: one that is due is drawn between them, and what one came for is there sooner. */
  readonly atOnce?: number
}

/**
 * How many parts are made, up to `last`: the next one in a task of its own, after a frame has been drawn with those before it. Not React's slices,
 * which start over with whatever a store says meanwhile, and a file that has just been opened is talked about a lot.
 */
export function useStages(last: number, { first = 0, atOnce = 0 }: Stages = {}): number {
  const [stage, setStage] = useState(first)
  useEffect(() => {
    if (stage >= last) return
    // Rendered here: React would take what several timers say for one task.
    const next = () => flushSync(() => setStage(stage + 1))
    let drawn: ReturnType<typeof setTimeout> | undefined
    if (stage < atOnce) {
      drawn = setTimeout(next)
      return () => clearTimeout(drawn)
    }
    const frame = requestAnimationFrame(() => {
      drawn = setTimeout(next)
    })
    const unseen = setTimeout(next, unseenMs)
    return () => {
      cancelAnimationFrame(frame)
      clearTimeout(drawn)
      clearTimeout(unseen)
    }
  }, [stage, last, atOnce])
  return stage
}
