/** The host's side of the eigensolver in assembly/eigen: workspace, threads, and what its status means. */
import type { TileName } from './instance.ts'
import type { Kernels } from './kernels.ts'
import type { StackMemory } from './memory.ts'
import { tileNumber, tilesOf, type Worker } from './task.ts'
import type { Team } from './team.ts'

const STATUS_BYTES = 64
const NOT_FINITE = 2
/** Below this order a second thread costs more than it brings (measured: 96 is even). */
const ALONE_BELOW = 96

export function eigensolver(
  team: Team,
  memory: StackMemory,
  leader: Worker,
  tileName: TileName,
): Kernels['symmetricEigen'] {
  const tile = tileNumber(tileName)
  const wide = tileName === 'revectorized' ? 1 : 0
  const { eigenWorkspaceBytes, clearCrew } = tilesOf(leader, tile).eigen
  return (G, order, values, vectors, count = order) => {
    const mark = memory.mark()
    try {
      const threads = order < ALONE_BELOW ? 1 : team.threads
      const leading = vectors ? count : 0
      const status = memory.allocate(STATUS_BYTES)
      const workspace = memory.allocate(eigenWorkspaceBytes(order, leading, threads))
      clearCrew(workspace)
      const [g, v] = [memory.addressOf(G), memory.addressOf(values)]
      const w = vectors ? memory.addressOf(vectors) : 0
      team.run('eigen', threads, tile, wide, order, g, v, w, leading, workspace, threads, status)
      if (new Int32Array(memory.buffer(), status, 1)[0] === NOT_FINITE)
        throw new RangeError(`symmetricEigen: expected finite entries, order ${order}`)
    } finally {
      memory.release(mark)
    }
  }
}
