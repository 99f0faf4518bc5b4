/**
 * The f64 dense eigensolver and the Jacobi SVD: one thread leads (`symmetricEigen`, `jacobiSvd`), the others `help`, all on the same shared memory and
 * the same workspace: the crew's board, then `helperBytes` for each helper, then the leader's scratch.
 */
import { openArena } from './arena'
import { CREW_BYTES, help as helpCrew, lead } from './crew'
import { jacobiHelperBytes, jacobiSvdBytes, jacobiSvd as solveJacobi } from './jacobi'
import { helperBytes, symmetricEigen as solveEigen, symmetricEigenBytes } from './symmetric-eigen'
import { chooseTile } from './tile'

export { clearCrew, dismiss } from './crew'

export function eigenHelperBytes(n: i32): usize {
  return helperBytes(n)
}

/** Scratch of the leader and the board, in bytes: a number, since it may be more than an address holds. */
export function eigenLeaderBytes(n: i32, count: i32): f64 {
  return <f64>CREW_BYTES + symmetricEigenBytes(n, count) + 64
}

export function svdHelperBytes(count: i32, length: i32): usize {
  return helperBytes(count) + jacobiHelperBytes(count, length)
}

export function svdLeaderBytes(count: i32, length: i32): f64 {
  return <f64>CREW_BYTES + jacobiSvdBytes(count, length) + 64
}

/**
 * @param wide whether pairs of 128-bit steps are fused here (the re-vectorized tile)
 * @param workspace with a cleared board
 * @param status i32 <- 0 done, 1 cancelled, 2 an entry is not finite
 */
export function symmetricEigen(
  n: i32, g: usize, values: usize, vectors: usize, count: i32,
  workspace: usize, helperBytes: usize, threads: i32, wide: bool, status: usize,
): void {
  enter(workspace, helperBytes, threads, wide)
  store<i32>(status, solveEigen(n, g, values, vectors, count))
}

/** The same for the singular values of W (count x length); `j` may be 0. */
export function jacobiSvd(
  count: i32, length: i32, w: usize, values: usize, j: usize,
  workspace: usize, helperBytes: usize, threads: i32, wide: bool, status: usize,
): void {
  enter(workspace, helperBytes, threads, wide)
  store<i32>(status, solveJacobi(count, length, w, values, j))
}

function enter(workspace: usize, helperBytes: usize, threads: i32, wide: bool): void {
  chooseTile(wide)
  lead(workspace, threads)
  openArena(workspace + CREW_BYTES + <usize>(threads - 1) * helperBytes)
}

/** @param helper 0 .. threads - 2. Returns when the leader has dismissed the crew. */
export function help(helper: i32, workspace: usize, helperBytes: usize, wide: bool): void {
  chooseTile(wide)
  helpCrew(workspace, workspace + CREW_BYTES + <usize>helper * helperBytes)
}
