/** The eigensolver and the Jacobi SVD as one task per thread: the thread that takes task 0 leads (assembly/eigen/crew.ts), the others help until it is done. */
import type { Eigen } from '../instance.ts'
import { tilesOf, type Worker } from '../task.ts'

/** @param status where the leader leaves the i32 result */
export function eigen(
  index: number,
  worker: Worker,
  tile: number,
  wide: number,
  threads: number,
  workspace: number,
  helperBytes: number,
  status: number,
  order: number,
  g: number,
  values: number,
  vectors: number,
  count: number,
): void {
  leadOrHelp(index, tilesOf(worker, tile).eigen, workspace, helperBytes, wide, (module) =>
    module.symmetricEigen(order, g, values, vectors, count, workspace, helperBytes, threads, wide, status),
  )
}

export function jacobi(
  index: number,
  worker: Worker,
  tile: number,
  wide: number,
  threads: number,
  workspace: number,
  helperBytes: number,
  status: number,
  count: number,
  length: number,
  w: number,
  values: number,
  j: number,
): void {
  leadOrHelp(index, tilesOf(worker, tile).eigen, workspace, helperBytes, wide, (module) =>
    module.jacobiSvd(count, length, w, values, j, workspace, helperBytes, threads, wide, status),
  )
}

function leadOrHelp(
  index: number,
  module: Eigen,
  workspace: number,
  helperBytes: number,
  wide: number,
  lead: (module: Eigen) => void,
): void {
  if (index > 0) {
    module.help(index - 1, workspace, helperBytes, wide)
    return
  }
  try {
    lead(module)
  } finally {
    // Also after a trap: the helpers wait for nothing else.
    module.dismiss()
  }
}
