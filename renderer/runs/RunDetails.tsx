/** What a run did with each tensor: nothing is skipped in silence. */

import { Table, TextInput, UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useMemo, useState } from 'react'
import type { TensorOutcome } from '../../core/contract.ts'
import { inEnglish } from '../../core/messages/english.ts'
import { useAnswer } from '../frame/answer.ts'
import { useAttempt } from '../frame/attempt.ts'
import { Dialog } from '../frame/Dialog.tsx'
import { DottedName } from '../frame/DottedName.tsx'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { runReport } from '../model/running/run-actions.ts'
import type { RunView } from '../model/running/runs.ts'
import { useSentences, useWords } from '../words/words.ts'
import { nextSorting, outcomeRows, type SortColumn, type Sorting } from './history/outcome-rows.ts'
import { RunResult } from './RunResult.tsx'

/** Of a row with one line of name and one of reason; longer ones wrap, and a row that is drawn is measured. */
const usualHeight = 54

const none: readonly TensorOutcome[] = []

interface RunDetailsProps {
  /** Finished. */
  readonly run: RunView
  readonly onClose: () => void
}

export function RunDetails({ run, onClose }: RunDetailsProps) {
  const { runId, result: report } = run
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const [viewport, setViewport] = useState<HTMLElement | null>(null)
  const ask = useCallback(() => tensorsOf(runId), [runId])
  const { answer, error } = useAnswer(ask)
  const tensors = answer ?? none
  const [search, setSearch] = useState('')
  const [sorting, setSorting] = useState<Sorting | null>(null)
  const { error: said, dismiss, attempt } = useAttempt()
  const rows = useMemo(() => outcomeRows(tensors, search, sorting), [tensors, search, sorting])
  const virtual = useVirtualizer({
    count: rows.length,
    getItemKey: (index) => rows[index]!.name,
    getScrollElement: () => viewport,
    estimateSize: () => usualHeight,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const parts = useMemo(() => partsIn(tensors), [tensors])
  if (!report) return null
  return (
    <Dialog onClose={onClose} size={1080} title={t('run.detailsTitle', { name: report.output })}>
      <RunResult attempt={attempt} onClose={onClose} report={report} run={run} tensors={tensors} />
      {report.notices.map((notice) => (
        <p className="details-notice" key={inEnglish(notice)}>
          {sentences(notice)}
        </p>
      ))}
      {error ? <ErrorBox error={error} /> : null}
      {said ? <ErrorBox error={said} onClose={dismiss} /> : null}
      <div className="details-head">
        <h3 className="section-title">{t('run.tensors')}</h3>
        <TextInput
          aria-label={t('run.search')}
          onChange={(event) => setSearch(event.currentTarget.value)}
          placeholder={t('run.search')}
          size="xs"
          value={search}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section aria-label={t('run.details')} className="details" ref={setViewport} tabIndex={0}>
        <Table layout="fixed" stickyHeader tabularNums verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Head column="name" {...{ sorting, setSorting }} />
              <Head column="rank" w={84} {...{ sorting, setSorting }} />
              <Table.Th scope="col" w={80}>
                {t('run.columns.dtype')}
              </Table.Th>
              <Head column="error" w={92} {...{ sorting, setSorting }} />
              {parts.map((part) => (
                <Table.Th className="right" key={part} scope="col" w={88}>
                  {t(`runs.split.${part}`)}
                </Table.Th>
              ))}
              <Head column="bytes" w={172} {...{ sorting, setSorting }} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {before > 0 ? <tr style={{ height: before }} /> : null}
            {items.map(({ index }) => {
              const outcome = rows[index]!
              return (
                <Table.Tr data-index={index} key={outcome.name} ref={virtual.measureElement}>
                  <Table.Td className="details-name">
                    <DottedName name={outcome.name} />
                    <div className="dimmed small">{sentences(outcome.reason)}</div>
                  </Table.Td>
                  <Table.Td className="right">{outcome.rank === null ? '–' : numbers.count(outcome.rank)}</Table.Td>
                  <Table.Td>{outcome.factorDType ?? '–'}</Table.Td>
                  <Table.Td className="right">
                    {outcome.relativeError === null
                      ? '–'
                      : numbers.error(outcome.relativeError, outcome.resolution ?? 0)}
                  </Table.Td>
                  {parts.map((part) => (
                    <Table.Td className="right dimmed" key={part}>
                      {outcome.split ? numbers.percent(outcome.split[part]) : '–'}
                    </Table.Td>
                  ))}
                  <Table.Td className="right">
                    {numbers.bytes(outcome.bytesBefore)} → {numbers.bytes(outcome.bytesAfter)}
                  </Table.Td>
                </Table.Tr>
              )
            })}
            {after > 0 ? <tr style={{ height: after }} /> : null}
          </Table.Tbody>
        </Table>
      </section>
    </Dialog>
  )
}

async function tensorsOf(runId: string): Promise<readonly TensorOutcome[]> {
  const { report } = await runReport(runId)
  return 'tensors' in report ? report.tensors : none
}

interface HeadProps {
  readonly column: SortColumn
  readonly w?: number
  readonly sorting: Sorting | null
  readonly setSorting: (sorting: Sorting | null) => void
}

function Head({ column, w, sorting, setSorting }: HeadProps) {
  const { t } = useWords()
  const sorted = sorting?.column === column ? (sorting.descending ? 'descending' : 'ascending') : 'none'
  return (
    <Table.Th aria-sort={sorted} className={column === 'name' ? 'sortable' : 'sortable right'} scope="col" w={w}>
      <UnstyledButton onClick={() => setSorting(nextSorting(sorting, column))}>
        {t(`run.columns.${column}`)}
      </UnstyledButton>
    </Table.Th>
  )
}

/** Beyond truncation: rounding to the written dtype, and what a sparse part takes back. */
const otherParts = ['rounding', 'sparseGain'] as const
/** A part that is nowhere more than this share of an error is not worth a column. */
const notable = 0.01

/** Where the errors of this run come from; none where it is truncation alone. */
function partsIn(tensors: readonly TensorOutcome[]) {
  const others = otherParts.filter((part) =>
    tensors.some(({ split, relativeError }) => split !== undefined && split[part] > notable * (relativeError ?? 0)),
  )
  return others.length === 0 ? [] : (['truncation', ...others] as const)
}
