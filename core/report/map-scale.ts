/** Errors as steps of one color ramp: nine are told apart at a glance, also by the color-blind, since each is darker than the one before. */
import { niceStep } from './axis.ts'
import { mapSteps as steps } from './palette.ts'

export interface MapScale {
  readonly low: number
  readonly high: number
}

const wholeScale: MapScale = { low: 0, high: 1 }

/** Errors closer together than this are the rounding of F32 factors, and have one color. */
const leastSpan = 1e-5
/** A scale spans this share of its largest value at least: 11 % beside 9 % is no disaster, and does not look like one. */
const leastShare = 0.5

/** Round ends around the values there are, so that differences show; a whole range where there are none. @param limit no value is larger */
export function fittedScale(values: readonly number[], limit = 1): MapScale {
  if (values.length === 0) return wholeScale
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  const span = Math.max(most - least, most * leastShare, leastSpan)
  const unit = niceStep(span / 4)
  const high = Math.max(Math.ceil(most / unit - 1e-9) * unit, Math.round(leastSpan / unit) * unit)
  const low = Math.max(0, Math.floor(Math.min(least, high - span) / unit + 1e-9) * unit)
  return { low, high: Math.min(limit, high) }
}

/** 0..8; what lies beyond the scale takes its last step. */
export function stepOf(error: number, { low, high }: MapScale): number {
  return Math.max(0, Math.min(steps - 1, Math.floor(((error - low) / (high - low)) * steps)))
}
