/** One tensor of the list, in a line: its name within its layer, and its rank and error, or its shape and size before there is a plan. */
import { memo } from 'react'
import { dtypeWords } from '../../core/plan/describe.ts'
import { selectionReducers } from '../choices/selection.ts'
import { selectTensor } from '../model/looking/analysis.ts'
import { useSentences, useWords } from '../words/words.ts'
import { rowLabel, type TensorListRow } from './list-rows.ts'
import { Sparkline } from './Sparkline.tsx'

export const rowId = (index: number) => `tensor-row-${index}`

interface TensorRowProps {
  readonly row: TensorListRow
  /** In the tree of the list. */
  readonly level: number
  readonly index: number
  readonly top: number
  readonly selected: boolean
  readonly compressed: boolean
  /** ||D|| / ||W||, of two models; null where it is not known. */
  readonly difference?: number | null | undefined
  /** To expect at `rank`; null while it is not known. */
  readonly error: number | null
  /** Errors below this are rounding. */
  readonly resolution: number
  /** Relative error at rank 0, 1, ..., as far as it is known. */
  readonly curve: readonly number[] | undefined
  /** Found by a plan; null without one. */
  readonly rank: number | null
  /** It stays whole, in INT8. */
  readonly inInt8: boolean
  /** The plan leaves it whole although it was to be compressed. */
  readonly planKeeps: boolean
  /** The columns are those of a plan. */
  readonly withPlan: boolean
}

export const TensorRow = memo(function TensorRow(props: TensorRowProps) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const { row, index, selected, compressed, difference, error, resolution, rank, planKeeps, withPlan, curve } = props

  const { tensor } = row
  const label = rowLabel(row)
  const shape = tensor.shape.length === 0 ? t('list.scalar') : tensor.shape.join(' × ')
  const bytes = numbers.bytes(tensor.byteLength)
  const whole = props.inInt8 ? t('choices.INT8') : !compressed ? t('map.kept') : planKeeps ? t('list.whole') : null
  const outcome = whole ?? (rank === null ? '' : numbers.count(rank))
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid, which has the focus
    // biome-ignore lint/a11y/useSemanticElements: rows of a grid whose other rows do not exist
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active row
    <div
      aria-level={props.level}
      aria-rowindex={index + 1}
      aria-selected={selected}
      className="tensor-row"
      data-kept={!compressed || planKeeps}
      data-tensor={tensor.name}
      id={rowId(index)}
      onClick={() => selectTensor(tensor.name)}
      role="row"
      style={{ transform: `translateY(${props.top}px)` }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="tensor-check" data-level={props.level} role="gridcell">
        <input
          aria-label={t('list.compress', { name: tensor.name })}
          checked={compressed}
          className="list-tick"
          disabled={!tensor.matrix}
          onChange={(event) => selectionReducers.setCompressed(tensor, event.currentTarget.checked)}
          onClick={(event) => event.stopPropagation()}
          tabIndex={-1}
          type="checkbox"
        />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div
        className="tensor-name"
        role="gridcell"
        title={`${tensor.name}\n${[shape, sentences(dtypeWords(tensor)), bytes].join(' · ')}`}
      >
        {label.layer === '' ? null : <span className="tensor-layer">{label.layer}</span>}
        <span className="tensor-path">{label.path}</span>
        <span className="tensor-leaf">
          {/* Two parts of one word, of which the first is cut. */}
          <span className="tensor-head">{label.leaf.slice(0, label.leaf.length - label.tail)}</span>
          <span className="tensor-tail">{label.leaf.slice(label.leaf.length - label.tail)}</span>
        </span>
        {withPlan && curve && difference === undefined ? <Sparkline curve={curve} /> : null}
      </div>
      {difference === undefined ? null : (
        // biome-ignore lint/a11y/useSemanticElements: see above
        // biome-ignore lint/a11y/useFocusableInteractive: see above
        <div className="list-number" data-difference={difference ?? ''} role="gridcell">
          {difference === null ? '' : numbers.percent(difference)}
        </div>
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className={withPlan ? 'list-number' : 'list-number list-shape'} role="gridcell">
        {withPlan ? outcome : shape}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="list-number tensor-error" data-error={error ?? ''} data-rank={rank ?? ''} role="gridcell">
        {withPlan ? (error === null ? '' : numbers.shortError(error, resolution)) : bytes}
      </div>
    </div>
  )
})
