/** The numbers of both sides: means, and where there were several runs half the range they lie in. */
import { Table } from '@mantine/core'
import type { VersusReport } from '../../../core/contract.ts'
import { type SideName, sideNames, type VersusResult } from '../../store/versus.ts'
import { useWords } from '../../words.ts'
import { errorResolution, spreadOf } from './verdict.ts'

type Side = VersusReport['a']

export function VersusTable({ result: { report, sides } }: { readonly result: VersusResult }) {
  const { t, numbers } = useWords()
  const rows = [
    ['time', (side: Side) => side.computeMs, numbers.duration],
    ['memory', (side: Side) => [side.workingBytes], numbers.bytes],
    ['error', (side: Side) => side.errors, numbers.percent],
  ] as const
  const way = (name: SideName) => {
    const { method, algorithm, rank, oversample, nIter, seed } = report[name].report
    return method === 'exact'
      ? t('ab.exactWay', { rank: numbers.count(rank), route: t(`choices.${sides[name].exactRoute}`) })
      : t('ab.randomizedWay', {
          algorithm: t(`choices.${algorithm as 'subspace' | 'krylov'}`),
          rank: numbers.count(rank),
          oversample: numbers.count(oversample),
          seed,
          count: nIter,
        })
  }
  const { index, relative } = report.largestGap
  const degrees = (report.subspaceAngle * 180) / Math.PI
  return (
    <Table aria-label={t('ab.table')} className="ab-table" tabularNums verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Td />
          {sideNames.map((name) => (
            <Table.Th key={name} scope="col">
              <span className="ab-badge" data-side={name}>
                {t(`ab.${name}`)}
              </span>{' '}
              <span className="ab-way">{way(name)}</span>
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(([row, valuesOf, show]) => (
          <Table.Tr key={row}>
            <Table.Th scope="row">{t(`ab.rows.${row}`)}</Table.Th>
            {sideNames.map((name) => {
              const { mean, low, high, runs } = spreadOf(valuesOf(report[name]))
              return (
                <Table.Td data-testid={`ab-${row}-${name}`} data-value={mean} key={name}>
                  {show(mean)}
                  {runs > 1 ? (
                    <span className="ab-range" data-high={high} data-low={low}>
                      ± {show((high - low) / 2)}
                    </span>
                  ) : null}
                </Table.Td>
              )
            })}
          </Table.Tr>
        ))}
        <Table.Tr>
          <Table.Th scope="row">{t('ab.rows.excess')}</Table.Th>
          {report.floor === null ? (
            <Table.Td colSpan={2}>{t('ab.noFloor')}</Table.Td>
          ) : (
            sideNames.map((name) => {
              const { excess } = report[name]
              return (
                <Table.Td data-testid={`ab-excess-${name}`} data-value={excess ?? ''} key={name}>
                  {excess === null ? '–' : numbers.signedPercent(Math.abs(excess) < errorResolution ? 0 : excess)}
                </Table.Td>
              )
            })
          )}
        </Table.Tr>
        <Table.Tr>
          <Table.Th scope="row">{t('ab.rows.gap')}</Table.Th>
          <Table.Td colSpan={2} data-testid="ab-gap" data-value={relative}>
            {relative === 0 ? numbers.percent(0) : t('ab.gapAt', { gap: numbers.percent(relative), index })}
          </Table.Td>
        </Table.Tr>
        <Table.Tr>
          <Table.Th scope="row">{t('ab.rows.angle')}</Table.Th>
          <Table.Td colSpan={2} data-testid="ab-angle" data-value={report.subspaceAngle}>
            {numbers.value(degrees)}°
          </Table.Td>
        </Table.Tr>
      </Table.Tbody>
    </Table>
  )
}
