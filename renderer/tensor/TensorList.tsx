/** Every tensor of the file, by layer: found, sorted, taken in or left out. Only the rows in view exist, so 10,000 list at once. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, memo, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { TensorReport } from '../../core/contract.ts'
import { isCompressed } from '../choices/rules.ts'
import { visibleTensors } from '../choices/search.ts'
import { type SelectionState, selectionReducers, useSelection } from '../choices/selection.ts'
import { useStages } from '../frame/stages.ts'
import { type Outlook, useOutlook } from '../model/figures/outlook.ts'
import { selectTensor } from '../model/looking/analysis.ts'
import { usePair } from '../model/looking/pair.ts'
import { useWords } from '../words/words.ts'
import { GroupRow } from './GroupRow.tsx'
import { ListFooter } from './ListFooter.tsx'
import { ListHead } from './ListHead.tsx'
import { areOneStack, type ListRow, listRows } from './list-rows.ts'
import { listReducers, useListState } from './list-state.ts'
import { rowId, TensorRow } from './TensorRow.tsx'

/** One line of text, in px. */
const rowHeight = 28

const none: ReadonlySet<string> = new Set()
const noRows: readonly ListRow[] = []

/** What decides its rows: not which of them is chosen, nor a rank that is looked at. */
const listed = ({ search, chips, sort, included, excluded }: SelectionState) => ({
  search,
  chips,
  sort,
  included,
  excluded,
})

export const TensorList = memo(function TensorList({ tensors }: { readonly tensors: readonly TensorReport[] }) {
  const { t } = useWords()
  // A drag is followed when there is time for it: a step of one renders none of the rows before.
  const newest = useOutlook()
  const outlook = useDeferredValue(newest)
  const ofPair = usePair(({ byName }) => byName.size > 0)
  const some = tensors.find(({ matrix }) => matrix) ?? tensors[0]
  const withPlan = useMemo(() => some !== undefined && outlook(some).planned !== null, [some, outlook])
  return (
    <section
      aria-busy={outlook !== newest}
      aria-label={t('list.title')}
      className="list"
      data-pair={ofPair}
      data-plan={withPlan}
    >
      <Rows outlook={outlook} tensors={tensors} withPlan={withPlan} />
    </section>
  )
})

interface RowsProps {
  readonly tensors: readonly TensorReport[]
  readonly outlook: (tensor: TensorReport) => Outlook
  readonly withPlan: boolean
}

const Rows = memo(function Rows({ tensors, outlook, withPlan }: RowsProps) {
  const { t, numbers } = useWords()
  const tensor = useSelection((state) => state.tensor)
  const selection = useSelection(useShallow(listed))
  const collapsed = useListState((state) => state.collapsed)
  const viewport = useRef<HTMLDivElement>(null)
  // The way here has gone with the screen it was on: from the list everything is one or two keys away.
  useEffect(() => viewport.current?.focus({ preventScroll: true }), [])

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
  // Its head, its rows.
  const made = useStages(1, { atOnce: 1 })
  // What is searched for is shown, also in a group that was closed.
  const closed = deferred.search.trim() === '' ? collapsed : none
  const rows = useMemo(
    () => (made < 1 ? noRows : listRows(shown, deferred.sort === 'file', closed)),
    [made, shown, deferred.sort, closed],
  )
  const groups = useMemo(() => rows.flatMap((row) => (row.kind === 'group' ? [row.key] : [])), [rows])
  const ofOneStack = useMemo(() => areOneStack(groups), [groups])
  const selected = useMemo(
    () => rows.findIndex((row) => row.kind === 'tensor' && row.tensor.name === tensor),
    [rows, tensor],
  )
  // The keyboard may be at a group; a tensor that is chosen anywhere takes it along.
  const [group, setGroup] = useState<string | null>(null)
  useEffect(() => {
    if (tensor !== null) setGroup(null)
  }, [tensor])
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

  return (
    <>
      <ListHead ofPair={ofPair} shown={shown} tensors={tensors} withPlan={withPlan} />
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
                  index={index}
                  key={`group ${row.key}`}
                  ofOneStack={ofOneStack}
                  outlook={outlook}
                  row={row}
                  top={start}
                />
              )
            const { tensor: one } = row
            const compressed = isCompressed(one, selection)
            const { error, resolution, rank, kept, inInt8, planned, curve } = outlook(one)
            return (
              <TensorRow
                compressed={compressed}
                curve={curve}
                difference={ofPair ? (differences.get(one.name)?.share ?? null) : undefined}
                error={error}
                index={index}
                inInt8={inInt8}
                key={one.name}
                level={groups.length > 0 ? 2 : 1}
                planKeeps={compressed && kept && planned !== null}
                rank={planned ? rank : null}
                resolution={resolution}
                row={row}
                selected={index === selected}
                top={start}
                withPlan={withPlan}
              />
            )
          })}
        </div>
        {shown.length === 0 ? <p className="dimmed list-none">{t('list.none')}</p> : null}
      </div>
      {active >= 0 ? <p className="list-active mono small">{nameOf(rows[active]!)}</p> : null}
      <ListFooter shown={shown.length} tensors={tensors} total={numbers.count(tensors.length)} />
    </>
  )
})

const nameOf = (row: ListRow) => (row.kind === 'group' ? row.key : row.tensor.name)

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
