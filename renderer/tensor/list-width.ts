/** How wide the list of tensors is, in CSS px: the last choice holds for this browser. */
import { create } from 'zustand'

export const listWidths = { least: 220, most: 640, usual: 288 } as const

const key = 'ghostsvd.list-width'
const within = (width: number) => Math.round(Math.min(listWidths.most, Math.max(listWidths.least, width)))

function remembered(): number {
  const stored = Number(localStorage.getItem(key) ?? Number.NaN)
  return Number.isFinite(stored) ? within(stored) : listWidths.usual
}

export const useListWidth = create<{ readonly width: number }>(() => ({ width: remembered() }))

export const listWidthReducers = {
  /** What does not fit is the nearest that does. */
  set(width: number) {
    useListWidth.setState({ width: within(width) })
    localStorage.setItem(key, String(within(width)))
  },
}
