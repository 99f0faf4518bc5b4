/** A host that says nothing any more, while its socket stays open. */

const askEveryMs = 5000
/** A host answers at once, whatever its engine computes. */
const silenceMs = 20_000

/**
 * Asks again and again, and tells when nothing at all was heard for so long after a question: the host hangs, or the way to it does. A tunnel that froze,
 * and a machine that sleeps, keep their sockets open. Whatever is heard counts: over a slow link an answer waits behind what was sent before it.
 */
export function onSilence(ask: () => void, tell: () => void): { heard(): void; stop(): void } {
  let askedAt: number | null = null
  let lookedAt = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    // A page that slept itself has not listened.
    if (now - lookedAt > 2 * askEveryMs) askedAt = null
    lookedAt = now
    if (askedAt === null) {
      askedAt = now
      ask()
    } else if (now - askedAt >= silenceMs) tell()
  }, askEveryMs)
  return {
    heard: () => {
      askedAt = null
    },
    stop: () => clearInterval(timer),
  }
}
