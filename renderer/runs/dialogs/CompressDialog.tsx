/** Before a run: what becomes of the model and what that does not promise, who can open the output, and where it goes. */
import { Button } from '@mantine/core'
import type { FileReport } from '../../../core/contract.ts'
import { say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { compressCommand } from '../../../core/report/command.ts'
import { type StyleId, styleIds, styles } from '../../../core/styles.ts'
import { hasGraph } from '../../../core/weight-formats.ts'
import { paramsReducers, useParams } from '../../choices/params.ts'
import { useStatistics } from '../../choices/statistics.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { Dialog } from '../../frame/Dialog.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { useSession } from '../../frame/session.ts'
import { useForecast } from '../../model/figures/forecast.ts'
import { canCompress, useOutcome } from '../../model/figures/outcome.ts'
import { usePlanShown } from '../../model/figures/outlook.ts'
import { saveRecipe } from '../../model/running/recipes.ts'
import { currentRecipe, startRun } from '../../model/running/run-actions.ts'
import { LargeChange, UnknownChange } from '../../outcome/LargeChange.tsx'
import { PlannedOutcome } from '../../outcome/PlannedOutcome.tsx'
import { useSentences, useWords } from '../../words/words.ts'
import { CopyButton } from '../CopyButton.tsx'
import { FormChoice } from './FormChoice.tsx'
import { TargetFields, useTarget } from './target.tsx'
import { targetName } from './target-name.ts'

interface CompressDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function CompressDialog({ report, onClose }: CompressDialogProps) {
  const { t } = useWords()
  const host = useSession((state) => state.host)
  const { params, output: style } = useParams()
  const target = useTarget((taken) => targetName(report.name, style, params, taken))
  const { name } = target
  const { error, busy, dismiss, attempt } = useAttempt()

  const sentences = useSentences()
  const { answer } = usePlanShown()
  // Of this output; what the file is was said when it was opened.
  const known = new Set(report.notices.map(sentences))
  const said = (answer?.report.notices ?? [])
    // Said in the outcome above.
    .filter(({ key }) => key !== 'nothing.compressed')
    .map(sentences)
    .filter((notice) => !known.has(notice))
  const outcome = useOutcome()
  const forecast = useForecast(outcome)
  const weighted = useStatistics(({ chosen }) => chosen !== null)
  const refusalOf = (one: StyleId): Message | undefined =>
    styles[one].isGraph && !hasGraph(report.format)
      ? say('request.no-graph')
      : report.cannotBecome?.find(({ output }) => output === one)?.why
  // An error that is not known is not a small one.
  const unknown = canCompress(outcome) && outcome.state !== 'planned'
  const large = unknown || (outcome.state === 'planned' && outcome.verdict === 'large')
  const compress = () =>
    attempt(async () => {
      const chosen = await target.choose()
      if (!chosen) return
      await startRun(chosen, target.desktop)
      onClose()
    })

  return (
    <Dialog onClose={onClose} size={680} yOffset="4dvh" title={t('compress.title', { name: report.name })}>
      <form
        className="compress"
        onSubmit={(event) => {
          event.preventDefault()
          if (!large) compress()
        }}
      >
        <div className="outcome-plain" data-testid="compress-outcome">
          <PlannedOutcome outcome={outcome} />
        </div>
        {unknown ? <UnknownChange /> : large ? <LargeChange /> : null}
        <FormChoice
          forms={styleIds.map((id) => ({
            id,
            title: t(`compress.styles.${id}.title`),
            help: t(`compress.styles.${id}.help`),
            disabled: refusalOf(id) !== undefined,
          }))}
          label={t('compress.style')}
          onChange={paramsReducers.output}
          value={style as StyleId}
        />
        <TargetFields label={t('compress.name')} target={target} />
        {/* Why a card cannot be chosen: below what has to be filled in, which a low window shows without scrolling. */}
        {styleIds.map((id) => {
          const why = refusalOf(id)
          return why ? (
            <p className="dimmed small" key={id}>
              {t('compress.refused', { style: t(`compress.styles.${id}.title`), why: sentences(why) })}
            </p>
          ) : null
        })}
        {said.map((notice) => (
          <p className="caveat" key={notice} role="note">
            {notice}
          </p>
        ))}
        {forecast ? (
          <p className="caveat" data-testid="forecast" role="note">
            {sentences(forecast)}
          </p>
        ) : null}
        {large && !unknown ? null : (
          <p className="caveat">{t(weighted ? 'compress.caveatOutputs' : 'compress.caveat')}</p>
        )}
        <div className="compress-foot">
          {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
          <div className="dialog-buttons">
            <div className="dialog-aside">
              <Button onClick={() => saveRecipe(currentRecipe(), name)} size="compact-sm" variant="subtle">
                {t('runs.saveRecipe')}
              </Button>
              <CopyButton
                label={t('runs.copyCommand')}
                text={() =>
                  compressCommand({
                    sourcePath: report.name,
                    target: name,
                    recipe: currentRecipe(),
                    statisticsPath: useStatistics.getState().chosen?.grant.name,
                    ...(host && { program: host.command, platform: host.platform }),
                  })
                }
              />
            </div>
            <Button color="gray" onClick={onClose} variant="subtle">
              {t('app.cancel')}
            </Button>
            <Button
              color={large ? 'orange' : 'ghost'}
              className={large ? 'anyway' : ''}
              disabled={!canCompress(outcome) || !target.ready}
              loading={busy}
              // Enter in a field writes nothing that the words of this button have not been read for.
              {...(large ? { onClick: compress, type: 'button' } : { type: 'submit' })}
            >
              {t(large ? 'compress.anyway' : 'compress.start')}
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  )
}
