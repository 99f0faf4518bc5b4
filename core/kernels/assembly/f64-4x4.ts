/**
 * Micro-kernel, float64, unfused: 8 accumulators, for hosts without relaxed SIMD. 4 divides the panel width 24 as 6 does.
 * Compiled without binaryen's optimizer, which reorders the chain and spills.
 */
import { mergeEdgeDouble } from './edge'

/**
 * C tile, 4 x 4 <- (add ? C : 0) + sum over p of a[r][p] b[p][v], the sum in order of p and rounded to C once.
 * a[r][p] lies at a + r aRow + p aStep, b[p] at b + p bStep, C row r at c + r ldc; all strides in bytes.
 */
function tile4x4Double(
  a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, ldc: usize, depth: i32, add: i32,
): void {
  let a0: usize = a, a1: usize = a0 + aRow, a2: usize = a1 + aRow, a3: usize = a2 + aRow
  let c00 = f64x2(0, 0), c01 = f64x2(0, 0)
  let c10 = f64x2(0, 0), c11 = f64x2(0, 0)
  let c20 = f64x2(0, 0), c21 = f64x2(0, 0)
  let c30 = f64x2(0, 0), c31 = f64x2(0, 0)
  for (let p: i32 = 0; p < depth; p++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    const x0 = v128.load64_splat(a0)
    c00 = f64x2.add(c00, f64x2.mul(x0, b0))
    c01 = f64x2.add(c01, f64x2.mul(x0, b1))
    const x1 = v128.load64_splat(a1)
    c10 = f64x2.add(c10, f64x2.mul(x1, b0))
    c11 = f64x2.add(c11, f64x2.mul(x1, b1))
    const x2 = v128.load64_splat(a2)
    c20 = f64x2.add(c20, f64x2.mul(x2, b0))
    c21 = f64x2.add(c21, f64x2.mul(x2, b1))
    const x3 = v128.load64_splat(a3)
    c30 = f64x2.add(c30, f64x2.mul(x3, b0))
    c31 = f64x2.add(c31, f64x2.mul(x3, b1))
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    b += bStep
  }
  const r0: usize = c, r1: usize = r0 + ldc, r2: usize = r1 + ldc, r3: usize = r2 + ldc
  if (add) {
    c00 = f64x2.add(c00, v128.load(r0))
    c01 = f64x2.add(c01, v128.load(r0, 16))
    c10 = f64x2.add(c10, v128.load(r1))
    c11 = f64x2.add(c11, v128.load(r1, 16))
    c20 = f64x2.add(c20, v128.load(r2))
    c21 = f64x2.add(c21, v128.load(r2, 16))
    c30 = f64x2.add(c30, v128.load(r3))
    c31 = f64x2.add(c31, v128.load(r3, 16))
  }
  v128.store(r0, c00)
  v128.store(r0, c01, 16)
  v128.store(r1, c10)
  v128.store(r1, c11, 16)
  v128.store(r2, c20)
  v128.store(r2, c21, 16)
  v128.store(r3, c30)
  v128.store(r3, c31, 16)
}

/**
 * C, rows x cols <- (add ? C : 0) + A B over one block of the inner dimension. A and B are both packed as panels [depth][24] one after
 * another, zero-padded, so one layout serves either side. Tiles wholly above the diagonal are left alone: the row number of C's first
 * row minus the column number of its first column is `below` (cols or more: nothing is skipped). edge: 4 x 4 doubles of scratch.
 */
export function block4x4Double(
  a: usize, b: usize, c: usize, ldc: usize, rows: i32, cols: i32, depth: i32, add: i32, below: i32, edge: usize,
): void {
  const panel: usize = depth * 192
  for (let j: i32 = 0; j < cols; j += 4) {
    const bj: usize = b + (j / 24) * panel + (j % 24) * 8
    for (let i: i32 = 0; i < rows; i += 4) {
      if (j > i + below + 3) continue
      const ai: usize = a + (i / 24) * panel + (i % 24) * 8
      const cij: usize = c + i * ldc + (j << 3)
      if (i + 4 <= rows && j + 4 <= cols) {
        tile4x4Double(ai, 8, 192, bj, 192, cij, ldc, depth, add)
      } else {
        tile4x4Double(ai, 8, 192, bj, 192, edge, 32, depth, 0)
        mergeEdgeDouble(edge, 32, cij, ldc, min(rows - i, 4), min(cols - j, 4), add)
      }
    }
  }
}
