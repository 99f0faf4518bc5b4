/**
 * Micro-kernel, float32, fused: 24 accumulators of 128 bits. V8's re-vectorizer joins neighbors into 12 registers of 256 bits (plus 2 for B and 1 for the
 * broadcast: all 15 that V8 hands out) and doubles the speed; without it the accumulators spill and 6 x 8 is the faster one.
 * What the re-vectorizer asks for: accumulators that start as v128.const, loads and stores at neighboring offsets of one local.
 * Compiled without binaryen's optimizer, which reorders the chain and spills.
 */
import { mergeEdge } from './edge'

/**
 * C tile, 6 x 16 <- (add ? C : 0) + sum over p of a[r][p] b[p][v], the sum in order of p and rounded to C once.
 * a[r][p] lies at a + r aRow + p aStep, b[p] at b + p bStep, C row r at c + r ldc; all strides in bytes.
 */
function tile6x16(
  a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, ldc: usize, depth: i32, add: i32,
): void {
  let a0: usize = a, a1: usize = a0 + aRow, a2: usize = a1 + aRow, a3: usize = a2 + aRow, a4: usize = a3 + aRow, a5: usize = a4 + aRow
  let c00 = f32x4(0, 0, 0, 0), c01 = f32x4(0, 0, 0, 0), c02 = f32x4(0, 0, 0, 0), c03 = f32x4(0, 0, 0, 0)
  let c10 = f32x4(0, 0, 0, 0), c11 = f32x4(0, 0, 0, 0), c12 = f32x4(0, 0, 0, 0), c13 = f32x4(0, 0, 0, 0)
  let c20 = f32x4(0, 0, 0, 0), c21 = f32x4(0, 0, 0, 0), c22 = f32x4(0, 0, 0, 0), c23 = f32x4(0, 0, 0, 0)
  let c30 = f32x4(0, 0, 0, 0), c31 = f32x4(0, 0, 0, 0), c32 = f32x4(0, 0, 0, 0), c33 = f32x4(0, 0, 0, 0)
  let c40 = f32x4(0, 0, 0, 0), c41 = f32x4(0, 0, 0, 0), c42 = f32x4(0, 0, 0, 0), c43 = f32x4(0, 0, 0, 0)
  let c50 = f32x4(0, 0, 0, 0), c51 = f32x4(0, 0, 0, 0), c52 = f32x4(0, 0, 0, 0), c53 = f32x4(0, 0, 0, 0)
  for (let p: i32 = 0; p < depth; p++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    const x0 = v128.load32_splat(a0)
    c00 = f32x4.relaxed_madd(x0, b0, c00)
    c01 = f32x4.relaxed_madd(x0, b1, c01)
    c02 = f32x4.relaxed_madd(x0, b2, c02)
    c03 = f32x4.relaxed_madd(x0, b3, c03)
    const x1 = v128.load32_splat(a1)
    c10 = f32x4.relaxed_madd(x1, b0, c10)
    c11 = f32x4.relaxed_madd(x1, b1, c11)
    c12 = f32x4.relaxed_madd(x1, b2, c12)
    c13 = f32x4.relaxed_madd(x1, b3, c13)
    const x2 = v128.load32_splat(a2)
    c20 = f32x4.relaxed_madd(x2, b0, c20)
    c21 = f32x4.relaxed_madd(x2, b1, c21)
    c22 = f32x4.relaxed_madd(x2, b2, c22)
    c23 = f32x4.relaxed_madd(x2, b3, c23)
    const x3 = v128.load32_splat(a3)
    c30 = f32x4.relaxed_madd(x3, b0, c30)
    c31 = f32x4.relaxed_madd(x3, b1, c31)
    c32 = f32x4.relaxed_madd(x3, b2, c32)
    c33 = f32x4.relaxed_madd(x3, b3, c33)
    const x4 = v128.load32_splat(a4)
    c40 = f32x4.relaxed_madd(x4, b0, c40)
    c41 = f32x4.relaxed_madd(x4, b1, c41)
    c42 = f32x4.relaxed_madd(x4, b2, c42)
    c43 = f32x4.relaxed_madd(x4, b3, c43)
    const x5 = v128.load32_splat(a5)
    c50 = f32x4.relaxed_madd(x5, b0, c50)
    c51 = f32x4.relaxed_madd(x5, b1, c51)
    c52 = f32x4.relaxed_madd(x5, b2, c52)
    c53 = f32x4.relaxed_madd(x5, b3, c53)
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
    c00 = f32x4.add(c00, v128.load(r0))
    c01 = f32x4.add(c01, v128.load(r0, 16))
    c02 = f32x4.add(c02, v128.load(r0, 32))
    c03 = f32x4.add(c03, v128.load(r0, 48))
    c10 = f32x4.add(c10, v128.load(r1))
    c11 = f32x4.add(c11, v128.load(r1, 16))
    c12 = f32x4.add(c12, v128.load(r1, 32))
    c13 = f32x4.add(c13, v128.load(r1, 48))
    c20 = f32x4.add(c20, v128.load(r2))
    c21 = f32x4.add(c21, v128.load(r2, 16))
    c22 = f32x4.add(c22, v128.load(r2, 32))
    c23 = f32x4.add(c23, v128.load(r2, 48))
    c30 = f32x4.add(c30, v128.load(r3))
    c31 = f32x4.add(c31, v128.load(r3, 16))
    c32 = f32x4.add(c32, v128.load(r3, 32))
    c33 = f32x4.add(c33, v128.load(r3, 48))
    c40 = f32x4.add(c40, v128.load(r4))
    c41 = f32x4.add(c41, v128.load(r4, 16))
    c42 = f32x4.add(c42, v128.load(r4, 32))
    c43 = f32x4.add(c43, v128.load(r4, 48))
    c50 = f32x4.add(c50, v128.load(r5))
    c51 = f32x4.add(c51, v128.load(r5, 16))
    c52 = f32x4.add(c52, v128.load(r5, 32))
    c53 = f32x4.add(c53, v128.load(r5, 48))
  }
  v128.store(r0, c00)
  v128.store(r0, c01, 16)
  v128.store(r0, c02, 32)
  v128.store(r0, c03, 48)
  v128.store(r1, c10)
  v128.store(r1, c11, 16)
  v128.store(r1, c12, 32)
  v128.store(r1, c13, 48)
  v128.store(r2, c20)
  v128.store(r2, c21, 16)
  v128.store(r2, c22, 32)
  v128.store(r2, c23, 48)
  v128.store(r3, c30)
  v128.store(r3, c31, 16)
  v128.store(r3, c32, 32)
  v128.store(r3, c33, 48)
  v128.store(r4, c40)
  v128.store(r4, c41, 16)
  v128.store(r4, c42, 32)
  v128.store(r4, c43, 48)
  v128.store(r5, c50)
  v128.store(r5, c51, 16)
  v128.store(r5, c52, 32)
  v128.store(r5, c53, 48)
}

/**
 * C, rows x cols <- (add ? C : 0) + A B over one block of the inner dimension.
 * A: groups of 6 rows, aGroup bytes apart; inside a group as in tile6x16. Rows past the end are readable and ignored.
 * B: panels [depth][16] one after another, zero-padded. edge: 6 x 16 floats of scratch for the tiles that stick out of C.
 */
export function block6x16(
  a: usize, aGroup: usize, aRow: usize, aStep: usize, b: usize, c: usize, ldc: usize,
  rows: i32, cols: i32, depth: i32, add: i32, edge: usize,
): void {
  // Few columns: all of B stays in the first-level cache and A is read once. Many: one panel of B stays, and A is read from the second.
  const stripe: i32 = cols * depth <= 12288 ? cols : 16
  for (let j0: i32 = 0; j0 < cols; j0 += stripe) {
    for (let i: i32 = 0; i < rows; i += 6) {
      const ai: usize = a + (i / 6) * aGroup
      for (let j: i32 = j0; j < min(j0 + stripe, cols); j += 16) {
        const bj: usize = b + j * (depth << 2)
        const cij: usize = c + i * ldc + (j << 2)
        if (i + 6 <= rows && j + 16 <= cols) {
          tile6x16(ai, aRow, aStep, bj, 64, cij, ldc, depth, add)
        } else {
          tile6x16(ai, aRow, aStep, bj, 64, edge, 64, depth, 0)
          mergeEdge(edge, 64, cij, ldc, min(rows - i, 6), min(cols - j, 16), add)
        }
      }
    }
  }
}
