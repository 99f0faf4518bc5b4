/**
 * The rules for ranks that users of LoRA tools know, and what each may be given: schema, flags and fields derive from it. core/adapters/rank-rules.ts
 * does what they say.
 */
import type { Unit } from './param-entries.ts'

interface RuleEntry {
  readonly flag: string
  readonly help: string
  readonly unit: Unit | null
  readonly min: number
  readonly max: number
  readonly step: number
  /** Where the page begins: as in the examples of sd-scripts. */
  readonly first: number
}

export const ruleIds = ['ratio', 'cumulative', 'fro'] as const
export type RuleId = (typeof ruleIds)[number]

/** Of none and of all there is no rank: a share is above 0, a ratio above 1. */
const share = { unit: 'share', min: 1e-6, max: 1, step: 0.01, first: 0.9 } as const

export const rankRules: Readonly<Record<RuleId, RuleEntry>> = {
  ratio: {
    unit: null,
    min: 1.000001,
    max: 1e12,
    step: 1,
    first: 10,
    flag: '--sv-ratio',
    help: 'rank: the values above the largest divided by this',
  },
  cumulative: {
    ...share,
    flag: '--sv-cumulative',
    help: 'rank: the first values that add up to this share of the sum of all',
  },
  fro: { ...share, flag: '--sv-fro', help: 'rank: the first values whose norm is this share of the norm of all' },
}
