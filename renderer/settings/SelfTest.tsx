/** What randomized SVD gains on this machine, and whether the numbers computed here can be trusted. */

import { Button, Progress, Table } from '@mantine/core'
import type { SelfTestReport } from '../../core/contract.ts'
import { inEnglish } from '../../core/messages/english.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { CheckIcon, WarningIcon } from '../frame/icons.tsx'
import { useWork } from '../model/looking/work.ts'
import { useSentences, useWords } from '../words/words.ts'
import { useSelfTest } from './self-test.ts'
import { cancelSelfTest, runSelfTest } from './self-test-actions.ts'

export function SelfTestScreen() {
  const { t, numbers } = useWords()
  const { report, error } = useSelfTest()
  const underWay = useWork((state) => state.selfTest)
  const running = underWay !== null
  const { tensor: matrix = null, done = 0, total = 0 } = underWay?.view.progress ?? {}
  return (
    <main className="start">
      <div className="start-column wide">
        <h1 className="start-title">{t('selfTest.title')}</h1>
        <p className="dimmed start-lead">{t('selfTest.lead')}</p>
        <div className="drop-buttons left">
          <Button disabled={running} onClick={() => runSelfTest(false)}>
            {t('selfTest.quick')}
          </Button>
          <Button disabled={running} onClick={() => runSelfTest(true)} variant="default">
            {t('selfTest.full')}
          </Button>
        </div>
        {running ? (
          <output className="self-test-progress">
            <span>
              {t('selfTest.running', { matrix: matrix ?? '', done: numbers.count(done), total: numbers.count(total) })}
            </span>
            <Progress
              animated
              aria-label={t('selfTest.progress')}
              value={total > 0 ? (100 * (done + 0.5)) / total : 0}
            />
            <Button onClick={cancelSelfTest} size="compact-sm" variant="default">
              {t('app.cancel')}
            </Button>
          </output>
        ) : null}
        {error ? <ErrorBox error={error} /> : null}
        {report ? <Outcome report={report} /> : null}
      </div>
    </main>
  )
}

function Outcome({ report }: { readonly report: SelfTestReport }) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  return (
    <>
      <section aria-label={t('selfTest.checks')} data-passed={report.passed} data-testid="self-test">
        <h2 className="verdict" data-passed={report.passed}>
          {t(report.passed ? 'selfTest.passed' : 'selfTest.failed')}
        </h2>
        <ul className="checks">
          {report.checks.map(({ claim, passed }) => (
            <li data-passed={passed} key={inEnglish(claim)}>
              {passed ? <CheckIcon /> : <WarningIcon />}
              {sentences(claim)}
            </li>
          ))}
        </ul>
      </section>
      <section aria-label={t('selfTest.table')} className="self-test-table">
        <Table tabularNums>
          <Table.Thead>
            <Table.Tr>
              <Table.Th rowSpan={2} scope="col">
                {t('selfTest.columns.matrix')}
              </Table.Th>
              {(['time', 'memory', 'error'] as const).map((group) => (
                <Table.Th className="middle" colSpan={group === 'time' ? 3 : 2} key={group} scope="colgroup">
                  {t(`selfTest.columns.${group}`)}
                </Table.Th>
              ))}
              <Table.Th className="right" rowSpan={2} scope="col">
                {t('selfTest.columns.values')}
              </Table.Th>
            </Table.Tr>
            <Table.Tr>
              {(['exact', 'randomized', 'speedup', 'exact', 'randomized', 'exact', 'randomized'] as const).map(
                (column, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the columns never change
                  <Table.Th className="right" key={i} scope="col">
                    {t(`selfTest.columns.${column}`)}
                  </Table.Th>
                ),
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {report.rows.map((row) => (
              <Table.Tr key={row.size}>
                <Table.Th scope="row">{t('selfTest.matrix', { size: row.size, rank: row.rank })}</Table.Th>
                <Table.Td className="right">{numbers.duration(row.exactMs)}</Table.Td>
                <Table.Td className="right">{numbers.duration(row.randomizedMs)}</Table.Td>
                <Table.Td className="right">{t('selfTest.times', { factor: numbers.factor(row.speedup) })}</Table.Td>
                <Table.Td className="right">{numbers.bytes(row.exactBytes)}</Table.Td>
                <Table.Td className="right">{numbers.bytes(row.randomizedBytes)}</Table.Td>
                <Table.Td className="right">{numbers.percent(row.exactError)}</Table.Td>
                <Table.Td className="right">{numbers.percent(row.randomizedError)}</Table.Td>
                <Table.Td className="right">
                  {numbers.percent(row.singularValueError.mean)} / {numbers.percent(row.singularValueError.max)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      <p className="dimmed small">
        {t('selfTest.machine', {
          kernel: report.kernel,
          arithmetic: t(`engine.${report.arithmetic}`),
          count: report.threads,
        })}
      </p>
    </>
  )
}
