/** Layers down, roles across, a colored cell for each matrix. Only what is in view exists, so 10,000 matrices scroll at once. */
import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { type KeyboardEvent, memo, type PointerEvent, useEffect, useRef, useState } from 'react'
import type { TensorReport } from '../../../core/contract.ts'
import type { MapLayer, ModelMap } from '../../../core/model-map.ts'
import { useWords } from '../../words/words.ts'
import type { Frame } from '../axis.ts'
import { cellHeight, gap, mapLayout } from './layout.ts'
import { type MapPlace, placeAfter, placeOf } from './moves.ts'

/** How a cell looks: a step of the ramp, kept, or still to be found. */
export interface MapCell {
  readonly look: number | 'kept' | 'unknown'
  readonly text: string
  /** All there is to say of it. */
  readonly description: string
}

interface MapGridProps {
  readonly title: string
  readonly map: ModelMap<TensorReport>
  readonly frame: Frame
  readonly cellOf: (tensor: TensorReport) => MapCell
  readonly selected: string | null
  readonly onSelect: (name: string) => void
  /** The pointer or the keyboard is at this one. */
  readonly onLook: (tensor: TensorReport | null) => void
}

const cellId = ({ layer, role }: MapPlace) => `map-cell-${layer}-${role}`

export function MapGrid({ title, map, frame, cellOf, selected, onSelect, onLook }: MapGridProps) {
  const { t } = useWords()
  const { layers, roles } = map
  const layout = mapLayout(map, frame.width)
  const viewport = useRef<HTMLDivElement>(null)
  const chosen = placeOf(layers, selected)
  const [focus, setFocus] = useState<MapPlace | null>(null)
  const place = focus ?? chosen ?? { layer: 0, role: layers[0]?.tensors.keys().next().value ?? 0 }

  const down = useVirtualizer({
    count: layers.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => cellHeight + gap,
    paddingStart: layout.top,
    scrollPaddingStart: layout.top,
    overscan: 4,
  })
  const across = useVirtualizer({
    horizontal: true,
    count: roles.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => layout.cellWidth,
    paddingStart: layout.left + gap,
    scrollPaddingStart: layout.left + gap,
    overscan: 2,
  })
  // The width of columns follows that of the window.
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured again when they change
  useEffect(() => across.measure(), [layout.cellWidth, layout.left])
  // biome-ignore lint/correctness/useExhaustiveDependencies: likewise
  useEffect(() => down.measure(), [layout.top])

  const go = (next: MapPlace) => {
    setFocus(next)
    onLook(layers[next.layer]?.tensors.get(next.role) ?? null)
    down.scrollToIndex(next.layer, { align: 'auto' })
    across.scrollToIndex(next.role, { align: 'auto' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((frame.height - layout.top) / (cellHeight + gap)) - 1)
    const next = placeAfter(event, layers, place, page)
    const tensor = layers[place.layer]?.tensors.get(place.role)
    if (next) {
      event.preventDefault()
      go(next)
    } else if ((event.key === 'Enter' || event.key === ' ') && tensor) {
      event.preventDefault()
      onSelect(tensor.name)
    }
  }
  const tensorAt = ({ target }: PointerEvent | React.MouseEvent) => {
    const { layer, role } = (target as HTMLElement).closest<HTMLElement>('.map-cell')?.dataset ?? {}
    return layer === undefined ? null : { layer: Number(layer), role: Number(role) }
  }
  const columns = across.getVirtualItems()

  return (
    // biome-ignore lint/a11y/useSemanticElements: only the cells in view exist, which a table element cannot say
    <div
      aria-activedescendant={cellId(place)}
      aria-colcount={roles.length + 1}
      aria-label={title}
      aria-rowcount={layers.length + 1}
      className="map-grid"
      onBlur={() => onLook(null)}
      onClick={(event) => {
        const at = tensorAt(event)
        if (!at) return
        setFocus(at)
        onSelect(layers[at.layer]!.tensors.get(at.role)!.name)
      }}
      onFocus={() => onLook(layers[place.layer]?.tensors.get(place.role) ?? null)}
      onKeyDown={onKeyDown}
      onPointerLeave={() => onLook(null)}
      onPointerMove={(event) => {
        const at = tensorAt(event)
        if (at) onLook(layers[at.layer]!.tensors.get(at.role)!)
      }}
      ref={viewport}
      role="grid"
      tabIndex={0}
    >
      <div
        className="map-canvas"
        role="presentation"
        style={{ height: down.getTotalSize(), width: across.getTotalSize() }}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: a row of the grid above */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell */}
        <div aria-rowindex={1} className="map-head" role="row" style={{ height: layout.top }}>
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
          <div className="map-corner" role="columnheader" style={{ width: layout.left }}>
            {t('map.layer')}
          </div>
          {columns.map(({ index, start, size }) => (
            // biome-ignore lint/a11y/useSemanticElements: see above
            // biome-ignore lint/a11y/useFocusableInteractive: see above
            <div
              aria-colindex={index + 2}
              className="map-role"
              data-upright={layout.upright}
              key={roles[index]!.key}
              role="columnheader"
              style={{ left: start, width: size - gap }}
              title={roles[index]!.key}
            >
              <span>{roles[index]!.label}</span>
            </div>
          ))}
        </div>
        {down.getVirtualItems().map(({ index, start }) => (
          <MapRow
            cellOf={cellOf}
            columns={columns}
            focused={focus?.layer === index ? focus.role : -1}
            index={index}
            key={layers[index]!.key}
            layer={layers[index]!}
            left={layout.left}
            numbers={layout.numbers}
            selected={chosen?.layer === index ? chosen.role : -1}
            top={start}
          />
        ))}
      </div>
    </div>
  )
}

interface MapRowProps {
  readonly layer: MapLayer<TensorReport>
  readonly index: number
  readonly top: number
  readonly left: number
  readonly columns: readonly VirtualItem[]
  readonly numbers: boolean
  readonly cellOf: (tensor: TensorReport) => MapCell
  /** Role of this row's cell that is selected or has the keyboard; -1 for none. */
  readonly selected: number
  readonly focused: number
}

const MapRow = memo(function MapRow(props: MapRowProps) {
  const { layer, index, columns, cellOf } = props
  return (
    // biome-ignore lint/a11y/useSemanticElements: see MapGrid
    // biome-ignore lint/a11y/useFocusableInteractive: see MapGrid
    <div aria-rowindex={index + 2} className="map-row" role="row" style={{ transform: `translateY(${props.top}px)` }}>
      {/* biome-ignore lint/a11y/useSemanticElements: see MapGrid */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see MapGrid */}
      <div className="map-layer" role="rowheader" style={{ width: props.left }} title={layer.key}>
        {layer.label}
      </div>
      {columns.map(({ index: role, start, size }) => {
        const tensor = layer.tensors.get(role)
        if (!tensor) return null
        const { look, text, description } = cellOf(tensor)
        return (
          // biome-ignore lint/a11y/useSemanticElements: see MapGrid
          // biome-ignore lint/a11y/useFocusableInteractive: see MapGrid
          <div
            aria-colindex={role + 2}
            aria-label={description}
            aria-selected={role === props.selected}
            className="map-cell"
            data-focused={role === props.focused}
            data-layer={index}
            data-look={look}
            data-role={role}
            data-tensor={tensor.name}
            id={cellId({ layer: index, role })}
            key={role}
            role="gridcell"
            style={{ left: start, width: size - gap }}
          >
            {props.numbers ? text : null}
          </div>
        )
      })}
    </div>
  )
})
