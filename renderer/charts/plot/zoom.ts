/** How far the rank axis goes. It keeps its place: a rank that moves inside it moves nothing else. */
import { useState } from 'react'
import { niceStep } from '../../../core/report/axis.ts'
import { useChartChoices, type Zoom } from '../choices.ts'

export interface Reach {
  /** The tensor that the axis belongs to: another one gets an axis of its own. */
  readonly of: string
  readonly breakEven: number
  readonly smallest: number
}

/** A rank nearer to the left end than this share of the axis is too near to be seen: another tensor then gets an axis of its own. */
const tooNear = 1 / 12

/** Last rank on the axis. Around the rank: about three times as far, to a round number. */
export function lastRank(zoom: Zoom, rank: number, { breakEven, smallest }: Omit<Reach, 'of'>): number {
  const wanted = { around: roundUp(3 * rank), breakEven: Math.ceil(breakEven * 1.1), full: smallest }[zoom]
  return Math.max(2, Math.min(smallest, Math.max(wanted, rank)))
}

interface Place {
  readonly zoom: Zoom
  readonly reach: Reach
  readonly last: number
}

/** The axis as it stands, or the one that takes its place. */
export function axisAfter(before: Place | null, zoom: Zoom, rank: number, reach: Reach): Place {
  const same = before?.zoom === zoom && before.reach.smallest === reach.smallest
  const held =
    before !== null &&
    same &&
    zoom === 'around' &&
    rank <= before.last &&
    (before.reach.of === reach.of || rank >= before.last * tooNear)
  const last = held ? before.last : lastRank(zoom, rank, reach)
  return before && same && last === before.last && before.reach.of === reach.of ? before : { zoom, reach, last }
}

export function useLastRank(rank: number, reach: Reach): number {
  const zoom = useChartChoices((state) => state.zoom)
  const [place, setPlace] = useState(() => axisAfter(null, zoom, rank, reach))
  const next = axisAfter(place, zoom, rank, reach)
  // Derived from the place before: React renders once more, before anything is drawn.
  if (next !== place) setPlace(next)
  return next.last
}

/** Two digits. */
function roundUp(value: number): number {
  const step = niceStep(value / 10)
  return Math.ceil(value / step) * step
}
