/**
 * Layers down, roles across, a colored cell for each matrix, drawn on a canvas: thousands of experts are one picture. To the keyboard and to a
 * screen reader it is a grid of which the cell it is at exists.
 */
import { useComputedColorScheme } from '@mantine/core'
import { type KeyboardEvent, type MouseEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import type { ModelMap } from '../../../core/model-map.ts'
import type { Frame } from '../plot/axis.ts'
import { drawMap, type MapCell } from './draw.ts'
import { mapLayout, placeAt } from './layout.ts'
import { type MapPlace, placeAfter, placeOf } from './moves.ts'

/** What the pointer or the keyboard is at, and where to say so: px in the map; null for the keyboard. */
export interface Looked {
  readonly tensor: TensorReport
  readonly at: { readonly x: number; readonly y: number } | null
}

interface MapGridProps {
  readonly title: string
  readonly map: ModelMap<TensorReport>
  /** Of the picture, the outline of its focus included. */
  readonly frame: Frame
  readonly cellOf: (tensor: TensorReport) => MapCell
  /** All there is to say of a cell, in a sentence. */
  readonly describe: (tensor: TensorReport) => string
  readonly selected: string | null
  readonly onSelect: (name: string) => void
  readonly onLook: (looked: Looked | null) => void
}

/** Around the view, as in map.css. */
const outline = 2

export function MapGrid({ title, map, frame: outer, cellOf, describe, selected, onSelect, onLook }: MapGridProps) {
  const { layers, roles } = map
  const scheme = useComputedColorScheme()
  const { width, height } = outer
  const frame = useMemo(() => ({ width: width - 2 * outline, height: height - 2 * outline }), [width, height])
  const layout = useMemo(() => mapLayout(map, frame), [map, frame])
  const viewport = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const chosen = useMemo(() => placeOf(layers, selected), [layers, selected])
  const [focus, setFocus] = useState<MapPlace | null>(null)
  const [inside, setInside] = useState(false)
  const [scroll, setScroll] = useState({ x: 0, y: 0 })
  const place = focus ?? chosen ?? { layer: 0, role: layers[0]?.tensors.keys().next().value ?? 0 }
  const at = layers[place.layer]?.tensors.get(place.role)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colors are those of the theme, read from the document
  useEffect(() => {
    if (!canvas.current) return
    const focused = inside && focus ? focus : null
    drawMap(canvas.current, { map, layout, cellOf, selected: chosen, focused, scroll, room: frame })
  }, [map, layout, cellOf, chosen, focus, inside, scroll, frame, scheme])

  const counts = useMemo(() => {
    const found = { cells: 0, kept: 0, unknown: 0 }
    for (const { tensors } of layers)
      for (const tensor of tensors.values()) {
        const { look } = cellOf(tensor)
        found.cells++
        if (look === 'kept' || look === 'unknown') found[look]++
      }
    return found
  }, [layers, cellOf])

  const go = (next: MapPlace) => {
    setFocus(next)
    const tensor = layers[next.layer]?.tensors.get(next.role)
    onLook(tensor ? { tensor, at: null } : null)
    const view = viewport.current
    if (!view) return
    const [x, y] = [next.role * layout.cellWidth, next.layer * layout.cellHeight]
    const shown = { width: frame.width - layout.left, height: frame.height - layout.top }
    view.scrollTo({
      left: Math.min(x, Math.max(view.scrollLeft, x + layout.cellWidth - shown.width)),
      top: Math.min(y, Math.max(view.scrollTop, y + layout.cellHeight - shown.height)),
    })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((frame.height - layout.top) / layout.cellHeight) - 1)
    const next = placeAfter(event, layers, place, page)
    if (next) {
      event.preventDefault()
      go(next)
    } else if ((event.key === 'Enter' || event.key === ' ') && at) {
      event.preventDefault()
      onSelect(at.name)
    }
  }
  /** The cell under the pointer, and where in the view that is. */
  const under = (event: PointerEvent | MouseEvent) => {
    const box = viewport.current?.getBoundingClientRect()
    if (!box) return null
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    // Labels stay where they are.
    if (x < layout.left || y < layout.top) return null
    const found = placeAt(x + scroll.x, y + scroll.y, layout)
    const tensor = found && layers[found.layer]?.tensors.get(found.role)
    return found && tensor ? { place: found, looked: { tensor, at: { x, y } } } : null
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: cells are drawn; the one the keyboard is at exists
    <div
      aria-activedescendant="map-cell"
      aria-colcount={roles.length}
      aria-label={title}
      aria-rowcount={layers.length}
      className="map-grid"
      data-cells={counts.cells}
      data-kept={counts.kept}
      data-selected={selected ?? ''}
      data-unknown={counts.unknown}
      onBlur={() => {
        setInside(false)
        onLook(null)
      }}
      onClick={(event) => {
        const found = under(event)
        if (!found) return
        setFocus(found.place)
        onSelect(found.looked.tensor.name)
      }}
      onFocus={() => {
        setInside(true)
        if (at) onLook({ tensor: at, at: null })
      }}
      onKeyDown={onKeyDown}
      onPointerLeave={() => onLook(null)}
      onPointerMove={(event) => onLook(under(event)?.looked ?? null)}
      onScroll={({ currentTarget }) => setScroll({ x: currentTarget.scrollLeft, y: currentTarget.scrollTop })}
      ref={viewport}
      role="grid"
      tabIndex={0}
    >
      <div className="map-extent" role="presentation" style={{ width: layout.width, height: layout.height }}>
        <canvas className="map-canvas" ref={canvas} style={{ width: frame.width, height: frame.height }} />
        {/* biome-ignore lint/a11y/useSemanticElements: see above */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell */}
        <div aria-rowindex={place.layer + 1} className="map-cell-said" role="row">
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
          <div
            aria-colindex={place.role + 1}
            aria-selected={at !== undefined && at.name === selected}
            id="map-cell"
            role="gridcell"
          >
            {at ? describe(at) : null}
          </div>
        </div>
      </div>
    </div>
  )
}
