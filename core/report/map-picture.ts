/** The whole map as one picture that stands alone: layers down, roles across, dark is more. Data in, SVG out. */
import type { ModelMap } from '../model-map.ts'
import { framed } from './chart-picture.ts'
import { lightPalette, mapInk, mapSteps, mapToken, type Palette } from './palette.ts'
import { element, label, rounded, textWidth, wrapped } from './svg.ts'

/** How a cell looks: a step of the ramp, kept, or still to be found. */
export type CellLook = number | 'kept' | 'unknown'

export interface MapPicture<T> {
  readonly title: string
  readonly facts: readonly string[]
  readonly map: ModelMap<T>
  readonly cellOf: (tensor: T) => { readonly look: CellLook; readonly text: string }
  /** What the ramp means at its ends. */
  readonly low: string
  readonly high: string
  readonly kept: string
}

const side = 24
const [titleSize, textSize, cellSize] = [16, 12, 11]
const cellHeight = 20
const gap = 2
const [narrowest, widest] = [3, 92]
const widthForText = 44
const keyWidth = 14

export function mapPicture<T>(picture: MapPicture<T>, palette: Palette = lightPalette, least = 800): string {
  const { title, facts, map, cellOf } = picture
  const { layers, roles, bands } = map
  const left = side + Math.max(40, widestOf(layers)) + 10
  const cell = Math.min(widest, Math.max(narrowest, Math.floor((least - left - side) / Math.max(1, roles.length))))
  const width = Math.max(least, left + cell * roles.length + side)
  const between = cell > 8 ? gap : 0.5
  const parts: string[] = []
  const text = (content: string, more: Readonly<Record<string, string | number>>) =>
    label(content, { 'font-size': textSize, fill: palette['text-2'], ...more })

  let top = title === '' ? 0 : side
  for (const line of wrapped(title.split(' '), ' ', titleSize, width - 2 * side)) {
    if (line === '') continue
    top += titleSize + 4
    parts.push(text(line, { x: side, y: top - 4, 'font-size': titleSize, 'font-weight': 600, fill: palette.text }))
  }
  for (const line of wrapped(facts, ' · ', textSize, width - 2 * side)) {
    top += 18
    parts.push(text(line, { x: side, y: top }))
  }
  top += 26
  parts.push(legendOf(picture, palette, top))

  // Roles that are wider than their columns stand upright; those of a band have its name once.
  const banded = new Set(bands.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i)))
  const heads = roles.map(({ label: name }, index) => ({ name, index })).filter(({ index }) => !banded.has(index))
  const longest = widestOf(heads.map(({ name: label }) => ({ label })))
  const upright = longest + 6 > cell
  top += 20 + (upright && heads.length > 0 ? longest : 12)
  for (const { name, index } of heads) {
    const middle = left + index * cell + (cell - between) / 2
    parts.push(
      upright
        ? text(name, { transform: `translate(${rounded(middle + 4)} ${rounded(top - 8)}) rotate(-90)` })
        : text(name, { x: middle, y: top - 8, 'text-anchor': 'middle' }),
    )
  }
  for (const { label: name, first } of bands) parts.push(text(name, { x: left + first * cell, y: top - 8 }))

  // One path for each look: ten thousand cells as elements of their own would be a megabyte.
  const paths = new Map<CellLook, string>()
  for (const [row, { label: name, tensors }] of layers.entries()) {
    const y = top + row * (cellHeight + gap)
    parts.push(text(name, { x: left - 8, y: y + cellHeight / 2 + 4, 'text-anchor': 'end' }))
    for (const [column, tensor] of tensors) {
      const { look, text: value } = cellOf(tensor)
      const x = left + column * cell
      const box = `M${rounded(x)} ${rounded(y)}h${rounded(cell - between)}v${cellHeight}h${rounded(between - cell)}z`
      paths.set(look, (paths.get(look) ?? '') + box)
      if (value === '' || cell < widthForText || typeof look !== 'number') continue
      const place = { x: x + (cell - between) / 2, y: y + cellHeight / 2 + 4, 'text-anchor': 'middle' }
      parts.push(text(value, { ...place, 'font-size': cellSize, fill: palette[mapInk(look)] }))
    }
  }
  const cells = [...paths].map(([look, d]) => element('path', { d, ...paintOf(look, palette), 'data-look': look }))
  const bottom = top + layers.length * (cellHeight + gap) + side
  return framed(width, bottom, cells.join('') + parts.join(''), palette)
}

/** There may be more of them than a call takes arguments. */
function widestOf(named: readonly { readonly label: string }[]): number {
  return named.reduce((most, { label: name }) => Math.max(most, textWidth(name, textSize)), 0)
}

function paintOf(look: CellLook, palette: Palette): Readonly<Record<string, string>> {
  if (look === 'kept') return { fill: palette.sunken }
  if (look === 'unknown') return { fill: 'none', stroke: palette['text-2'], 'stroke-dasharray': '2 2' }
  return { fill: palette[mapToken(look)] }
}

function legendOf<T>({ low, high, kept }: MapPicture<T>, palette: Palette, y: number): string {
  const parts = [label(low, { x: side, y, 'font-size': textSize, fill: palette['text-2'] })]
  let x = side + textWidth(low, textSize) + 8
  for (let step = 0; step < mapSteps; step++, x += keyWidth)
    parts.push(element('rect', { x, y: y - 10, width: keyWidth, height: 12, fill: palette[mapToken(step)] }))
  parts.push(label(high, { x: x + 8, y, 'font-size': textSize, fill: palette['text-2'] }))
  x += textWidth(high, textSize) + 28
  parts.push(element('rect', { x, y: y - 10, width: keyWidth, height: 12, fill: palette.sunken }))
  parts.push(label(kept, { x: x + keyWidth + 6, y, 'font-size': textSize, fill: palette['text-2'] }))
  return parts.join('')
}
