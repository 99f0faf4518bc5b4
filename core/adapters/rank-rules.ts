/**
 * The rules for ranks that users of LoRA tools know. Each is the least rank that does what it says; sd-scripts adds one too many in all three (its
 * pull request 2194).
 */
import type { RuleId } from '../rank-rule-entries.ts'

interface RankRule {
  /**
   *   ratio       values above the largest over `value`
   *   cumulative  the first values that add up to this share of the sum of all
   *   fro         the first values whose norm is this share of the norm of all
   */
  readonly rule: RuleId
  readonly value: number
}

/** @param s all singular values, descending. At least 1, where there is anything. */
export function rankBy({ rule, value }: RankRule, s: ArrayLike<number>): number {
  const largest = s[0] ?? 0
  if (largest === 0) return 0
  if (rule === 'ratio') {
    let rank = 0
    while (rank < s.length && s[rank]! > largest / value) rank++
    return Math.max(1, rank)
  }
  const weight = (i: number) => (rule === 'fro' ? (s[i]! / largest) ** 2 : s[i]! / largest)
  let total = 0
  for (let i = 0; i < s.length; i++) total += weight(i)
  const enough = total * (rule === 'fro' ? value ** 2 : value)
  let sum = 0
  for (let i = 0; i < s.length; i++) {
    sum += weight(i)
    if (sum >= enough) return i + 1
  }
  return s.length
}
