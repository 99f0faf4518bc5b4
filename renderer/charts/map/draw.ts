/** Draws what is in view of the map on a canvas: ten thousand cells in one frame. */
import type { ModelMap } from '../../../core/model-map.ts'
import type { CellLook } from '../../../core/report/map-picture.ts'
import { mapInk, mapToken, type Token } from '../../../core/report/palette.ts'
import type { MapLayout, Room } from './layout.ts'
import type { MapPlace } from './moves.ts'

/** How a cell looks, and its number. */
export interface MapCell {
  readonly look: CellLook
  readonly text: string
  /** By a corner: it has no statistics where others have. */
  readonly marked?: boolean
}

export interface MapView<T> {
  readonly map: ModelMap<T>
  readonly layout: MapLayout
  readonly cellOf: (tensor: T) => MapCell
  readonly selected: MapPlace | null
  /** Where the keyboard is, while it is in the map. */
  readonly focused: MapPlace | null
  readonly scroll: { readonly x: number; readonly y: number }
  readonly room: Room
}

/** In px. */
const cornerSize = 7

const font = (size: number) => `${size}px system-ui, sans-serif`

export function drawMap<T>(canvas: HTMLCanvasElement, view: MapView<T>): void {
  const { map, layout, cellOf, selected, focused, scroll, room } = view
  const density = window.devicePixelRatio
  canvas.width = Math.round(room.width * density)
  canvas.height = Math.round(room.height * density)
  const context = canvas.getContext('2d')
  if (!context) return
  const color = colors()
  context.scale(density, density)
  context.clearRect(0, 0, room.width, room.height)
  const { left, top, cellWidth, cellHeight, gap } = layout
  const xOf = (role: number) => left + role * cellWidth - scroll.x
  const yOf = (layer: number) => top + layer * cellHeight - scroll.y
  const firstRow = Math.max(0, Math.floor(scroll.y / cellHeight))
  const lastRow = Math.min(map.layers.length - 1, Math.ceil((scroll.y + room.height - top) / cellHeight))
  const [width, height] = [cellWidth - gap, cellHeight - gap]

  context.save()
  context.beginPath()
  // The edge of what is marked lies around its cell.
  context.rect(left - 2, top - 2, room.width - left + 2, room.height - top + 2)
  context.clip()
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.font = font(11)
  for (let layer = firstRow; layer <= lastRow; layer++) {
    for (const [role, tensor] of map.layers[layer]!.tensors) {
      const x = xOf(role)
      if (x > room.width || x + width < left) continue
      const { look, text, marked } = cellOf(tensor)
      const y = yOf(layer)
      if (look === 'unknown') {
        context.strokeStyle = color('line-control')
        context.setLineDash([2, 2])
        context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1)
        context.setLineDash([])
        continue
      }
      context.fillStyle = look === 'kept' ? color('sunken') : color(mapToken(look))
      context.fillRect(x, y, width, height)
      if (marked) corner(context, x + width, y, color(look === 'kept' ? 'text-2' : mapInk(look)))
      if (!layout.numbers || text === '' || look === 'kept') continue
      context.fillStyle = color(mapInk(look))
      context.fillText(text, x + width / 2, y + height / 2 + 0.5)
    }
  }
  for (const [place, token, line] of [
    [selected, 'text', 2],
    [focused, 'series-limit', 3],
  ] as const) {
    if (!place) continue
    context.strokeStyle = color(token)
    context.lineWidth = line
    context.strokeRect(xOf(place.role) - 1, yOf(place.layer) - 1, width + 2, height + 2)
  }
  context.restore()
  labels(context, view, color)
}

/** In the upper right. */
function corner(context: CanvasRenderingContext2D, right: number, y: number, color: string): void {
  context.fillStyle = color
  context.beginPath()
  context.moveTo(right - cornerSize, y)
  context.lineTo(right, y)
  context.lineTo(right, y + cornerSize)
  context.fill()
}

/** Layers beside their rows, roles above their columns; where there is no room for each, as many as there is room for. */
function labels<T>(
  context: CanvasRenderingContext2D,
  view: MapView<T>,
  color: (token: Token | 'line-control') => string,
): void {
  const { map, layout, scroll, room } = view
  const { left, top, cellWidth, cellHeight, gap } = layout
  context.fillStyle = color('text-2')
  context.font = font(12)
  context.textBaseline = 'middle'
  context.save()
  context.beginPath()
  // Of rows lower than a line the first has its label in the empty corner above it too.
  context.rect(0, top - 7, left - 4, room.height - top + 7)
  context.clip()
  context.textAlign = 'right'
  const everyRow = Math.ceil(14 / cellHeight)
  for (let layer = 0; layer < map.layers.length; layer += everyRow) {
    const y = top + layer * cellHeight - scroll.y + (cellHeight - gap) / 2
    if (y > top - cellHeight && y < room.height + cellHeight) context.fillText(map.layers[layer]!.label, left - 8, y)
  }
  context.restore()
  context.save()
  context.beginPath()
  context.rect(left, 0, room.width - left, top)
  context.clip()
  const banded = new Set<number>()
  for (const { label, first, count } of map.bands) {
    for (let i = first; i < first + count; i++) banded.add(i)
    const from = Math.max(left, left + first * cellWidth - scroll.x)
    const to = left + (first + count) * cellWidth - scroll.x
    if (to < left || from > room.width) continue
    context.textAlign = 'left'
    context.fillText(label, from, top - 12, Math.max(0, to - from - 4))
    context.fillRect(from, top - 4, to - from - gap, 1)
  }
  for (const [role, { label }] of map.roles.entries()) {
    const x = left + role * cellWidth - scroll.x + (cellWidth - gap) / 2
    if (banded.has(role) || x < left - cellWidth || x > room.width + cellWidth) continue
    if (layout.upright) {
      context.save()
      context.translate(x, top - 6)
      context.rotate(-Math.PI / 2)
      context.textAlign = 'left'
      context.fillText(label, 0, 0, top - 8)
      context.restore()
    } else {
      context.textAlign = 'center'
      context.fillText(label, x, top - 12)
    }
  }
  context.restore()
}

/** The tokens of the page as they are in this theme. */
function colors(): (token: Token | 'line-control') => string {
  const style = getComputedStyle(document.documentElement)
  const known = new Map<string, string>()
  return (token) => {
    const found = known.get(token) ?? style.getPropertyValue(`--${token}`)
    known.set(token, found)
    return found
  }
}
