/** A delayed call: until the user has finished typing or dragging, until a portion is worth handing over. */
export interface PendingCall {
  /** Calls after so many ms; whatever was pending is not called. */
  in(ms: number, call: () => void): void
  /** The same, but at once - when the present event has been heard by all - where nothing was asked for as long: a single change waits for no other. */
  settled(ms: number, call: () => void): void
  readonly pending: boolean
  /** Says whether a call was pending. */
  cancel(): boolean
}

export function pendingCall(): PendingCall {
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = Number.NEGATIVE_INFINITY
  const cancel = () => {
    const pending = timer !== undefined
    clearTimeout(timer)
    timer = undefined
    return pending
  }
  const after = (ms: number, call: () => void) => {
    cancel()
    timer = setTimeout(() => {
      timer = undefined
      call()
    }, ms)
  }
  return {
    in: after,
    settled: (ms, call) => {
      const now = performance.now()
      const single = timer === undefined && now - asked > ms
      asked = now
      after(single ? 0 : ms, call)
    },
    get pending() {
      return timer !== undefined
    },
    cancel,
  }
}
