/** The two scales of a chart in px, so that a handle can be placed without asking the chart library. */
import { type Axis, type Scale, shareAt, valueAt } from '../../../core/report/axis.ts'

export interface Frame {
  readonly width: number
  readonly height: number
}

/** Space around the plot, in px; the rank grip lies in `top`, the y axis in `left`, the x axis with its title in `bottom`. */
export const margin = { left: 66, right: 20, top: 30, bottom: 44 } as const

export interface RankAxis {
  readonly first: number
  readonly last: number
  /** A logarithmic one begins at 1. */
  readonly scale?: Scale
}

function plotWidth(frame: Frame): number {
  return Math.max(1, frame.width - margin.left - margin.right)
}
export function plotHeight(frame: Frame): number {
  return Math.max(1, frame.height - margin.top - margin.bottom)
}

/** Pixels from the left edge of the chart. */
export function xOfRank(rank: number, axis: RankAxis, frame: Frame): number {
  return margin.left + shareAt(rank, axisOf(axis)) * plotWidth(frame)
}

/** The nearest rank of the axis. */
export function rankOfX(x: number, axis: RankAxis, frame: Frame): number {
  const share = (x - margin.left) / plotWidth(frame)
  return Math.round(valueAt(Math.min(1, Math.max(0, share)), axisOf(axis)))
}

export function axisOf({ first, last, scale = 'linear' }: RankAxis): Axis {
  return { low: first, high: last, scale }
}
