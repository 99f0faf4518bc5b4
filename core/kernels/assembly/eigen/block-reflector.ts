/** Blocks of reflections H(0) H(1) ... H(width - 1) = I - V T Vt (Schreiber and Van Loan 1989; LAPACK dlarft), with the vectors as rows of Vt. */
import { free, mark, take } from './arena'
import { gemm, UPPER } from './gemm'
import { clearMatrix } from './layout'
import { at, put } from './vector'

/** Bytes that `triangle` takes beside its GEMM. */
export function triangleBytes(width: i32): usize {
  return <usize>width * <usize>(width + 2) * 8 + 256
}

/** T, width x width upper triangular with zeros below. @param v width x m, vRow bytes apart, entries left of the diagonal 0. @returns false once cancelled */
export function triangle(width: i32, m: i32, v: usize, vRow: usize, tau: usize, t: usize): bool {
  const before = mark()
  const row = <usize>width << 3
  const products = take(row * <usize>width)
  let going = clearMatrix(width, width, products, row) && clearMatrix(width, width, t, row)
  going = going && gemm(width, width, m, 1, v, vRow, 8, v, 8, vRow, products, row, UPPER)
  // T(0..j, j) = -tau[j] T(0..j, 0..j) (Vt v_j)
  for (let j = 0; j < width && going; j++) {
    const factor = at(tau, j)
    for (let i = 0; i < j; i++) {
      let sum: f64 = 0
      for (let p = i; p < j; p++) sum += at(t + <usize>i * row, p) * at(products + <usize>p * row, j)
      put(t + <usize>i * row, j, -factor * sum)
    }
    put(t + <usize>j * row, j, factor)
  }
  free(before)
  return going
}
