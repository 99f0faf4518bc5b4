/** Above the list: what is searched for, which kinds are shown and in which order, and the names of its columns. */
import { Chip, CloseButton, Select, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { memo, useMemo, useRef } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { nameMatcher } from '../choices/search.ts'
import { chips, type SortOrder, selectionReducers, sortOrders, useSelection } from '../choices/selection.ts'
import { SearchIcon } from '../frame/icons.tsx'
import { useWords } from '../words/words.ts'
import { Tick } from './GroupRow.tsx'

interface ListHeadProps {
  readonly tensors: readonly TensorReport[]
  readonly shown: readonly TensorReport[]
  /** Two models are open: what lies between them has a column. */
  readonly ofPair: boolean
  /** The columns are those of a plan. */
  readonly withPlan: boolean
}

/** Rendered for these alone: the list below follows every step of a drag. */
export const ListHead = memo(function ListHead({ tensors, shown, ofPair, withPlan }: ListHeadProps) {
  const { t, numbers } = useWords()
  const search = useSelection((state) => state.search)
  const chosen = useSelection((state) => state.chips)
  const sort = useSelection((state) => state.sort)
  const field = useRef<HTMLInputElement>(null)
  useHotkeys([['mod+F', () => field.current?.focus()]], [])
  const present = useMemo(() => new Set<string | null>(tensors.map(({ kind }) => kind)), [tensors])
  return (
    <div className="list-head">
      <TextInput
        aria-label={t('list.search')}
        error={nameMatcher(search) === null ? t('list.badPattern') : null}
        leftSection={<SearchIcon size={16} />}
        onChange={(event) => selectionReducers.search(event.currentTarget.value)}
        placeholder={t('list.searchHint')}
        ref={field}
        rightSection={
          search ? (
            <CloseButton aria-label={t('list.clear')} onClick={() => selectionReducers.search('')} size="sm" />
          ) : null
        }
        size="xs"
        spellCheck={false}
        value={search}
      />
      <div className="list-filters">
        <div className="chips">
          {chips
            .filter((chip) => chip === 'kept' || present.has(chip))
            .map((chip) => (
              <Chip
                checked={chosen.includes(chip)}
                key={chip}
                onChange={() => selectionReducers.toggleChip(chip)}
                size="xs"
                variant="outline"
              >
                {t(`list.chips.${chip}`)}
              </Chip>
            ))}
        </div>
        <Select
          allowDeselect={false}
          aria-label={t('list.sort')}
          className="list-sort"
          comboboxProps={{ width: 150, position: 'bottom-end' }}
          data={sortOrders
            .filter((value) => value !== 'difference' || ofPair)
            .map((value) => ({ value, label: t(`list.orders.${value}`) }))}
          onChange={(value) => value && selectionReducers.sort(value as SortOrder)}
          size="xs"
          value={sort}
        />
      </div>
      <div className="list-columns">
        <Tick
          label={t('list.all', { count: shown.length, number: numbers.count(shown.length) })}
          onChange={(compressed) => selectionReducers.setAllCompressed(shown, compressed)}
          tabbable
          tensors={shown}
        />
        <span className="list-column-name">{t('list.columns.tensor')}</span>
        {ofPair ? <span className="list-number">{t('pair.share')}</span> : null}
        <span className={withPlan ? 'list-number' : 'list-number list-shape'}>
          {t(withPlan ? 'list.columns.rank' : 'list.columns.shape')}
        </span>
        <span className="list-number">{t(withPlan ? 'list.columns.error' : 'list.columns.size')}</span>
      </div>
    </div>
  )
})
