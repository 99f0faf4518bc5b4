/** The numbers of both sides: means, and where there were several runs how far they lie apart. */
import { Table } from '@mantine/core'
import type { VersusReport } from '../../core/contract.ts'
import { type SideName, type Spread, sideNames, spreadOf, type VersusResult } from '../model/looking/versus.ts'
import { useWords } from '../words/words.ts'

type Side = VersusReport['a']

export function VersusTable({ result: { report, sides } }: { readonly result: VersusResult }) {
  const { t, numbers } = useWords()
  // A slow run among quick ones lies far from their mean, so times are given as they range.
  const between = ({ low, high }: Spread) => t('ab.range', { low: numbers.duration(low), high: numbers.duration(high) })
  const around = ({ low, high }: Spread) => `± ${numbers.tickPercent(Number(((high - low) / 2).toPrecision(2)))}`
  const rows = [
    ['time', (side: Side) => side.computeMs, numbers.duration, between],
    ['memory', (side: Side) => [side.workingBytes], numbers.bytes, null],
    ['error', (side: Side) => side.errors, (mean: number) => numbers.error(mean, report.resolution), around],
  ] as const
  const way = (name: SideName) => {
    const { method, algorithm, rank, oversample, nIter, seed } = report[name].report
    return method === 'exact'
      ? t('ab.exactWay', { rank: numbers.count(rank), route: t(`choices.${sides[name].exactRoute}`) })
      : t('ab.randomizedWay', {
          algorithm: t(`choices.${algorithm as 'subspace' | 'krylov' | 'adaptive'}`),
          rank: numbers.count(rank),
          oversample: numbers.count(oversample),
          seed,
          count: nIter,
        })
  }
  const { index, relative } = report.largestGap
  const { subspaceAngle: angle, canonicalAngles } = report
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
              <span className="ab-way">
                {[way(name), report[name].report.device].filter((part) => part !== undefined).join(' · ')}
              </span>
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(([row, listOf, show, showSpread]) => (
          <Table.Tr key={row}>
            <Table.Th scope="row">{t(`ab.rows.${row}`)}</Table.Th>
            {sideNames.map((name) => {
              const spread = spreadOf(listOf(report[name]))
              return (
                <Table.Td data-testid={`ab-${row}-${name}`} data-value={spread.mean} key={name}>
                  {show(spread.mean)}{' '}
                  {spread.runs > 1 && showSpread ? (
                    <span className="ab-range" data-high={spread.high} data-low={spread.low}>
                      {showSpread(spread)}
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
                  {excess === null ? '–' : excess === 0 ? t('result.equal') : numbers.signedPercent(excess)}
                </Table.Td>
              )
            })
          )}
        </Table.Tr>
        <Table.Tr>
          <Table.Th scope="row">{t('ab.rows.gap')}</Table.Th>
          <Table.Td colSpan={2} data-testid="ab-gap" data-value={relative}>
            {relative === 0 ? t('result.equal') : t('ab.gapAt', { gap: numbers.percent(relative), index })}
          </Table.Td>
        </Table.Tr>
        <Table.Tr>
          <Table.Th scope="row">{t('ab.rows.angle')}</Table.Th>
          <Table.Td colSpan={2} data-testid="ab-angle" data-value={angle ?? ''}>
            {angle === null
              ? t('ab.angleUnknown', { rank: numbers.count(canonicalAngles.rank) })
              : `${numbers.value((angle * 180) / Math.PI)}°`}
          </Table.Td>
        </Table.Tr>
      </Table.Tbody>
    </Table>
  )
}
