/** How long a piece of work still takes, from how far it has come while somebody looked. */

/** Before that it would be a guess. */
const leastShare = 0.02
const leastMs = 1500

interface Move {
  /** Of all that is done, 0..1. */
  readonly share: number
  /** In ms. */
  readonly at: number
}

export class Pace {
  #moves: Move[] = []

  /** A smaller share than before starts over. */
  moved(share: number, at: number): void {
    const last = this.#moves.at(-1)
    if (last && share < last.share) this.#moves = []
    if (share !== last?.share) this.#moves.push({ share, at })
  }

  /**
   * Milliseconds at the time `now`, below 0 where it takes longer than was said; null while nothing can be said. What is known from before is passed at
   * once, and first: where the second half of the time was slower than the whole, it has the pace of what is left.
   */
  left(now: number): number | null {
    const [first, last] = [this.#moves[0], this.#moves.at(-1)]
    if (!first || !last) return null
    const middle = (first.at + last.at) / 2
    const said = [first, this.#moves.findLast(({ at }) => at <= middle)!].flatMap((from) => atPaceOf(from, last) ?? [])
    return said.length === 0 ? null : Math.max(...said) - (now - last.at)
  }
}

function atPaceOf(from: Move, to: Move): number | null {
  const [passed, took] = [to.share - from.share, to.at - from.at]
  return passed < leastShare || took < leastMs ? null : (took / passed) * (1 - to.share)
}
