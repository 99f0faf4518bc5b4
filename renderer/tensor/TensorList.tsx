/** Every tensor of the file: found, sorted, taken in or left out. Only the rows in view exist, so 10,000 list at once. */
import { Chip, CloseButton, Select, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { isCompressed } from '../choices/rules.ts'
import {
  chips,
  nameMatcher,
  type SortOrder,
  selectionReducers,
  sortOrders,
  useSelection,
  visibleTensors,
} from '../choices/selection.ts'
import { SearchIcon } from '../frame/icons.tsx'
import { selectTensor } from '../model/analysis.ts'
import { useOutlook } from '../model/outlook.ts'
import { useWords } from '../words/words.ts'
import { ListFooter } from './ListFooter.tsx'
import { rowId, TensorRow } from './TensorRow.tsx'

/** Two lines of text, in px. */
const rowHeight = 48

export function TensorList({ tensors }: { readonly tensors: readonly TensorReport[] }) {
  const { t, numbers } = useWords()
  const selection = useSelection()
  // A drag is followed when there is time for it.
  const outlook = useDeferredValue(useOutlook())
  const search = useRef<HTMLInputElement>(null)
  const viewport = useRef<HTMLDivElement>(null)
  // The way here has gone with the screen it was on: from the list everything is one or two keys away.
  useEffect(() => viewport.current?.focus({ preventScroll: true }), [])
  useHotkeys([['mod+F', () => search.current?.focus()]], [])

  // Typing stays ahead of filtering; the order by error follows reports, the others do not need them.
  const deferred = useDeferredValue(selection)
  const known = deferred.sort === 'error' ? outlook : null
  const rows = useMemo(
    () => visibleTensors(tensors, deferred, (tensor) => known?.(tensor).error ?? undefined),
    [tensors, deferred, known],
  )
  const present = useMemo(() => new Set<string | null>(tensors.map(({ kind }) => kind)), [tensors])
  const selected = rows.findIndex(({ name }) => name === selection.tensor)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  useEffect(() => {
    if (selected >= 0) virtual.scrollToIndex(selected, { align: 'auto' })
  }, [selected, virtual])

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((viewport.current?.clientHeight ?? 0) / rowHeight) - 1)
    const target = targetOf(event.key, selected, rows.length, page)
    const current = rows[selected]
    if (event.key === ' ' && current?.matrix) {
      event.preventDefault()
      selectionReducers.setCompressed(current, !isCompressed(current, selection))
    } else if (target !== null && rows[target]) {
      event.preventDefault()
      selectTensor(rows[target].name)
    }
  }

  return (
    <section aria-label={t('list.title')} className="list">
      <div className="list-head">
        <TextInput
          aria-label={t('list.search')}
          error={nameMatcher(selection.search) === null ? t('list.badPattern') : null}
          leftSection={<SearchIcon size={16} />}
          onChange={(event) => selectionReducers.search(event.currentTarget.value)}
          placeholder={t('list.searchHint')}
          ref={search}
          rightSection={
            selection.search ? (
              <CloseButton aria-label={t('list.clear')} onClick={() => selectionReducers.search('')} size="sm" />
            ) : null
          }
          size="xs"
          spellCheck={false}
          value={selection.search}
        />
        <div className="list-filters">
          <div className="chips">
            {chips
              .filter((chip) => chip === 'kept' || present.has(chip))
              .map((chip) => (
                <Chip
                  checked={selection.chips.includes(chip)}
                  key={chip}
                  onChange={() => selectionReducers.toggleChip(chip)}
                  size="xs"
                  variant="light"
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
            data={sortOrders.map((value) => ({ value, label: t(`list.orders.${value}`) }))}
            onChange={(value) => value && selectionReducers.sort(value as SortOrder)}
            size="xs"
            value={selection.sort}
          />
        </div>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: only the rows in view exist, which a table element cannot say */}
      <div
        aria-activedescendant={selected >= 0 ? rowId(selected) : undefined}
        aria-label={t('list.title')}
        aria-rowcount={rows.length}
        className="list-rows"
        onKeyDown={onKeyDown}
        ref={viewport}
        role="grid"
        tabIndex={0}
      >
        <div className="list-canvas" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const tensor = rows[index]!
            const compressed = isCompressed(tensor, selection)
            const { error, rank, kept, planned } = outlook(tensor)
            return (
              <TensorRow
                compressed={compressed}
                error={error}
                index={index}
                key={tensor.name}
                planKeeps={compressed && kept && planned !== null}
                rank={planned ? rank : null}
                selected={index === selected}
                tensor={tensor}
                top={start}
              />
            )
          })}
        </div>
        {rows.length === 0 ? <p className="dimmed list-none">{t('list.none')}</p> : null}
      </div>
      <ListFooter shown={rows.length} tensors={tensors} total={numbers.count(tensors.length)} />
    </section>
  )
}

function targetOf(key: string, selected: number, count: number, page: number): number | null {
  const last = count - 1
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, selected + 1)
    case 'ArrowUp':
      return Math.max(0, selected - 1)
    case 'PageDown':
      return Math.min(last, selected + page)
    case 'PageUp':
      return Math.max(0, selected - page)
    case 'Home':
      return 0
    case 'End':
      return last
    default:
      return null
  }
}
