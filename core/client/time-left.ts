/** How long a piece of work still takes, from how far it has come while somebody looked. */

/** Before that it would be a guess. */
const leastShare = 0.02
const leastMs = 1500

/**
 * Milliseconds; null while nothing can be said.
 * @param share of all that is done, 0..1
 * @param passed of it while somebody looked
 * @param tookMs how long that took
 */
export function timeLeft(share: number, passed: number, tookMs: number): number | null {
  if (passed < leastShare || tookMs < leastMs) return null
  return (tookMs / passed) * (1 - share)
}
