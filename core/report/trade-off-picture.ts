/** Size against error of a run, for its report: the plan's error at every size, as its analysis knew it, and where the run came out. */
import type { CompressionReport } from '../contract.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import type { Numbers } from '../messages/numbers.ts'
import { niceTop } from './axis.ts'
import type { ChartPicture } from './chart-picture.ts'

interface Made {
  readonly text: (said: Message) => string
  readonly numbers: Numbers
  /** File name of what was compressed. */
  readonly source: string
}

/** null where no goal had other sizes looked at. */
export function tradeOffPicture(
  { plansBySize, bytesBefore, bytesAfter, relativeError }: CompressionReport,
  { text, numbers, source }: Made,
): ChartPicture | null {
  if (!plansBySize) return null
  const points = plansBySize.map(([bytes, error]) => [bytes / Math.max(1, bytesBefore), error] as const)
  const most = points.reduce((found, [, error]) => Math.max(found, error), relativeError)
  return {
    title: text(say('report.trade-off')),
    facts: [source],
    x: { low: 0, high: 1, scale: 'linear', title: text(say('axis.size')), tick: numbers.tickPercent },
    y: {
      low: 0,
      high: niceTop(most),
      scale: 'linear',
      title: text(say('axis.model-error')),
      tick: numbers.tickPercent,
    },
    lines: [{ role: 'randomized', name: text(say('report.error-at-size')), points }],
    marks: [],
    dots: [
      {
        x: bytesAfter / Math.max(1, bytesBefore),
        y: relativeError,
        name: `${numbers.bytes(bytesAfter)}, ${numbers.percent(relativeError)}`,
      },
    ],
  }
}
