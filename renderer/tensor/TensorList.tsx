/** Every tensor of the file, by layer: found, sorted, taken in or left out. Only the rows in view exist, so 10,000 list at once. */
import { Chip, CloseButton, Select, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import { isCompressed } from '../choices/rules.ts'
import { nameMatcher, visibleTensors } from '../choices/search.ts'
import { chips, type SortOrder, selectionReducers, sortOrders, useSelection } from '../choices/selection.ts'
import { SearchIcon } from '../frame/icons.tsx'
import { useOutlook } from '../model/figures/outlook.ts'
import { selectTensor } from '../model/looking/analysis.ts'
import { usePair } from '../model/looking/pair.ts'
import { useWords } from '../words/words.ts'
import { GroupRow, Tick } from './GroupRow.tsx'
import { ListFooter } from './ListFooter.tsx'
import { type ListRow, listRows } from './list-rows.ts'
import { listReducers, useListState } from './list-state.ts'
import { rowId, TensorRow } from './TensorRow.tsx'

/** One line of text, in px. */
const rowHeight = 28

const none: ReadonlySet<string> = new Set()

export function TensorList({ tensors }: { readonly tensors: readonly TensorReport[] }) {
  const { t, numbers } = useWords()
  const selection = useSelection()
  const collapsed = useListState((state) => state.collapsed)
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
  const differences = usePair((state) => state.byName)
  const ofPair = differences.size > 0
  const shown = useMemo(
    () =>
      visibleTensors(
        tensors,
        deferred,
        (tensor) => known?.(tensor).error ?? undefined,
        ({ name }) => differences.get(name)?.share,
      ),
    [tensors, deferred, known, differences],
  )
  // What is searched for is shown, also in a group that was closed.
  const closed = deferred.search.trim() === '' ? collapsed : none
  const rows = useMemo(() => listRows(shown, deferred.sort === 'file', closed), [shown, deferred.sort, closed])
  const present = useMemo(() => new Set<string | null>(tensors.map(({ kind }) => kind)), [tensors])
  const selected = rows.findIndex((row) => row.kind === 'tensor' && row.tensor.name === selection.tensor)
  // The keyboard may be at a group; a tensor that is chosen anywhere takes it along.
  const [group, setGroup] = useState<string | null>(null)
  useEffect(() => {
    if (selection.tensor !== null) setGroup(null)
  }, [selection.tensor])
  const atGroup = group === null ? -1 : rows.findIndex((row) => row.kind === 'group' && row.key === group)
  const active = atGroup >= 0 ? atGroup : selected
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  useEffect(() => {
    if (active >= 0) virtual.scrollToIndex(active, { align: 'auto' })
  }, [active, virtual])

  const go = (row: ListRow | undefined) => {
    if (row?.kind === 'group') setGroup(row.key)
    else if (row) {
      setGroup(null)
      selectTensor(row.tensor.name)
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((viewport.current?.clientHeight ?? 0) / rowHeight) - 1)
    const current = rows[active]
    const target = targetOf(event.key, active, rows.length, page)
    const head = rows.slice(0, active + 1).findLastIndex(({ kind }) => kind === 'group')
    if (event.key === ' ' && current) {
      event.preventDefault()
      if (current.kind === 'group') selectionReducers.setAllCompressed(current.tensors, !allTicked(current.tensors))
      else if (current.tensor.matrix)
        selectionReducers.setCompressed(current.tensor, !isCompressed(current.tensor, selection))
    } else if (current?.kind === 'group' && ['ArrowLeft', 'ArrowRight', 'Enter'].includes(event.key)) {
      event.preventDefault()
      const close = event.key === 'Enter' ? !current.collapsed : event.key === 'ArrowLeft'
      listReducers.collapse([current.key], close)
    } else if (event.key === 'ArrowLeft' && head >= 0) {
      event.preventDefault()
      go(rows[head])
    } else if (target !== null) {
      event.preventDefault()
      go(rows[target])
    }
  }
  const allTicked = (some: readonly TensorReport[]) =>
    some.every((tensor) => !tensor.matrix || isCompressed(tensor, selection))
  const groups = rows.flatMap((row) => (row.kind === 'group' ? [row.key] : []))
  const withPlan = shown.length > 0 && outlook(shown.find(({ matrix }) => matrix) ?? shown[0]!).planned !== null

  return (
    <section aria-label={t('list.title')} className="list" data-pair={ofPair} data-plan={withPlan}>
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
            value={selection.sort}
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
      <div
        aria-activedescendant={active >= 0 ? rowId(active) : undefined}
        aria-label={t('list.title')}
        aria-rowcount={rows.length}
        className="list-rows"
        onKeyDown={onKeyDown}
        ref={viewport}
        role="treegrid"
        tabIndex={0}
      >
        <div className="list-canvas" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index]!
            if (row.kind === 'group')
              return (
                <GroupRow
                  active={index === atGroup}
                  groups={groups}
                  index={index}
                  key={`group ${row.key}`}
                  outlook={outlook}
                  row={row}
                  top={start}
                />
              )
            const { tensor, label } = row
            const compressed = isCompressed(tensor, selection)
            const { error, rank, kept, planned, curve } = outlook(tensor)
            return (
              <TensorRow
                compressed={compressed}
                curve={curve}
                difference={ofPair ? (differences.get(tensor.name)?.share ?? null) : undefined}
                error={error}
                index={index}
                key={tensor.name}
                label={label}
                level={groups.length > 0 ? 2 : 1}
                planKeeps={compressed && kept && planned !== null}
                rank={planned ? rank : null}
                selected={index === selected}
                tensor={tensor}
                top={start}
                withPlan={withPlan}
              />
            )
          })}
        </div>
        {rows.length === 0 ? <p className="dimmed list-none">{t('list.none')}</p> : null}
      </div>
      <ListFooter shown={shown.length} tensors={tensors} total={numbers.count(tensors.length)} />
    </section>
  )
}

function targetOf(key: string, active: number, count: number, page: number): number | null {
  const last = count - 1
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, active + 1)
    case 'ArrowUp':
      return Math.max(0, active - 1)
    case 'PageDown':
      return Math.min(last, active + page)
    case 'PageUp':
      return Math.max(0, active - page)
    case 'Home':
      return 0
    case 'End':
      return last
    default:
      return null
  }
}
