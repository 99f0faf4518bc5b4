/** Two runs of the history beside each other: a sentence, the figures, and the tensors in which they differ most. */
import { Button, Table } from '@mantine/core'
import { useCallback, useMemo, useState } from 'react'
import type { CompressionReport } from '../../../core/contract.ts'
import { type RunDifference, runDifference } from '../../../core/report/run-difference.ts'
import { useAnswer } from '../../frame/answer.ts'
import { DottedName } from '../../frame/DottedName.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { runReport } from '../../model/running/run-actions.ts'
import { type RunView, useRuns } from '../../model/running/runs.ts'
import { useWords } from '../../words/words.ts'
import { RunsTradeOff } from './RunsTradeOff.tsx'

interface CompareRunsProps {
  readonly a: RunView
  readonly b: RunView
  readonly onClose: () => void
}

/** null where one of them is no compression. */
async function reportsOf(a: string, b: string): Promise<readonly [CompressionReport, CompressionReport] | null> {
  const found = await Promise.all([runReport(a), runReport(b)])
  const [first, second] = found.flatMap((each) => (each.kind === 'compress' ? [each.report] : []))
  return first && second ? [first, second] : null
}

/** Shown at first; the others with a press. */
const few = 8
const many = 500

export function CompareRuns({ a, b, onClose }: CompareRunsProps) {
  const { t, numbers } = useWords()
  const ask = useCallback(() => reportsOf(a.runId, b.runId), [a.runId, b.runId])
  const { answer: reports, error } = useAnswer(ask)
  const [all, setAll] = useState(false)
  const found = useMemo(() => reports && runDifference(...reports), [reports])
  const sentence = useSentence()
  const runs = useRuns((state) => state.runs)
  const others = useMemo(
    () =>
      runs.flatMap(({ runId, choices, result }) =>
        result &&
        choices.kind === 'compress' &&
        result.source === reports?.[0].source &&
        ![a.runId, b.runId].includes(runId)
          ? [result]
          : [],
      ),
    [runs, reports, a.runId, b.runId],
  )
  // Sizes and errors of two models are no points of one curve.
  const sameSource = reports && reports[0].source === reports[1].source
  return (
    <section aria-label={t('history.compare')} className="compare-runs" data-testid="compare-runs">
      <div className="details-head">
        <h2 className="section-title">{found ? sentence(found) : t('history.compare')}</h2>
        <Button onClick={onClose} size="compact-sm" variant="subtle">
          {t('app.close')}
        </Button>
      </div>
      {error ? <ErrorBox error={error} /> : null}
      {found && reports ? (
        <div className="compare-columns">
          {sameSource ? <RunsTradeOff a={reports[0]} b={reports[1]} name={a.sourceName} others={others} /> : null}
          <div className="compare-numbers">
            <Figures found={found} reports={reports} />
            <Table aria-label={t('history.differ')} tabularNums verticalSpacing={4}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{t('history.differ')}</Table.Th>
                  <Table.Th className="right" scope="col">
                    A
                  </Table.Th>
                  <Table.Th className="right" scope="col">
                    B
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {found.tensors.slice(0, all ? many : few).map((tensor) => (
                  <Table.Tr key={tensor.name}>
                    <Table.Th className="compare-name" scope="row">
                      <DottedName name={tensor.name} />
                    </Table.Th>
                    {[tensor.a, tensor.b].map((value, side) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: A and B, always
                      <Table.Td className="right nowrap" key={side}>
                        {value === null ? '–' : numbers.error(value, tensor.resolution)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            {found.tensors.length === 0 ? <p className="dimmed small">{t('history.same')}</p> : null}
            {!all && found.tensors.length > few ? (
              <Button onClick={() => setAll(true)} size="compact-sm" variant="default">
                {t('history.everyTensor', {
                  count: found.tensors.length,
                  number: numbers.count(found.tensors.length),
                })}
              </Button>
            ) : null}
          </div>
        </div>
      ) : null}
    </section>
  )
}

interface FiguresProps {
  readonly found: RunDifference
  readonly reports: readonly [CompressionReport, CompressionReport]
}

function Figures({ found, reports }: FiguresProps) {
  const { t, numbers } = useWords()
  const signed = (value: number, show: (size: number) => string) =>
    value === 0 ? '–' : `${value < 0 ? '−' : '+'}${show(Math.abs(value))}`
  const [a, b] = reports
  const worst = (run: 'a' | 'b') => numbers.error(found.worst[run].error, found.worst[run].resolution)
  const rows = [
    ['size', numbers.bytes(a.bytesAfter), numbers.bytes(b.bytesAfter), signed(found.bytes, numbers.bytes)],
    [
      'error',
      numbers.error(found.errors.a, a.resolution ?? 0),
      numbers.error(found.errors.b, b.resolution ?? 0),
      signed(found.error, (points) => t('history.points', { points: numbers.value(100 * points) })),
    ],
    ['time', numbers.duration(a.elapsedMs), numbers.duration(b.elapsedMs), signed(found.elapsedMs, numbers.duration)],
    [
      'compressed',
      numbers.count(found.compressed.a),
      numbers.count(found.compressed.b),
      signed(found.compressed.a - found.compressed.b, numbers.count),
    ],
    ['worst', worst('a'), worst('b'), ''],
  ] as const
  return (
    <Table aria-label={t('history.figures')} tabularNums verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Td />
          {['A', 'B', t('history.difference')].map((head) => (
            <Table.Th className="right" key={head} scope="col">
              {head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(([row, ...cells]) => (
          <Table.Tr key={row}>
            <Table.Th scope="row">{t(`history.rows.${row}`)}</Table.Th>
            {cells.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: A, B and their difference, always
              <Table.Td className="right nowrap" key={at}>
                {cell}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** "A is 52.5 MB smaller; its model error is 18 points higher." */
function useSentence(): (found: RunDifference) => string {
  const { t, numbers } = useWords()
  return ({ bytes, error }) => {
    const size = bytes === 0 ? 'equal' : bytes < 0 ? 'smaller' : 'larger'
    const errors = error === 0 ? 'equal' : error < 0 ? 'lower' : 'higher'
    return t('history.sentence2', {
      size: t(`history.size.${size}`, { bytes: numbers.bytes(Math.abs(bytes)) }),
      error: t(`history.error.${errors}`, { points: numbers.value(100 * Math.abs(error)) }),
    })
  }
}
