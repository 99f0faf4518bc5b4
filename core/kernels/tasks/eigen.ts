/** The eigensolver and the Jacobi SVD as one task per thread: the thread that takes task 0 leads (assembly/eigen/crew.ts), the others help until it is done. */
import type { Eigen } from '../instance.ts'
import { tilesOf, type Worker } from '../task.ts'

/**
 * The first `count` eigenvectors of a symmetric matrix and all its eigenvalues.
 * @param index of this task; 0 leads
 * @param tile which of the compiled tiles, `wide` whether its products take the wide path
 * @param workspace address of the crew's memory, `helperBytes` of it for each helper
 * @param status address of the i32 result that the leader leaves
 * @param order of the matrix, whose f64 rows begin at `g` and are destroyed
 * @param values address of `order` f64, `vectors` of order x count f64
 */
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

/**
 * One-sided Jacobi on `count` rows of `length` f64 at `w`, which end as singular vectors: `values` gets their norms, `j` (count x count f64) the rotations.
 * The rest as for `eigen`.
 */
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
