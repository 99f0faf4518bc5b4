/** Randomized beside exact: offered while the exact values are unknown, then a small table of what each cost and reached. */
import { Button, Table } from '@mantine/core'
import type { AnalysisReport } from '../../core/contract.ts'
import { CompareIcon } from '../frame/icons.tsx'
import { compareWithExact } from '../model/analysis.ts'
import type { TensorView } from '../model/view.ts'
import { analysisUnderWay, useWork } from '../model/work.ts'
import { useWords } from '../words/words.ts'

interface ComparePanelProps {
  readonly view: TensorView
  /** Of the tensor, as the workbench shows it. */
  readonly rank: number
}

export function ComparePanel({ view, rank }: ComparePanelProps) {
  const { t, numbers } = useWords()
  const comparing = useWork((state) => {
    const wish = analysisUnderWay(state)?.wish
    return wish?.kind === 'compare' && wish.tensor === view.tensor.name
  })
  const { comparison, comparisonStale: stale } = view
  const rows = [
    ['error', (side: AnalysisReport) => side.relativeError, numbers.percent],
    // The same task on both sides: from the matrix in memory to U, s and Vt, warm.
    ['time', (side: AnalysisReport) => side.computeMs?.[0] ?? side.elapsedMs, numbers.duration],
    ['memory', (side: AnalysisReport) => side.workingBytes, numbers.bytes],
  ] as const
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? '–' : show(value)
  return (
    <section aria-label={t('compare.title')} className="compare">
      {comparison ? (
        <>
          <p
            className="compare-headline"
            data-excess={comparison.excess}
            data-stale={stale}
            data-testid="compare-headline"
          >
            {t('compare.headline', {
              excess: comparison.excess === 0 ? t('result.equal') : numbers.signedPercent(comparison.excess),
            })}
          </p>
          {stale ? <p className="compare-note">{t('compare.stale')}</p> : null}
          <Table className="compare-table" horizontalSpacing={4} tabularNums verticalSpacing={3}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">
                  {t('compare.rank', { rank: numbers.count(comparison.randomized.rank) })}
                </Table.Th>
                <Table.Th className="right" scope="col">
                  {t('compare.randomized')}
                </Table.Th>
                <Table.Th className="right" scope="col">
                  {t('compare.exact')}
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map(([label, numberOf, show]) => (
                <Table.Tr key={label}>
                  <Table.Th scope="row">{t(`compare.${label}`)}</Table.Th>
                  <Table.Td className="right">{shown(numberOf(comparison.randomized), show)}</Table.Td>
                  <Table.Td className="right">{shown(numberOf(comparison.exact), show)}</Table.Td>
                </Table.Tr>
              ))}
              <Table.Tr>
                <Table.Th scope="row">{t('compare.valueError')}</Table.Th>
                <Table.Td className="right">{numbers.percent(comparison.singularValueError.max)}</Table.Td>
                <Table.Td className="right">{numbers.percent(0)}</Table.Td>
              </Table.Tr>
            </Table.Tbody>
          </Table>
          <p className="field-help">
            {t('compare.verdict', {
              speedup: numbers.factor(comparison.speedup),
              count: comparison.randomized.threads,
            })}
          </p>
        </>
      ) : (
        <p className="field-help">{t(view.report?.method === 'exact' ? 'compare.offerExact' : 'compare.offer')}</p>
      )}
      <Button
        disabled={comparing}
        fullWidth
        leftSection={<CompareIcon />}
        loading={comparing}
        onClick={() => compareWithExact(rank)}
        size="xs"
        variant="default"
      >
        {t(comparison ? 'compare.again' : 'compare.button')}
      </Button>
    </section>
  )
}
