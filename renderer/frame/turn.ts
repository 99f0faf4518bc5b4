/** The page's engine does one job at a time: who wants it for something else ends the job of whoever had it. */

let holder: (() => void) | null = null

/** Gives the engine to the caller. `giveUp` ends its job, should another want a turn before it is done. */
export function takeTurn(giveUp: () => void): void {
  const before = holder
  holder = giveUp
  if (before !== giveUp) before?.()
}
