/** A screen that is made in several tasks, so that what one came for is seen first and no task is long. */
import { useEffect, useState } from 'react'

/** A page that nobody sees draws no frames, and is finished all the same. */
const unseenMs = 200

/**
 * How many parts are made, up to `last`: the next one after a frame has been drawn with those before it. Not React's slices, which start over with
 * whatever a store says meanwhile, and a file that has just been opened is talked about a lot.
 */
export function useStages(last: number): number {
  const [stage, setStage] = useState(0)
  useEffect(() => {
    if (stage >= last) return
    const next = () => setStage(stage + 1)
    let drawn: ReturnType<typeof setTimeout> | undefined
    const frame = requestAnimationFrame(() => {
      drawn = setTimeout(next)
    })
    const unseen = setTimeout(next, unseenMs)
    return () => {
      cancelAnimationFrame(frame)
      clearTimeout(drawn)
      clearTimeout(unseen)
    }
  }, [stage, last])
  return stage
}
