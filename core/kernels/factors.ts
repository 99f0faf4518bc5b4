/** The host's side of factors on their way out: signs and rounding on the team (tasks/factors.ts). */
import type { Kernels } from './kernels.ts'
import type { StackMemory } from './memory.ts'
import { tieMargin } from './sign-rule.ts'
import { dtypeNumber } from './task.ts'
import { ROUND_COLUMNS, ROUND_ROWS, SIGN_COLUMNS } from './tasks/factors.ts'
import type { Team } from './team.ts'

export function factorPasses(team: Team, memory: StackMemory): Pick<Kernels, 'fixSigns' | 'roundScaled'> {
  const { addressOf } = memory
  return {
    fixSigns(U, Vt) {
      const mark = memory.mark()
      try {
        const tasks = Math.ceil(U.cols / SIGN_COLUMNS)
        const flips = memory.allocate(4 * SIGN_COLUMNS * tasks)
        const [u, vt] = [addressOf(U.data), addressOf(Vt.data)]
        team.run('fixSigns', tasks, u, U.rows, U.cols, vt, Vt.cols, tieMargin, flips)
      } finally {
        memory.release(mark)
      }
    },
    roundScaled({ rows, cols, data }, side, scales, dtype, codes, stored) {
      const mark = memory.mark()
      try {
        const byRows = side === 'rows'
        const count = byRows ? rows : cols
        const tasks = Math.ceil(count / (byRows ? ROUND_ROWS : ROUND_COLUMNS))
        const own = memory.allocate(8 * count)
        new Float64Array(memory.buffer(), own, count).set(scales)
        const sums = memory.allocate(16 * count + 4 * tasks)
        const beyond = new Int32Array(memory.buffer(), sums + 16 * count, tasks).fill(0)
        const [m, c, s] = [addressOf(data), addressOf(codes), addressOf(stored.data)]
        team.run('roundScaled', tasks, m, rows, cols, byRows ? 1 : 0, own, dtypeNumber(dtype), c, s, sums)
        return {
          whole: new Float64Array(memory.buffer(), sums, count).slice(),
          off: new Float64Array(memory.buffer(), sums + 8 * count, count).slice(),
          overflows: beyond.reduce((sum, each) => sum + each, 0),
        }
      } finally {
        memory.release(mark)
      }
    },
  }
}
