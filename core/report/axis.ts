/** Axes as plain arithmetic: where a value lies, and which values are named. The page and pictures that leave it share them. */

export type Scale = 'linear' | 'log'

export interface Axis {
  readonly low: number
  readonly high: number
  readonly scale: Scale
}

/** 0 at the low end, 1 at the high one; beyond either outside of the axis. */
export function shareAt(value: number, { low, high, scale }: Axis): number {
  return scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
}

export function valueAt(share: number, { low, high, scale }: Axis): number {
  return scale === 'log' ? low * (high / low) ** share : low + (high - low) * share
}

export interface Tick {
  readonly at: number
  /** A small tick has no label. */
  readonly small: boolean
}

/** Ticks of an axis, about `count` of them with a label. */
export function ticksOf({ low, high, scale }: Axis, count: number): Tick[] {
  if (scale === 'log') return logTicks(low, high, count)
  return niceTicks(low, high, count).map((at) => ({ at, small: false }))
}

/** Round steps (1, 2, 5 times a power of ten) that give about `count` ticks, inside [low, high]. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count)
  if (!(rough > 0) || !Number.isFinite(rough)) return [low]
  const step = niceStep(rough)
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step || 0)
  return ticks
}

/** The least of 1, 2, 5 times a power of ten that is not below `rough`. */
export function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power
}

/**
 * Decades with a label and 2 to 9 times each as small ticks. Many decades are thinned, and those without a label are the small ticks;
 * where fewer than two lie inside, 2 and 5 times a power have labels too, and within less than that the steps of a linear axis.
 */
function logTicks(low: number, high: number, count: number): Tick[] {
  const from = Math.floor(Math.log10(low))
  const to = Math.ceil(Math.log10(high))
  const inside = (at: number) => at >= low * (1 - 1e-9) && at <= high * (1 + 1e-9)
  const powers = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const decades = powers.filter((power) => inside(10 ** power))
  const every = Math.ceil(decades.length / Math.max(1, count))
  if (every > 1) return decades.map((power) => ({ at: 10 ** power, small: power % every !== 0 }))
  const named: readonly number[] = decades.length >= 2 ? [1] : [1, 2, 5]
  const ticks = powers
    .flatMap((power) => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((factor) => ({ factor, at: factor * 10 ** power })))
    .filter(({ at }) => inside(at))
    .map(({ factor, at }) => ({ at, small: !named.includes(factor) }))
  if (ticks.filter(({ small }) => !small).length >= 2) return ticks
  return niceTicks(low, high, count).map((at) => ({ at, small: false }))
}

/** Where an axis of errors ends: an error is 1 at most; a small one has an axis of its own. */
export function niceTop(error: number): number {
  const step = niceStep(Math.max(error, 1e-9) / 4)
  return Math.min(1, Math.ceil(error / step) * step)
}
