/** Shapes of matrices as reasons name them. */
import type { MatrixView } from '../tensor.ts'

export function shapeOf(view: MatrixView): string {
  return lengthsOf(view).join(' x ')
}

/** [rows, cols], or [count, rows, cols] of a stack. */
export function lengthsOf({ count, rows, cols }: MatrixView): number[] {
  return count === 1 ? [rows, cols] : [count, rows, cols]
}
