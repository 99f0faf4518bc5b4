/** The two scales of a chart as plain arithmetic, so that a handle can be placed without asking the chart library. */

export interface Frame {
  readonly width: number
  readonly height: number
}

/** Space around the plot, in px; the rank grip lies in `top`, the y axis in `left`, the x axis with its title in `bottom`. */
export const margin = { left: 66, right: 20, top: 30, bottom: 44 } as const

export interface RankAxis {
  readonly first: number
  readonly last: number
}

export function plotWidth(frame: Frame): number {
  return Math.max(1, frame.width - margin.left - margin.right)
}
export function plotHeight(frame: Frame): number {
  return Math.max(1, frame.height - margin.top - margin.bottom)
}

/** Pixels from the left edge of the chart. */
export function xOfRank(rank: number, axis: RankAxis, frame: Frame): number {
  return margin.left + ((rank - axis.first) / (axis.last - axis.first)) * plotWidth(frame)
}

/** The nearest rank of the axis. */
export function rankOfX(x: number, axis: RankAxis, frame: Frame): number {
  const share = (x - margin.left) / plotWidth(frame)
  return Math.round(axis.first + Math.min(1, Math.max(0, share)) * (axis.last - axis.first))
}

/** Round steps (1, 2, 5 times a power of ten) that give about `count` ticks, inside [low, high]. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count)
  if (!(rough > 0) || !Number.isFinite(rough)) return [low]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step || 0)
  return ticks
}

/** Powers of ten inside [low, high], thinned to about `count`; with 2 and 5 times a power between them where there are few. */
export function logTicks(low: number, high: number, count: number): number[] {
  const from = Math.floor(Math.log10(low))
  const to = Math.ceil(Math.log10(high))
  const inside = (tick: number) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)
  const powers = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)).filter(inside)
  if (powers.length >= 3) return powers.filter((_, i) => i % Math.ceil(powers.length / count) === 0)
  const between = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)).flatMap((power) => [
    power,
    2 * power,
    5 * power,
  ])
  const ticks = between.filter(inside)
  return ticks.length >= 2 ? ticks : [low, high]
}
