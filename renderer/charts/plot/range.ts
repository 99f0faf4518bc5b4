/** Which part of the y axis a chart shows. */
import type { Scale } from '../../../core/report/axis.ts'
import type { Row, Series } from '../series.ts'

/** Lower end of an error axis: 0, or nearer to the curves where they all lie high; on a log axis the decade below the least error. */
export function lowestError(rows: readonly Row[], series: readonly Series[], scale: Scale): number {
  // What noise would give is no result: alone it does not choose the axis.
  const found = series.filter(({ role }) => role !== 'noise').map(({ id }) => id)
  let least = 1
  let any = false
  for (const value of valuesOf(rows, found)) {
    any = true
    if (value < least && (value > 0 || scale === 'linear')) least = value
  }
  if (scale === 'log') return 10 ** Math.max(-8, Math.min(-1, Math.floor(Math.log10(least))))
  return any && least > 0.5 ? Math.floor(least * 10 - 0.2) / 10 : 0
}

/** Sixteen decades below the largest value are the end of f64; nothing below them is drawn. */
const decades = 16

/** Both ends of an axis of singular values. */
export function valueRange(rows: readonly Row[], series: readonly Series[], scale: Scale): readonly [number, number] {
  const ids = series.map(({ id }) => id)
  const values = [...valuesOf(rows, ids)].filter((value) => value > 0)
  if (values.length === 0) return [scale === 'log' ? 0.1 : 0, 1]
  // Of a large model there are more than a call takes arguments.
  const most = values.reduce((a, b) => Math.max(a, b))
  if (scale === 'linear') return [0, most * 1.05]
  const low = Math.max(
    values.reduce((a, b) => Math.min(a, b)),
    most * 10 ** -decades,
  )
  return [low / 1.3, most * 1.3]
}

function* valuesOf(rows: readonly Row[], ids: readonly string[]): Iterable<number> {
  for (const row of rows)
    for (const id of ids) {
      const value = row[id]
      if (value !== null && value !== undefined) yield value
    }
}
