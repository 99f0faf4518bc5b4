/** What a chart draws: lines over ranks, thinned to what a screen can show. How each looks says its role (core/report/series.ts). */
import type { Role } from '../../core/report/series.ts'

export interface Series {
  readonly id: string
  readonly role: Role
  /** In the legend. */
  readonly label: string
  /** Value at a rank or index, null where the series has none. */
  at(rank: number): number | null
  /** A formula without a bump: nothing lies between the points of the grid. */
  readonly smooth?: boolean
}

/** A series over an array that starts at rank `first`. */
export function fromArray(values: ArrayLike<number>, first: 0 | 1): (rank: number) => number | null {
  return (rank) => values[rank - first] ?? null
}

/** Half of the points follow a logarithm, because curves bend at small ranks; the other half are evenly spaced. */
const pointsOfEach = 160

/**
 * Ranks at which curves over [first, last] are drawn: at most 320 and the given marks, ascending and distinct. Recharts takes about a
 * second for 1000 points of three series, and a screen has no more pixels to show.
 */
export function rankGrid(first: number, last: number, marks: readonly number[] = []): number[] {
  const ranks = new Set<number>([first, last])
  for (let i = 0; i < pointsOfEach; i++) {
    const share = i / (pointsOfEach - 1)
    ranks.add(Math.round(first + (last - first) * share))
    ranks.add(Math.round(first - 1 + (last - first + 1) ** share))
  }
  for (const mark of marks) ranks.add(mark)
  return [...ranks].filter((rank) => rank >= first && rank <= last).sort((a, b) => a - b)
}

/**
 * The grid and, between its points, where a series is higher or lower than at both of them: a spike one index wide is drawn. A curve that
 * only falls has none, so that nothing is added for most. Cost: one look at each rank.
 */
export function withExtremes(series: readonly Series[], grid: readonly number[]): number[] {
  const ranks = new Set(grid)
  for (const one of series) {
    if (one.smooth) continue
    for (let i = 1; i < grid.length; i++) {
      const [from, to] = [grid[i - 1]!, grid[i]!]
      let [low, high] = [from, from]
      for (let rank = from + 1; rank <= to; rank++) {
        const value = one.at(rank)
        if (value === null) continue
        if (value < (one.at(low) ?? Number.POSITIVE_INFINITY)) low = rank
        if (value > (one.at(high) ?? Number.NEGATIVE_INFINITY)) high = rank
      }
      ranks.add(low).add(high)
    }
  }
  return [...ranks].sort((a, b) => a - b)
}

export type Row = { readonly rank: number } & Readonly<Record<string, number | null>>

/** One row a rank with a column for each series: what recharts, the table and the CSV file are made of. */
export function rowsOf(series: readonly Series[], ranks: readonly number[]): Row[] {
  return ranks.map((rank) => {
    const row: Record<string, number | null> & { rank: number } = { rank }
    for (const one of series) row[one.id] = one.at(rank)
    return row
  })
}
