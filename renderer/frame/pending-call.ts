/** A delayed call: until the user has finished typing or dragging, until a portion is worth handing over. */
export interface PendingCall {
  /** Calls after so many ms; whatever was pending is not called. */
  in(ms: number, call: () => void): void
  readonly pending: boolean
  /** Says whether a call was pending. */
  cancel(): boolean
}

export function pendingCall(): PendingCall {
  let timer: ReturnType<typeof setTimeout> | undefined
  const cancel = () => {
    const pending = timer !== undefined
    clearTimeout(timer)
    timer = undefined
    return pending
  }
  return {
    in: (ms, call) => {
      cancel()
      timer = setTimeout(() => {
        timer = undefined
        call()
      }, ms)
    },
    get pending() {
      return timer !== undefined
    },
    cancel,
  }
}
