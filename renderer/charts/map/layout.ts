/** Sizes of the map in px, from what it has to show and the room there is. */
import type { TensorReport } from '../../../core/contract.ts'
import type { ModelMap } from '../../../core/model-map.ts'

export interface MapLayout {
  /** Of the column of layers and the row of roles. */
  readonly left: number
  readonly top: number
  readonly cellWidth: number
  /** Whether a percentage fits into a cell. */
  readonly numbers: boolean
  /** Whether the roles stand upright, because they are wider than their columns. */
  readonly upright: boolean
}

export const cellHeight = 24
/** Between cells. */
export const gap = 2

const character = 6.8
const padding = 22
const narrowest = 26
const widest = 84
const widthForNumbers = 46
const scrollbar = 14

const longest = (labels: readonly string[]) => labels.reduce((most, label) => Math.max(most, label.length), 0)

export function mapLayout({ layers, roles }: ModelMap<TensorReport>, width: number): MapLayout {
  const left = Math.round(clamp(longest(layers.map(({ label }) => label)) * character + padding, 56, width * 0.35))
  const cellWidth = Math.floor(clamp((width - left - scrollbar) / Math.max(1, roles.length), narrowest, widest))
  const role = longest(roles.map(({ label }) => label)) * character
  const upright = role + gap > cellWidth
  return {
    left,
    top: upright ? Math.round(Math.min(role + padding, 170)) : 28,
    cellWidth,
    numbers: cellWidth >= widthForNumbers,
    upright,
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}
