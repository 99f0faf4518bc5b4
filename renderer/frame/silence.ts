/** A host that says nothing any more, while its socket stays open. */

const askEveryMs = 5000
/** A host answers at once, whatever its engine computes. */
const silenceMs = 20_000

/**
 * Tells when `ask` has got no answer for so long: the host hangs, or the way to it does. A tunnel that froze, and a machine that sleeps, keep their
 * sockets open.
 * @returns how to stop asking
 */
export function onSilence(ask: () => Promise<unknown>, tell: () => void): () => void {
  let askedAt: number | null = null
  let lookedAt = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    // A page that slept itself has not listened.
    if (now - lookedAt > 2 * askEveryMs) askedAt = null
    lookedAt = now
    if (askedAt !== null && now - askedAt >= silenceMs) return tell()
    if (askedAt !== null) return
    askedAt = now
    ask().then(
      () => {
        askedAt = null
      },
      () => {},
    )
  }, askEveryMs)
  return () => clearInterval(timer)
}
