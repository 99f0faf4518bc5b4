/**
 * How many runs are under way at once. Each has a process of its own with a thread for every core and memory for its matrices, so more of them
 * finish no sooner; the next waits for its turn, first come, first served.
 */
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'

/** With 8 cores 36 threads, and about 500 MB besides the matrices. */
export const runsAtOnce = 4
/** Runs that have not ended, those that wait included: a list longer than anybody looks through is a mistake or an attack. */
const maxRuns = 64

export interface Turn {
  /** Whether others go first. */
  readonly waits: boolean
  /** Resolves when it is this one's turn. @throws AppError `cancelled` where it left before */
  readonly come: Promise<void>
  /** It has ended, or does not want to begin any more. Called twice it does nothing. */
  leave(): void
}

/** @returns takes a turn. @throws AppError `over-limit` */
export function createTurns(atOnce = runsAtOnce, most = maxRuns): () => Turn {
  let going = 0
  const queue: (() => void)[] = []

  const next = () => {
    while (going < atOnce && queue.length > 0) {
      going++
      queue.shift()!()
    }
  }
  return () => {
    if (going + queue.length >= most) throw new AppError('over-limit', say('runs.too-many', { most }))
    let state: 'waiting' | 'going' | 'left' = 'waiting'
    let refuse = (_: Error) => {}
    let begin = () => {}
    const come = new Promise<void>((resolve, reject) => {
      refuse = reject
      begin = () => {
        state = 'going'
        resolve()
      }
    })
    // Nobody may be waiting for it when it is left.
    come.catch(() => {})
    queue.push(begin)
    next()
    return {
      get waits() {
        return state === 'waiting'
      },
      come,
      leave() {
        const before = state
        state = 'left'
        if (before === 'going') going--
        if (before === 'waiting') {
          queue.splice(queue.indexOf(begin), 1)
          refuse(new AppError('cancelled', say('job.cancelled')))
        }
        next()
      },
    }
  }
}
