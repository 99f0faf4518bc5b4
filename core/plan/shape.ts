/** Shapes of matrices as reasons name them. */
import type { MatrixView } from '../tensor.ts'

/** [rows, cols], or [count, rows, cols] of a stack. */
export function lengthsOf({ count, rows, cols }: MatrixView): number[] {
  return count === 1 ? [rows, cols] : [count, rows, cols]
}
