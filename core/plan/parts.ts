/** One run split over several machines: part I of N writes a run of neighboring tensors, and merging the parts gives the bytes of one run. */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { quoted } from '../messages/text.ts'

export interface Part {
  /** 1 .. of. */
  readonly index: number
  readonly of: number
}

export const wholeRun: Part = { index: 1, of: 1 }

/** The items of one part: neighbors, about equal in weight, every item in exactly one part. */
export function partOf<T>(items: readonly T[], { index, of }: Part, weight: (item: T) => number): T[] {
  const total = items.reduce((sum, item) => sum + weight(item), 0)
  let before = 0
  return items.filter((item) => {
    const middle = before + weight(item) / 2
    before += weight(item)
    const part = total === 0 ? 1 : Math.min(of, Math.floor((middle / total) * of) + 1)
    return part === index
  })
}

/** `3/8`. @throws AppError `bad-request` */
export function parsePart(text: string): Part {
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []
  const part = { index: Number(index), of: Number(of) }
  if (!(part.index >= 1 && part.index <= part.of)) {
    throw new AppError('bad-request', say('request.part', { text: quoted(text) }))
  }
  return part
}
