/** The whole map as one picture, also what is scrolled out of view: an SVG element to be saved. */
import type { TensorReport } from '../../../core/contract.ts'
import { cellHeight, gap, mapLayout } from './layout.ts'
import type { MapCell } from './MapGrid.tsx'
import type { ModelMap } from './model-map.ts'

const margin = 12
const fontSize = 11

type Attributes = Readonly<Record<string, string | number>>

/** Lends `use` the picture while it is part of the document, which its colors need, out of sight. */
export async function withMapPicture(
  map: ModelMap,
  width: number,
  cellOf: (tensor: TensorReport) => MapCell,
  use: (svg: SVGSVGElement) => void | Promise<void>,
): Promise<void> {
  const { left, top, cellWidth, upright, numbers } = mapLayout(map, width)
  const x = (role: number) => margin + left + role * cellWidth
  const y = (layer: number) => margin + top + layer * (cellHeight + gap)
  const svg = draw('svg', {
    width: x(map.roles.length) + margin,
    height: y(map.layers.length) + margin,
    class: 'map-svg',
    'font-size': fontSize,
  })
  for (const [role, { label }] of map.roles.entries()) {
    const middle = x(role) + (cellWidth - gap) / 2
    const place: Attributes = upright
      ? { transform: `translate(${middle + 4} ${y(0) - 6}) rotate(-90)` }
      : { x: middle, y: y(0) - 8, 'text-anchor': 'middle' }
    svg.append(draw('text', { ...place, class: 'map-svg-label' }, label))
  }
  for (const [layer, { label, tensors }] of map.layers.entries()) {
    const line = y(layer) + cellHeight / 2 + 4
    svg.append(draw('text', { x: x(0) - 8, y: line, 'text-anchor': 'end', class: 'map-svg-label' }, label))
    for (const [role, tensor] of tensors) {
      const { look, text } = cellOf(tensor)
      const size = { width: cellWidth - gap, height: cellHeight, rx: 3 }
      svg.append(draw('rect', { x: x(role), y: y(layer), ...size, class: 'map-svg-cell', 'data-look': look }))
      if (!numbers || text === '') continue
      const at = { x: x(role) + size.width / 2, y: line, 'text-anchor': 'middle' }
      svg.append(draw('text', { ...at, class: 'map-svg-text', 'data-look': look }, text))
    }
  }
  document.body.append(svg)
  try {
    await use(svg)
  } finally {
    svg.remove()
  }
}

function draw<K extends 'svg' | 'text' | 'rect'>(kind: K, attributes: Attributes, text = ''): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', kind)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.textContent = text
  return element
}
