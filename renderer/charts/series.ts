/** What a chart draws: named lines over ranks, thinned to what a screen can show. */

export interface Series {
  readonly id: string
  readonly label: string
  /** CSS color; a custom property of frame/tokens.css. */
  readonly color: string
  readonly dash?: string
  readonly width?: number
  /** Value at a rank or index, null where the series has none. */
  at(rank: number): number | null
}

/** A series over an array that starts at rank `first`. */
export function listed(values: ArrayLike<number>, first: 0 | 1): (rank: number) => number | null {
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

export type Row = { readonly rank: number } & Readonly<Record<string, number | null>>

/** One row a rank with a column for each series: what recharts, the table and the CSV file are made of. */
export function rowsOf(series: readonly Series[], ranks: readonly number[]): Row[] {
  return ranks.map((rank) => {
    const row: Record<string, number | null> & { rank: number } = { rank }
    for (const one of series) row[one.id] = one.at(rank)
    return row
  })
}
