/** Answers that cross a port in another form than they have on either side of it, since as they are they would repeat themselves. */
import type { Message } from '../messages/message.ts'
import type { EngineApi } from './engine.ts'
import type { FileReport, TensorReport } from './files.ts'

/** Packed by the side that answers, unpacked by the one that asked. */
export interface Crossing<Answer> {
  pack(answer: Answer): unknown
  unpack(sent: unknown): Answer
}
/** Of the methods whose answers have one. Both sides are given the same. */
export type Crossings<Api> = {
  readonly [K in keyof Api]?: Api[K] extends (...args: never) => Promise<infer Answer> ? Crossing<Answer> : never
}

interface SentReport extends Omit<FileReport, 'tensors'> {
  /** With the place of the reason in `reasons`. */
  readonly tensors: readonly (Omit<TensorReport, 'reason'> & { readonly reason: number })[]
  readonly reasons: readonly Message[]
}

/** What is said of many tensors goes once: half of the bytes, at 10,000 of them. Reasons that are one object (describeFile shares them) stay one. */
const fileReport: Crossing<FileReport> = {
  pack({ tensors, ...report }): SentReport {
    const places = new Map<Message, number>()
    const sent = tensors.map((tensor) => {
      const place = places.get(tensor.reason) ?? places.size
      places.set(tensor.reason, place)
      return { ...tensor, reason: place }
    })
    return { ...report, tensors: sent, reasons: [...places.keys()] }
  },
  unpack(sent) {
    const { tensors, reasons, ...report } = sent as SentReport
    return { ...report, tensors: tensors.map((tensor) => ({ ...tensor, reason: reasons[tensor.reason]! })) }
  },
}

export const engineCrossings: Crossings<EngineApi> = { open: fileReport, openDifference: fileReport }
