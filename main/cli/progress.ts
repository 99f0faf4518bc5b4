/** One line on a terminal that is drawn over again while a job runs; nothing at all where stderr is no terminal. */
import type { WriteStream } from 'node:tty'
import { afterEvent, queuedJob } from '../../core/client/job-view.ts'
import { Pace } from '../../core/client/time-left.ts'
import type { JobEvent } from '../../core/contract.ts'
import { inEnglish } from '../../core/messages/english.ts'
import { phaseWords } from '../../core/phases.ts'
import { countdown, percent, safe } from './print.ts'

const BAR_CELLS = 24
const CLEAR_LINE = '\r\u001b[K'

export interface ProgressLine {
  show(event: JobEvent): void
  clear(): void
}

export function progressLine(stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>): ProgressLine {
  let drawn = false
  let pace = begun()
  let view = queuedJob
  const draw = (line: string) => {
    stream.write(CLEAR_LINE + line.slice(0, (stream.columns || 80) - 1))
    drawn = true
  }
  return {
    show: (event) => {
      if (!stream.isTTY) return
      const before = view.progress
      view = event.type === 'started' ? queuedJob : afterEvent(view, event)
      const { progress, estimate } = view
      if (event.type === 'progress' && progress?.phase === event.phase) {
        const { phase, tensor, done, total } = progress
        if (phase !== before?.phase) pace = begun()
        pace.moved(shareOf(done, total), performance.now())
        draw(`${bar(done, total)}  ${remaining(pace)}  ${inEnglish(phaseWords(phase))} ${safe(tensor ?? '')}`)
      } else if (event.type === 'estimate' && estimate) {
        const error = estimate.errorCurve.at(-1) ?? 0
        draw(`power iteration ${estimate.iteration} of ${estimate.iterations}  error ${percent(error)}`)
      }
    },
    clear: () => {
      if (drawn) stream.write(CLEAR_LINE)
      drawn = false
    },
  }
}

export function bar(done: number, total: number): string {
  const share = shareOf(done, total)
  const cells = Math.round(share * BAR_CELLS)
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${String(Math.round(100 * share)).padStart(3)} %`
}

/** A phase begins with nothing done. */
function begun(): Pace {
  const pace = new Pace()
  pace.moved(0, performance.now())
  return pace
}

const shareOf = (done: number, total: number) => (total > 0 ? Math.min(1, done / total) : 0)

function remaining(pace: Pace): string {
  const left = pace.left(performance.now())
  return left === null ? '' : `${countdown(Math.max(0, left))} left`
}
