/** Shapes and sizes as reasons name them. */
import type { MatrixView } from '../tensor.ts'

export function shapeOf({ count, rows, cols }: MatrixView): string {
  return count === 1 ? `${rows} x ${cols}` : `${count} x ${rows} x ${cols}`
}

/** Decimal, two significant digits at least: "34 MB", "1.6 MB", "0.33 MB". */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2)} MB`
}
