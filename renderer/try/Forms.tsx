/** Which form keeps the answers: original, INT8, plain and weighted low rank, both together, as the engine has written and run them. */
import { Button, Loader, Select, Table } from '@mantine/core'
import { shareOf } from '../../core/client/job-view.ts'
import { type AnswerRow, type AnswersReport, hadAnswerGoal } from '../../core/contract.ts'
import { phaseWords } from '../../core/phases.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { CheckIcon } from '../frame/icons.tsx'
import {
  cancelForms,
  chooseForm,
  compareForms,
  dismissForms,
  leaveAnswerGoal,
  setAnswerGoal,
  useAnswers,
} from '../model/answering/answers.ts'
import { useWork } from '../model/looking/work.ts'
import { AnswerShare, firstAnswerGoals } from '../outcome/AnswerGoal.tsx'
import { atStart, useSentences, useWords } from '../words/words.ts'
import { useErrorWords } from './form-words.ts'

export function Forms() {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const { goal, opening, report, fault } = useAnswers()
  const running = useWork((state) => state.answers)
  const share = running && shareOf(running.view)
  const phase = running?.view.progress?.phase
  return (
    <section aria-labelledby="forms-title" className="forms" data-testid="forms">
      <h2 className="section-title" id="forms-title">
        {t('forms.title')}
      </h2>
      <p className="dimmed small">{t('forms.lead')}</p>
      <div className="samples-row">
        <Select
          allowDeselect={false}
          aria-label={t('forms.goal')}
          data={(['none', 'error', 'agreement'] as const).map((value) => ({ value, label: t(`forms.goals.${value}`) }))}
          onChange={(kind) =>
            kind === 'error' || kind === 'agreement' ? setAnswerGoal(firstAnswerGoals[kind]) : leaveAnswerGoal()
          }
          size="xs"
          value={goal?.kind ?? 'none'}
          w={240}
        />
        {goal ? <AnswerShare goal={goal} /> : null}
        {running || opening ? (
          <>
            <output className="job-status">
              <Loader size={14} />
              {phase ? atStart(sentences(phaseWords(phase))) : t('try.running')}
              {share === null ? null : ` · ${numbers.tickPercent(Math.floor(share * 100) / 100)}`}
            </output>
            <Button color="gray" onClick={cancelForms} size="xs" variant="light">
              {t('app.cancel')}
            </Button>
          </>
        ) : (
          <Button onClick={() => void compareForms()} size="xs" variant="default">
            {t('forms.start')}
          </Button>
        )}
      </div>
      {fault ? <ErrorBox error={fault} onClose={dismissForms} /> : null}
      {report ? <FormsTable report={report} /> : null}
    </section>
  )
}

function FormsTable({ report }: { readonly report: AnswersReport }) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const errorWords = useErrorWords()
  const { rows, chosen, chosenBy, inputs, calibration, heldOut, notices } = report
  // Of this report, whatever is asked for by now.
  const hadGoal = hadAnswerGoal(report)
  return (
    <div className="try-result" data-testid="forms-result">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section aria-label={t('forms.title')} className="try-table" tabIndex={0}>
        <Table tabularNums verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t('forms.form')}</Table.Th>
              {(['bytes', 'error', 'agreement', 'ratio'] as const).map((column) => (
                <Table.Th className="right" key={column} scope="col" title={t(`try.help.${column}`)}>
                  {t(`try.columns.${column}`)}
                </Table.Th>
              ))}
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row, i) => (
              <Table.Tr
                data-chosen={i === chosen}
                data-error={row.heldOut.error ?? ''}
                data-form={row.form}
                data-testid="forms-row"
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a finished report
                key={i}
              >
                <Table.Th scope="row">
                  {i === chosen ? <CheckIcon size={16} /> : null} <FormName row={row} />
                </Table.Th>
                <Table.Td className="right nowrap">
                  {numbers.bytes(row.bytes)}
                  <span className="ab-range"> {numbers.percent(row.share)}</span>
                </Table.Td>
                <Table.Td className="right">
                  {row.form === 'original' ? '–' : errorWords(row.heldOut.notFinite, row.heldOut.error)}
                </Table.Td>
                <Table.Td className="right">
                  {row.form === 'original' || row.heldOut.agreement === null
                    ? '–'
                    : numbers.percent(row.heldOut.agreement)}
                </Table.Td>
                <Table.Td className="right nowrap">
                  {row.latencyRatio === null
                    ? row.form === 'original'
                      ? '1'
                      : '–'
                    : `${numbers.ratio(row.latencyRatio.median)} (${t('ab.range', { low: numbers.ratio(row.latencyRatio.low), high: numbers.ratio(row.latencyRatio.high) })})`}
                </Table.Td>
                <Table.Td className="right">
                  {row.choices ? (
                    <Button
                      onClick={() => chooseForm(row)}
                      size="compact-sm"
                      variant={i === chosen ? 'filled' : 'default'}
                    >
                      {t('forms.use')}
                    </Button>
                  ) : null}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      <p className="dimmed small">
        {t(`forms.${inputs}`, { calibration: numbers.count(calibration), heldOut: numbers.count(heldOut) })}
        {t('app.gap')}
        {chosen !== null ? t(`forms.chosenBy.${hadGoal ? 'goal' : chosenBy}`) : hadGoal ? t('forms.noneChosen') : null}
      </p>
      {notices.map(sentences).map((notice) => (
        <p className="caveat" key={notice} role="note">
          {notice}
        </p>
      ))}
    </div>
  )
}

/** "Low rank, water-filling on relative errors" */
function FormName({ row: { form, allocation, meetsGoal } }: { readonly row: AnswerRow }) {
  const { t } = useWords()
  return (
    <>
      <span>{t(`forms.names.${form}`)}</span>{' '}
      <span className="dimmed small">
        {[
          allocation === null ? null : t(`forms.allocations.${allocation}`),
          meetsGoal === false ? t('forms.misses') : null,
        ]
          .filter((part) => part !== null)
          .join(' · ')}
      </span>
    </>
  )
}
