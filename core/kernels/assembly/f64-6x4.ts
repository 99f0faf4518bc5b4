/**
 * Micro-kernel, float64, fused: the float64 twin of f32-6x8.ts, made for 128-bit registers.
 * Compiled without binaryen's optimizer, which reorders the chain and spills.
 */
import { mergeEdgeDouble } from './edge'

/**
 * C tile, 6 x 4 <- (add ? C : 0) + sum over p of a[r][p] b[p][v], the sum in order of p and rounded to C once.
 * a[r][p] lies at a + r aRow + p aStep, b[p] at b + p bStep, C row r at c + r ldc; all strides in bytes.
 */
function tile6x4Double(
  a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, ldc: usize, depth: i32, add: i32,
): void {
  let a0: usize = a, a1: usize = a0 + aRow, a2: usize = a1 + aRow, a3: usize = a2 + aRow, a4: usize = a3 + aRow, a5: usize = a4 + aRow
  let c00 = f64x2(0, 0), c01 = f64x2(0, 0)
  let c10 = f64x2(0, 0), c11 = f64x2(0, 0)
  let c20 = f64x2(0, 0), c21 = f64x2(0, 0)
  let c30 = f64x2(0, 0), c31 = f64x2(0, 0)
  let c40 = f64x2(0, 0), c41 = f64x2(0, 0)
  let c50 = f64x2(0, 0), c51 = f64x2(0, 0)
  for (let p: i32 = 0; p < depth; p++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    const x0 = v128.load64_splat(a0)
    c00 = f64x2.relaxed_madd(x0, b0, c00)
    c01 = f64x2.relaxed_madd(x0, b1, c01)
    const x1 = v128.load64_splat(a1)
    c10 = f64x2.relaxed_madd(x1, b0, c10)
    c11 = f64x2.relaxed_madd(x1, b1, c11)
    const x2 = v128.load64_splat(a2)
    c20 = f64x2.relaxed_madd(x2, b0, c20)
    c21 = f64x2.relaxed_madd(x2, b1, c21)
    const x3 = v128.load64_splat(a3)
    c30 = f64x2.relaxed_madd(x3, b0, c30)
    c31 = f64x2.relaxed_madd(x3, b1, c31)
    const x4 = v128.load64_splat(a4)
    c40 = f64x2.relaxed_madd(x4, b0, c40)
    c41 = f64x2.relaxed_madd(x4, b1, c41)
    const x5 = v128.load64_splat(a5)
    c50 = f64x2.relaxed_madd(x5, b0, c50)
    c51 = f64x2.relaxed_madd(x5, b1, c51)
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    a4 += aStep
    a5 += aStep
    b += bStep
  }
  const r0: usize = c, r1: usize = r0 + ldc, r2: usize = r1 + ldc, r3: usize = r2 + ldc, r4: usize = r3 + ldc, r5: usize = r4 + ldc
  if (add) {
    c00 = f64x2.add(c00, v128.load(r0))
    c01 = f64x2.add(c01, v128.load(r0, 16))
    c10 = f64x2.add(c10, v128.load(r1))
    c11 = f64x2.add(c11, v128.load(r1, 16))
    c20 = f64x2.add(c20, v128.load(r2))
    c21 = f64x2.add(c21, v128.load(r2, 16))
    c30 = f64x2.add(c30, v128.load(r3))
    c31 = f64x2.add(c31, v128.load(r3, 16))
    c40 = f64x2.add(c40, v128.load(r4))
    c41 = f64x2.add(c41, v128.load(r4, 16))
    c50 = f64x2.add(c50, v128.load(r5))
    c51 = f64x2.add(c51, v128.load(r5, 16))
  }
  v128.store(r0, c00)
  v128.store(r0, c01, 16)
  v128.store(r1, c10)
  v128.store(r1, c11, 16)
  v128.store(r2, c20)
  v128.store(r2, c21, 16)
  v128.store(r3, c30)
  v128.store(r3, c31, 16)
  v128.store(r4, c40)
  v128.store(r4, c41, 16)
  v128.store(r5, c50)
  v128.store(r5, c51, 16)
}

/**
 * C, rows x cols <- (add ? C : 0) + A B over one block of the inner dimension. A and B are both packed as panels [depth][24] one after
 * another, zero-padded, so one layout serves either side. Tiles wholly above the diagonal are left alone: the row number of C's first
 * row minus the column number of its first column is `below` (cols or more: nothing is skipped). edge: 6 x 4 doubles of scratch.
 */
export function block6x4Double(
  a: usize, b: usize, c: usize, ldc: usize, rows: i32, cols: i32, depth: i32, add: i32, below: i32, edge: usize,
): void {
  const panel: usize = depth * 192
  for (let j: i32 = 0; j < cols; j += 4) {
    const bj: usize = b + (j / 24) * panel + (j % 24) * 8
    for (let i: i32 = 0; i < rows; i += 6) {
      if (j > i + below + 5) continue
      const ai: usize = a + (i / 24) * panel + (i % 24) * 8
      const cij: usize = c + i * ldc + (j << 3)
      if (i + 6 <= rows && j + 4 <= cols) {
        tile6x4Double(ai, 8, 192, bj, 192, cij, ldc, depth, add)
      } else {
        tile6x4Double(ai, 8, 192, bj, 192, edge, 32, depth, 0)
        mergeEdgeDouble(edge, 32, cij, ldc, min(rows - i, 6), min(cols - j, 4), add)
      }
    }
  }
}
