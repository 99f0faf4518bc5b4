/** Statistics of the model's inputs: picked as a file, or made by running the model. What they are and how much they cover is said before anything is weighed. */
import { Button, CloseButton, Loader } from '@mantine/core'
import type { FileReport } from '../../core/contract.ts'
import { hasGraph } from '../../core/weight-formats.ts'
import { statisticsReducers, useStatistics } from '../choices/statistics.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { chooseStatistics, clearStatistics } from '../model/answering/statistics.ts'
import { ModelPicker } from '../runs/dialogs/ModelPicker.tsx'
import { useSentences, useWords } from '../words/words.ts'

interface StatisticsFieldsProps {
  readonly report: FileReport
  readonly onCalibrate: () => void
}

export function StatisticsFields({ report, onCalibrate }: StatisticsFieldsProps) {
  const { t } = useWords()
  const { chosen, reading, fault, wanted } = useStatistics()
  return (
    <section aria-labelledby="statistics-title" className="field" data-testid="statistics">
      <h2 className="section-title" id="statistics-title">
        {t('statistics.title')}
      </h2>
      {chosen ? <Chosen /> : <p className="field-help">{t('statistics.help')}</p>}
      {wanted === null || wanted === chosen?.look.hash ? null : (
        <p className="plan-refused" role="note">
          {t('statistics.recipe', { hash: wanted.slice(0, 12) })}
        </p>
      )}
      {reading === null || reading === '' ? null : (
        <output className="job-status">
          <Loader size={14} /> {t('statistics.reading', { name: reading })}
        </output>
      )}
      {fault ? <ErrorBox error={fault} onClose={statisticsReducers.dismissed} /> : null}
      <div className="recipe-buttons">
        <ModelPicker
          anyFile
          disabled={reading !== null}
          label={t('statistics.title')}
          onPick={(grant) => void chooseStatistics('', () => grant)}
          testId="statistics-upload"
        />
        {hasGraph(report.format) ? (
          <Button onClick={onCalibrate} size="compact-sm" variant="default">
            {t('calibrate.button')}
          </Button>
        ) : null}
      </div>
    </section>
  )
}

/** Its name, its kind, and how much of the model it covers. */
function Chosen() {
  const { t } = useWords()
  const sentences = useSentences()
  const chosen = useStatistics((state) => state.chosen)
  if (!chosen) return null
  const { form, calibration, covered, total, notices } = chosen.look
  return (
    <div className="statistics-chosen" data-covered={covered} data-form={form} data-total={total}>
      <div className="statistics-name">
        <strong className="ellipsis" title={chosen.grant.name}>
          {chosen.grant.name}
        </strong>
        <CloseButton aria-label={t('statistics.clear')} onClick={clearStatistics} size="sm" />
      </div>
      <p className="field-help">
        {t(`statistics.forms.${form}`)}
        {t('app.gap')}
        {sentences(notices)}
        {t('app.gap')}
        {calibration ? t(`statistics.${calibration.inputs}`, { count: calibration.samples }) : null}
      </p>
    </div>
  )
}
