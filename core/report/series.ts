/**
 * The one table of what a chart draws: role -> name, color, dash, width. A role looks the same on every tab, in the report and in every
 * export. Colors are tokens (palette.ts; the page has them as custom properties of the same name).
 */
import type { Key } from '../messages/english.ts'
import type { Token } from './palette.ts'

export interface Look {
  /** The quantity's one name. */
  readonly name: Extract<Key, `series.${string}`>
  readonly color: Token
  /** SVG stroke-dasharray; a solid line has none. */
  readonly dash?: string
  /** In px. */
  readonly width: number
}

export const looks = {
  exact: { name: 'series.exact', color: 'series-exact', dash: '6 4', width: 1.5 },
  randomized: { name: 'series.randomized', color: 'series-randomized', width: 2 },
  /** The other side of a comparison of two that are alike. */
  'exact-2': { name: 'series.exact', color: 'series-randomized-2', dash: '6 4', width: 1.5 },
  'randomized-2': { name: 'series.randomized', color: 'series-randomized-2', width: 2 },
  /** As far as a sketch has come. */
  estimate: { name: 'series.estimate', color: 'series-randomized', dash: '1 4', width: 2.5 },
  /** Of other parameters than those that are set. */
  before: { name: 'series.before', color: 'series-before', width: 2 },
  noise: { name: 'series.noise', color: 'series-noise', dash: '0.1 5', width: 2 },
  'value-error': { name: 'series.value-error', color: 'series-randomized', width: 2 },
  /** Vertical lines. */
  plan: { name: 'series.rank', color: 'series-plan', width: 1.5 },
  limit: { name: 'series.break-even', color: 'series-limit', dash: '2 3', width: 1 },
} as const satisfies Record<string, Look>

export type Role = keyof typeof looks

export function lookOf(role: Role): Look {
  return looks[role]
}
