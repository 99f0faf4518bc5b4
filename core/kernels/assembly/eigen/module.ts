/** The f64 dense eigensolver: one thread calls `symmetricEigen`, the others `help`, all on the same shared memory and the same workspace. */
import { openArena } from './arena'
import { CREW_BYTES, help as helpCrew, lead } from './crew'
import { helperBytes, symmetricEigen as solve, symmetricEigenBytes } from './symmetric-eigen'
import { chooseTile } from './tile'

export { clearCrew, dismiss } from './crew'

/** Bytes of workspace: the crew's board, then one scratch per helper, then the leader's. */
export function eigenWorkspaceBytes(n: i32, count: i32, threads: i32): f64 {
  return <f64>CREW_BYTES + <f64>(threads - 1) * <f64>helperBytes(n) + symmetricEigenBytes(n, count) + 64
}

/**
 * @param wide whether pairs of 128-bit steps are fused here (the re-vectorized tile)
 * @param workspace eigenWorkspaceBytes(n, count, threads), its board cleared
 * @param status i32 <- 0 done, 1 cancelled, 2 an entry is not finite
 */
export function symmetricEigen(
  n: i32, g: usize, values: usize, vectors: usize, count: i32, workspace: usize, threads: i32, wide: bool, status: usize,
): void {
  chooseTile(wide)
  lead(workspace, threads)
  openArena(workspace + CREW_BYTES + <usize>(threads - 1) * helperBytes(n))
  store<i32>(status, solve(n, g, values, vectors, count))
}

/** @param helper 0 .. threads - 2. Returns when the leader has dismissed the crew. */
export function help(n: i32, helper: i32, workspace: usize, wide: bool): void {
  chooseTile(wide)
  helpCrew(workspace, workspace + CREW_BYTES + <usize>helper * helperBytes(n))
}
