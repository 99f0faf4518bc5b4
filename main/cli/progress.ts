/** One line on a terminal that is drawn over again while a job runs; nothing at all where stderr is no terminal. */
import type { WriteStream } from 'node:tty'
import { type JobEvent, wholeJob } from '../../core/contract.ts'

const BAR_CELLS = 24
const CLEAR_LINE = '\r\u001b[K'

export interface ProgressLine {
  show(event: JobEvent): void
  clear(): void
}

/** Phases in the words of the terminal. */
const phaseNames: Readonly<Record<string, string>> = {
  read: 'reading',
  plan: 'checking values',
  analyze: 'analyzing',
  compress: 'compressing',
  verify: 'checking',
  sample: 'making',
}

export function progressLine(stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>): ProgressLine {
  let drawn = false
  let started = 0
  let phase = ''
  const draw = (line: string) => {
    stream.write(CLEAR_LINE + line.slice(0, (stream.columns || 80) - 1))
    drawn = true
  }
  return {
    show: (event) => {
      if (!stream.isTTY) return
      if (event.type === 'progress') {
        // A job that reads one matrix has nothing else to show meanwhile.
        if (!wholeJob(event) && phase !== '' && phase !== event.phase) return
        if (event.phase !== phase) started = performance.now()
        phase = event.phase
        draw(
          `${bar(event.done, event.total)}  ${remaining(event.done, event.total, started)}  ${phaseNames[phase] ?? phase} ${event.tensor ?? ''}`,
        )
      } else if (event.type === 'estimate') {
        const error = event.errorCurve.at(-1) ?? 0
        draw(`power iteration ${event.iteration} of ${event.iterations}  error ${(100 * error).toFixed(2)} %`)
      }
    },
    clear: () => {
      if (drawn) stream.write(CLEAR_LINE)
      drawn = false
    },
  }
}

export function bar(done: number, total: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const cells = Math.round(share * BAR_CELLS)
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${String(Math.round(100 * share)).padStart(3)} %`
}

/** By the time it took so far; nothing is said before a twentieth is done. */
function remaining(done: number, total: number, startedMs: number): string {
  if (done < total / 20 || done === 0) return '      '
  const seconds = ((performance.now() - startedMs) / 1000) * (total / done - 1)
  const minutes = Math.floor(seconds / 60)
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')} left`
}
