/** The eigensolver as one task per thread: whoever takes task 0 leads (assembly/eigen/crew.ts), the others help until it is done. */
import { tilesOf, type Worker } from '../task.ts'

/** @param status where the leader leaves the i32 result of `symmetricEigen` */
export function eigen(
  index: number,
  worker: Worker,
  tile: number,
  wide: number,
  order: number,
  g: number,
  values: number,
  vectors: number,
  count: number,
  workspace: number,
  threads: number,
  status: number,
): void {
  const module = tilesOf(worker, tile).eigen
  if (index > 0) {
    module.help(order, index - 1, workspace, wide)
    return
  }
  try {
    module.symmetricEigen(order, g, values, vectors, count, workspace, threads, wide, status)
  } finally {
    // Also after a trap: the helpers wait for nothing else.
    module.dismiss()
  }
}
