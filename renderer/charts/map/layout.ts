/** Sizes of the map in px, from what it has to show and the room there is: cells take the room, down to where they can still be pointed at. */
import type { ModelMap } from '../../../core/model-map.ts'
import type { MapPlace } from './moves.ts'

export interface MapLayout {
  /** Of the column of layers and the row of roles. */
  readonly left: number
  readonly top: number
  readonly cellWidth: number
  readonly cellHeight: number
  /** Between cells. */
  readonly gap: number
  /** Whether a number fits into a cell. */
  readonly numbers: boolean
  /** Whether the roles stand upright, because they are wider than their columns. */
  readonly upright: boolean
  /** Of all cells with the labels; more than the room where even the smallest do not fit. */
  readonly width: number
  readonly height: number
}

export interface Room {
  readonly width: number
  readonly height: number
}

const character = 6.8
const padding = 18
const [narrowest, widest] = [5, 160]
const [lowest, highest] = [6, 40]
const [widthForNumbers, heightForNumbers] = [46, 15]
const labelHeight = 28
const longestUpright = 150
/** Of browsers whose bars take room: 15 to 17 px. */
const scrollbar = 17

const longest = (labels: readonly string[]) => labels.reduce((most, label) => Math.max(most, label.length), 0)
const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value))

type Shape = Pick<ModelMap<unknown>, 'layers' | 'roles' | 'bands'>

/** Where one way has to scroll, its bar takes room of the other. */
export function mapLayout(map: Shape, room: Room): MapLayout {
  const first = layoutIn(map, room)
  return layoutIn(map, {
    width: first.height > room.height ? room.width - scrollbar : room.width,
    height: first.width > room.width ? room.height - scrollbar : room.height,
  })
}

function layoutIn({ layers, roles, bands }: Shape, room: Room): MapLayout {
  const banded = bands.reduce((sum, { count }) => sum + count, 0)
  const left = Math.round(clamp(longest(layers.map(({ label }) => label)) * character + padding, 44, room.width * 0.35))
  const cellWidth = clamp(Math.floor((room.width - left - 2) / Math.max(1, roles.length)), narrowest, widest)
  const alone =
    bands.length === 0
      ? roles
      : roles.filter((_, i) => !bands.some(({ first, count }) => i >= first && i < first + count))
  const role = longest(alone.map(({ label }) => label)) * character
  const upright = roles.length > banded && role + 4 > cellWidth
  const top = upright ? Math.round(Math.min(role + padding, longestUpright)) : labelHeight
  const cellHeight = clamp(Math.floor((room.height - top - 2) / Math.max(1, layers.length)), lowest, highest)
  return {
    left,
    top,
    cellWidth,
    cellHeight,
    upright,
    gap: cellWidth > 12 && cellHeight > 10 ? 2 : 1,
    numbers: cellWidth >= widthForNumbers && cellHeight >= heightForNumbers,
    width: left + cellWidth * roles.length + 2,
    height: top + cellHeight * layers.length + 2,
  }
}

/** The place at a point of the whole map, labels included; null on a label or beside the cells. */
export function placeAt(x: number, y: number, layout: MapLayout): MapPlace | null {
  if (x < layout.left || y < layout.top || x >= layout.width - 2 || y >= layout.height - 2) return null
  return {
    layer: Math.floor((y - layout.top) / layout.cellHeight),
    role: Math.floor((x - layout.left) / layout.cellWidth),
  }
}
