/** One tensor of the list. */
import { memo } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { selectionReducers } from '../choices/selection.ts'
import { selectTensor } from '../model/analysis.ts'
import { useWords } from '../words/words.ts'

export const rowId = (index: number) => `tensor-row-${index}`

interface TensorRowProps {
  readonly tensor: TensorReport
  readonly index: number
  readonly top: number
  readonly selected: boolean
  readonly compressed: boolean
  /** To expect at `rank`; null while it is not known. */
  readonly error: number | null
  /** Found by a plan; null without one. */
  readonly rank: number | null
  /** The plan keeps it although it was to be compressed. */
  readonly planKeeps: boolean
}

export const TensorRow = memo(function TensorRow(props: TensorRowProps) {
  const { t, numbers } = useWords()
  const { tensor, index, selected, compressed, error, rank } = props
  const outcome = error !== null || props.planKeeps
  const shape = tensor.shape.length === 0 ? t('list.scalar') : tensor.shape.join(' × ')
  const bytes = numbers.bytes(tensor.byteLength)
  const cut = tensor.name.lastIndexOf('.', tensor.name.length - '.weight'.length - 1) + 1
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid, which has the focus
    // biome-ignore lint/a11y/useSemanticElements: rows of a grid whose other rows do not exist
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active row
    <div
      aria-rowindex={index + 1}
      aria-selected={selected}
      className="tensor-row"
      data-kept={!compressed}
      id={rowId(index)}
      onClick={() => selectTensor(tensor.name)}
      role="row"
      style={{ transform: `translateY(${props.top}px)` }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="tensor-check" role="gridcell">
        <input
          aria-label={t('list.compress', { name: tensor.name })}
          checked={compressed}
          disabled={!tensor.matrix}
          onChange={(event) => selectionReducers.setCompressed(tensor, event.currentTarget.checked)}
          onClick={(event) => event.stopPropagation()}
          tabIndex={-1}
          type="checkbox"
        />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
      <div className="tensor-text" role="gridcell">
        <div className="tensor-name" title={tensor.name}>
          <span className="tensor-path">{tensor.name.slice(0, cut)}</span>
          <span className="tensor-leaf">{tensor.name.slice(cut)}</span>
        </div>
        <div className="tensor-facts">
          <span className="tensor-size" title={[shape, tensor.dtype, bytes].join(' · ')}>
            {/* Beside a rank and an error there is no room for the dtype, which is the same almost everywhere. */}
            <span className="ellipsis">{outcome ? shape : `${shape} · ${tensor.dtype}`}</span>
            <span>· {bytes}</span>
          </span>
          {outcome ? (
            <span className="tensor-error" data-error={error ?? ''} data-rank={rank ?? ''}>
              {error === null
                ? t('map.kept')
                : rank === null
                  ? numbers.percent(error)
                  : t('plan.rankError', { rank: numbers.count(rank), error: numbers.percent(error) })}
            </span>
          ) : null}
        </div>
      </div>
    </div>
  )
})
