/** All runs of the host, those of earlier days and of the command line too: what is at work, then what ended, newest first. */
import { Button, Table, TextInput, VisuallyHidden } from '@mantine/core'
import { useState } from 'react'
import { useAnswer } from '../../frame/answer.ts'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { refreshRuns } from '../../model/running/run-actions.ts'
import { isActive, useRuns } from '../../model/running/runs.ts'
import { useWords } from '../../words/words.ts'
import { ActiveRun } from '../ActiveRun.tsx'
import { CompareRuns } from './CompareRuns.tsx'
import { HistoryRow } from './HistoryRow.tsx'

/** Rows shown at first, and more with each wish: a year of runs is not drawn at once. */
const page = 50

export function HistoryScreen() {
  const { t, numbers } = useWords()
  const runs = useRuns((state) => state.runs)
  const [most, setMost] = useState(page)
  // The list is kept where whatever a host says by itself arrives too.
  const { error: unlisted } = useAnswer(refreshRuns)
  const [search, setSearch] = useState('')
  /** Runs to hold against each other, the first as A. */
  const [chosen, setChosen] = useState<readonly string[]>([])
  const active = runs.filter(isActive)
  const wanted = search.trim().toLowerCase()
  const ended = runs.filter(
    (run) => !isActive(run) && [run.sourceName, run.target].some((name) => name.toLowerCase().includes(wanted)),
  )
  const [a, b] = chosen.map((runId) => runs.find((run) => run.runId === runId))
  // A third takes the place of the second.
  const choose = (runId: string) =>
    setChosen((before) =>
      before.includes(runId) ? before.filter((other) => other !== runId) : [...before.slice(0, 1), runId],
    )
  const rest = ended.length - most
  return (
    <main className="start">
      <div className="start-column history">
        <div className="details-head">
          <h1 className="start-title">{t('history.title')}</h1>
          {runs.length > 1 ? (
            <TextInput
              aria-label={t('history.search')}
              onChange={(event) => setSearch(event.currentTarget.value)}
              placeholder={t('history.search')}
              size="xs"
              value={search}
            />
          ) : null}
        </div>
        {unlisted ? <ErrorBox error={unlisted} /> : null}
        {runs.length === 0 ? <p className="dimmed start-lead">{t('history.empty')}</p> : null}
        {active.length > 0 ? (
          <section aria-label={t('history.active')} className="history-active">
            {active.map((run) => (
              <ActiveRun key={run.runId} run={run} />
            ))}
          </section>
        ) : null}
        {a && b ? (
          <CompareRuns a={a} b={b} onClose={() => setChosen([])} />
        ) : ended.filter(({ result, choices }) => result !== null && choices.kind === 'compress').length > 1 ? (
          <p className="dimmed small">{t('history.compareHint')}</p>
        ) : null}
        {ended.length > 0 ? (
          <section aria-label={t('history.ended')} className="history-table">
            <Table tabularNums verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col" w={56}>
                    <VisuallyHidden>{t('history.compare')}</VisuallyHidden>
                  </Table.Th>
                  <Table.Th scope="col">{t('history.columns.run')}</Table.Th>
                  <Table.Th scope="col">{t('history.columns.bytes')}</Table.Th>
                  <Table.Th className="right" scope="col">
                    {t('history.columns.error')}
                  </Table.Th>
                  <Table.Th className="right" scope="col">
                    {t('history.columns.time')}
                  </Table.Th>
                  <Table.Th scope="col">
                    <VisuallyHidden>{t('history.columns.actions')}</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {ended.slice(0, most).map((run) => (
                  <HistoryRow
                    key={run.runId}
                    letter={run.runId === chosen[0] ? 'A' : run.runId === chosen[1] ? 'B' : null}
                    onChoose={() => choose(run.runId)}
                    run={run}
                  />
                ))}
              </Table.Tbody>
            </Table>
          </section>
        ) : null}
        {rest > 0 ? (
          <Button className="history-more" onClick={() => setMost(most + page)} variant="default">
            {t('history.more', { count: rest, number: numbers.count(rest) })}
          </Button>
        ) : null}
      </div>
    </main>
  )
}
