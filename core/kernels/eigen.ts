/** The host's side of the dense solvers in assembly/eigen: workspace, threads, and what their status means. */
import type { TileName } from './instance.ts'
import type { Kernels } from './kernels.ts'
import type { StackMemory } from './memory.ts'
import { tileNumber, tilesOf, type Worker } from './task.ts'
import type { Team } from './team.ts'

const STATUS_BYTES = 64
const DONE = 0
const NOT_FINITE = 2
/** Below this order a second thread costs more than it brings (measured: 96 is even). */
const ALONE_BELOW = 96

export function denseSolvers(
  team: Team,
  memory: StackMemory,
  leader: Worker,
  tileName: TileName,
): Pick<Kernels, 'symmetricEigen' | 'jacobiSvd'> {
  const tile = tileNumber(tileName)
  const wide = tileName === 'revectorized' ? 1 : 0
  const { addressOf } = memory
  const module = tilesOf(leader, tile).eigen

  function solve(
    task: 'eigen' | 'jacobi',
    order: number,
    bytes: { helper: number; leader: number },
    operands: [number, number, number, number, number],
  ): void {
    const mark = memory.mark()
    try {
      const threads = order < ALONE_BELOW ? 1 : team.threads
      const status = memory.allocate(STATUS_BYTES)
      const workspace = memory.allocate((threads - 1) * bytes.helper + bytes.leader)
      module.clearCrew(workspace)
      team.run(task, threads, tile, wide, threads, workspace, bytes.helper, status, ...operands)
      const result = new Int32Array(memory.buffer(), status, 1)[0]
      if (result === NOT_FINITE) throw new RangeError(`${task}: expected finite entries, order ${order}`)
      // A cancel and a death have thrown above.
      if (result !== DONE) throw new Error(`${task}: did not converge, order ${order}`)
    } finally {
      memory.release(mark)
    }
  }

  return {
    symmetricEigen(G, order, values, vectors, count = order) {
      const leading = vectors ? count : 0
      const bytes = { helper: module.eigenHelperBytes(order), leader: module.eigenLeaderBytes(order, leading) }
      const to = vectors ? addressOf(vectors) : 0
      solve('eigen', order, bytes, [order, addressOf(G), addressOf(values), to, leading])
    },
    jacobiSvd(W, count, length, values, J) {
      const bytes = { helper: module.svdHelperBytes(count, length), leader: module.svdLeaderBytes(count, length) }
      solve('jacobi', count, bytes, [count, length, addressOf(W), addressOf(values), J ? addressOf(J) : 0])
    },
  }
}
