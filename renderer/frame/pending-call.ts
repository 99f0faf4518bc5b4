/** A delayed call: until the user has finished typing or dragging, until a portion is worth handing over. */
export interface PendingCall {
  /** Calls after so many ms; whatever was pending is not called. */
  in(ms: number, call: () => void): void
  /** The same, but once the present event has been heard by all where nothing was asked for as long: a single change waits for no other. */
  settled(ms: number, call: () => void): void
  readonly pending: boolean
  /** Calls what waits for the end of the present event alone, before whatever else does. */
  answer(): void
  /** Says whether a call was pending. */
  cancel(): boolean
}

/** Calls that wait for the end of the present event alone. */
const soon = new Set<() => void>()

/**
 * Said at the end of what a user has done: all that follows from it is called now. Without a word it is called after the page has rendered
 * the change; so the engine is asked first, and works while the page does.
 */
export function answerNow(): void {
  // One may take another back.
  for (const call of [...soon]) if (soon.has(call)) call()
}

export function pendingCall(): PendingCall {
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = Number.NEGATIVE_INFINITY
  /** Called at the end of the present event, where that is all it waits for. */
  let due: (() => void) | null = null
  const cancel = () => {
    const pending = timer !== undefined
    clearTimeout(timer)
    timer = undefined
    if (due) soon.delete(due)
    return pending
  }
  const after = (ms: number, call: () => void) => {
    cancel()
    due = () => {
      cancel()
      call()
    }
    timer = setTimeout(due, ms)
    if (ms === 0) soon.add(due)
  }
  return {
    in: after,
    settled: (ms, call) => {
      const now = performance.now()
      const single = (timer === undefined && now - asked > ms) || (due !== null && soon.has(due))
      asked = now
      after(single ? 0 : ms, call)
    },
    get pending() {
      return timer !== undefined
    },
    answer: () => {
      if (due && soon.has(due)) due()
    },
    cancel,
  }
}
