/**
 * Micro-kernel, float32, unfused: 10 accumulators of 128 bits, 2 registers for B, 1 for the broadcast, 1 for the product. For hosts without relaxed SIMD.
 * Compiled without binaryen's optimizer, which reorders the chain and spills.
 */
import { mergeEdge } from './edge'

/**
 * C tile, 5 x 8 <- (add ? C : 0) + sum over p of a[r][p] b[p][v], the sum in order of p and rounded to C once.
 * a[r][p] lies at a + r aRow + p aStep, b[p] at b + p bStep, C row r at c + r ldc; all strides in bytes.
 */
function tile5x8(
  a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, ldc: usize, depth: i32, add: i32,
): void {
  let a0: usize = a, a1: usize = a0 + aRow, a2: usize = a1 + aRow, a3: usize = a2 + aRow, a4: usize = a3 + aRow
  let c00 = f32x4(0, 0, 0, 0), c01 = f32x4(0, 0, 0, 0)
  let c10 = f32x4(0, 0, 0, 0), c11 = f32x4(0, 0, 0, 0)
  let c20 = f32x4(0, 0, 0, 0), c21 = f32x4(0, 0, 0, 0)
  let c30 = f32x4(0, 0, 0, 0), c31 = f32x4(0, 0, 0, 0)
  let c40 = f32x4(0, 0, 0, 0), c41 = f32x4(0, 0, 0, 0)
  for (let p: i32 = 0; p < depth; p++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    const x0 = v128.load32_splat(a0)
    c00 = f32x4.add(c00, f32x4.mul(x0, b0))
    c01 = f32x4.add(c01, f32x4.mul(x0, b1))
    const x1 = v128.load32_splat(a1)
    c10 = f32x4.add(c10, f32x4.mul(x1, b0))
    c11 = f32x4.add(c11, f32x4.mul(x1, b1))
    const x2 = v128.load32_splat(a2)
    c20 = f32x4.add(c20, f32x4.mul(x2, b0))
    c21 = f32x4.add(c21, f32x4.mul(x2, b1))
    const x3 = v128.load32_splat(a3)
    c30 = f32x4.add(c30, f32x4.mul(x3, b0))
    c31 = f32x4.add(c31, f32x4.mul(x3, b1))
    const x4 = v128.load32_splat(a4)
    c40 = f32x4.add(c40, f32x4.mul(x4, b0))
    c41 = f32x4.add(c41, f32x4.mul(x4, b1))
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    a4 += aStep
    b += bStep
  }
  const r0: usize = c, r1: usize = r0 + ldc, r2: usize = r1 + ldc, r3: usize = r2 + ldc, r4: usize = r3 + ldc
  if (add) {
    c00 = f32x4.add(c00, v128.load(r0))
    c01 = f32x4.add(c01, v128.load(r0, 16))
    c10 = f32x4.add(c10, v128.load(r1))
    c11 = f32x4.add(c11, v128.load(r1, 16))
    c20 = f32x4.add(c20, v128.load(r2))
    c21 = f32x4.add(c21, v128.load(r2, 16))
    c30 = f32x4.add(c30, v128.load(r3))
    c31 = f32x4.add(c31, v128.load(r3, 16))
    c40 = f32x4.add(c40, v128.load(r4))
    c41 = f32x4.add(c41, v128.load(r4, 16))
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
}

/**
 * C, rows x cols <- (add ? C : 0) + A B over one block of the inner dimension.
 * A: groups of 5 rows, aGroup bytes apart; inside a group as in tile5x8. Rows past the end are readable and ignored.
 * B: panels [depth][8] one after another, zero-padded. edge: 5 x 8 floats of scratch for the tiles that stick out of C.
 */
export function block5x8(
  a: usize, aGroup: usize, aRow: usize, aStep: usize, b: usize, c: usize, ldc: usize,
  rows: i32, cols: i32, depth: i32, add: i32, edge: usize,
): void {
  for (let j: i32 = 0; j < cols; j += 8) {
    for (let i: i32 = 0; i < rows; i += 5) {
      const ai: usize = a + (i / 5) * aGroup
      const cij: usize = c + i * ldc + (j << 2)
      if (i + 5 <= rows && j + 8 <= cols) {
        tile5x8(ai, aRow, aStep, b, 32, cij, ldc, depth, add)
      } else {
        tile5x8(ai, aRow, aStep, b, 32, edge, 32, depth, 0)
        mergeEdge(edge, 32, cij, ldc, min(rows - i, 5), min(cols - j, 8), add)
      }
    }
    b += depth * 32
  }
}
