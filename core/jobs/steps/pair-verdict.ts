/** "Is this a fine-tune of that?" From the norms of two models and of their difference. */
import type { Pair } from '../../adapters/pair.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import type { PairFacts } from './pair-facts.ts'

export interface Verdict {
  readonly identical: boolean
  readonly cosine: number
  readonly differenceShare: number
  readonly said: readonly Message[]
}

/** Above this cosine one is a fine-tune of the other, below the second they are unrelated. */
const FINE_TUNE = 0.9
const UNRELATED = 0.1

export function verdictOf(pairs: readonly Pair[], compared: ReadonlyMap<string, PairFacts>): Verdict {
  let [base, tuned, difference] = [0, 0, 0]
  for (const { name, shape } of pairs) {
    const facts = shape.length > 1 ? compared.get(name) : undefined
    if (!facts || facts.nanCount + facts.infCount > 0) continue
    base += facts.base
    tuned += facts.tuned
    difference += facts.difference
  }
  const comparable = base + tuned > 0
  const identical = comparable && difference === 0
  // ||T - B||^2 = ||T||^2 + ||B||^2 - 2 <T, B>
  const norms = Math.sqrt(base) * Math.sqrt(tuned)
  const cosine = identical ? 1 : norms === 0 ? 0 : Math.max(-1, Math.min(1, (base + tuned - difference) / 2 / norms))
  const said = !comparable
    ? say('extract.verdict-none')
    : identical
      ? say('extract.verdict-identical')
      : cosine > FINE_TUNE
        ? say('extract.verdict-fine-tune', { cosine })
        : cosine < UNRELATED
          ? say('extract.verdict-unrelated', { cosine })
          : say('extract.verdict-between', { cosine })
  return { identical, cosine, differenceShare: tuned === 0 ? 0 : Math.sqrt(difference / tuned), said: [said] }
}

/** ||D||_F and its share of the tuned tensor, for a list of them. */
export function differencesOf(pairs: readonly Pair[], compared: ReadonlyMap<string, PairFacts>) {
  return pairs.flatMap(({ name, module }) => {
    const facts = compared.get(name)
    if (!facts) return []
    const share = facts.tuned === 0 ? 0 : Math.sqrt(facts.difference / facts.tuned)
    return [{ name, module, share, norm: Math.sqrt(facts.difference) }]
  })
}
