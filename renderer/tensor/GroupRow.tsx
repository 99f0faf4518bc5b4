/** The head of a layer in the list: opens and closes it, takes all of it in or leaves it out, and says what it comes to. */
import { useEffect, useMemo, useRef } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { isCompressed } from '../choices/rules.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { ChevronIcon } from '../frame/icons.tsx'
import type { Outlook } from '../model/figures/outlook.ts'
import { useWords } from '../words/words.ts'
import { layerNumber, type GroupRow as Row } from './list-rows.ts'
import { listReducers } from './list-state.ts'
import { rowId } from './TensorRow.tsx'

interface GroupRowProps {
  readonly row: Row
  readonly index: number
  readonly top: number
  /** The keyboard is here. */
  readonly active: boolean
  /** All groups are layers of one stack: a number is name enough. */
  readonly ofOneStack: boolean
  readonly outlook: (tensor: TensorReport) => Outlook
}

export function GroupRow({ row, index, top, active, ofOneStack, outlook }: GroupRowProps) {
  const { t, numbers } = useWords()
  const { key, tensors, collapsed } = row
  const number = ofOneStack ? layerNumber(key) : null
  const name = key === '' ? t('list.outside') : number === null ? key : t('list.layer', { number })
  const { before, after } = useMemo(() => {
    let [all, left] = [0, 0]
    for (const tensor of tensors) {
      all += tensor.byteLength
      left += outlook(tensor).bytesAfter
    }
    return { before: all, after: left }
  }, [tensors, outlook])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid, which has the focus
    // biome-ignore lint/a11y/useSemanticElements: rows of a grid whose other rows do not exist
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active row
    <div
      aria-expanded={!collapsed}
      aria-level={1}
      aria-rowindex={index + 1}
      className="tensor-row group-row"
      data-active={active}
      data-group={key}
      id={rowId(index)}
      onClick={() => listReducers.collapse([key], !collapsed)}
      role="row"
      style={{ transform: `translateY(${top}px)` }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="tensor-check" role="gridcell">
        <Tick
          label={t('list.compress', { name })}
          onChange={(compressed) => selectionReducers.setAllCompressed(tensors, compressed)}
          tensors={tensors}
        />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="group-name" role="gridcell" title={key}>
        <span className="group-chevron" data-collapsed={collapsed}>
          <ChevronIcon size={14} />
        </span>
        <span className="ellipsis">{name}</span>
        <span className="group-sum number">
          {numbers.bytes(before)}
          {after < before ? ` → ${numbers.bytes(after)}` : null}
        </span>
      </div>
    </div>
  )
}

interface TickProps {
  readonly label: string
  readonly tensors: readonly TensorReport[]
  readonly onChange: (compressed: boolean) => void
  /** Reached by Tab; those inside the grid are not. */
  readonly tabbable?: boolean
}

/** Ticked, empty, or between: some of its matrices are. */
export function Tick({ label, tensors, onChange, tabbable = false }: TickProps) {
  const box = useRef<HTMLInputElement>(null)
  const included = useSelection((state) => state.included)
  const excluded = useSelection((state) => state.excluded)
  const { all, some, any } = useMemo(() => {
    const matrices = tensors.filter(({ matrix }) => matrix !== null)
    const ticked = matrices.filter((tensor) => isCompressed(tensor, { included, excluded })).length
    return { all: ticked === matrices.length && ticked > 0, some: ticked > 0, any: matrices.length > 0 }
  }, [tensors, included, excluded])
  useEffect(() => {
    if (box.current) box.current.indeterminate = some && !all
  }, [some, all])
  return (
    <input
      aria-label={label}
      checked={all}
      className="list-tick"
      disabled={!any}
      onChange={() => onChange(!all)}
      onClick={(event) => event.stopPropagation()}
      ref={box}
      tabIndex={tabbable ? 0 : -1}
      type="checkbox"
    />
  )
}
