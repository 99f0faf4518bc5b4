/** Before a run: what becomes of the model and what that does not promise, who can open the output, and where it goes. */
import { Button, Modal, Radio, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { FileReport } from '../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { compressCommand } from '../../core/report/command.ts'
import { type StyleId, styleIds, styles } from '../../core/styles.ts'
import { hasGraph } from '../../core/weight-formats.ts'
import { paramsReducers, useParams } from '../choices/params.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useSession } from '../frame/session.ts'
import { canCompress, useOutcome } from '../model/outcome.ts'
import { usePlanShown } from '../model/outlook.ts'
import { saveRecipe } from '../model/recipes.ts'
import { createTarget, currentRecipe, lastOutputFolder, pickTarget, startRun } from '../model/run-actions.ts'
import { LargeChange } from '../outcome/LargeChange.tsx'
import { PlannedOutcome } from '../outcome/PlannedOutcome.tsx'
import { useSentences, useWords } from '../words/words.ts'
import { CopyButton } from './CopyButton.tsx'
import { FolderEntries, FolderTrail } from './FolderBrowser.tsx'
import { useFolders } from './folders.ts'
import { targetName } from './target-name.ts'

interface CompressDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function CompressDialog({ report, onClose }: CompressDialogProps) {
  const { t } = useWords()
  const desktop = useSession((state) => state.host?.kind === 'electron')
  const host = useSession((state) => state.host)
  const { params, output: style } = useParams()
  /** null: the suggestion follows style, goal and folder. */
  const [ownName, setOwnName] = useState<string | null>(null)
  const [starting, setStarting] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const folders = useFolders(lastOutputFolder)
  const folder = folders.trail.at(-1)

  const sentences = useSentences()
  const { answer } = usePlanShown()
  // Of this output; what the file is was said when it was opened.
  const known = new Set(report.notices.map(sentences))
  const said = (answer?.report.notices ?? []).map(sentences).filter((notice) => !known.has(notice))
  const outcome = useOutcome()
  const lacksGraph = (one: StyleId) => styles[one].isGraph && !hasGraph(report.format)
  const large = outcome.state === 'planned' && outcome.verdict === 'large'
  const taken = useMemo(
    () => new Set(folder && folders.entries?.map(({ grant }) => grant.name)),
    [folder, folders.entries],
  )
  const name = ownName ?? targetName(report.name, style, params, taken)
  const compress = async () => {
    setStarting(true)
    setError(null)
    try {
      const target = desktop ? await pickTarget(name) : folder ? await createTarget(folder, name) : null
      if (!target) return
      // The system's own dialog asks before it names a file that exists.
      await startRun(target, desktop)
      onClose()
    } catch (fault) {
      setError(toErrorReport(fault))
    } finally {
      setStarting(false)
    }
  }

  return (
    <Modal
      closeButtonProps={{ 'aria-label': t('app.close') }}
      onClose={onClose}
      opened
      size={680}
      yOffset="4dvh"
      title={t('compress.title', { name: report.name })}
    >
      <form
        className="compress"
        onSubmit={(event) => {
          event.preventDefault()
          if (!large) void compress()
        }}
      >
        <div className="outcome-plain" data-testid="compress-outcome">
          <PlannedOutcome outcome={outcome} />
        </div>
        {large ? <LargeChange /> : null}
        <Radio.Group
          label={t('compress.style')}
          onChange={(value) => paramsReducers.output(value as StyleId)}
          value={style}
        >
          <div className="cards">
            {styleIds.map((one) => (
              <Radio.Card className="card" disabled={lacksGraph(one)} key={one} value={one}>
                <Radio.Indicator />
                <div>
                  <div className="card-title">{t(`compress.styles.${one}.title`)}</div>
                  <div className="dimmed">
                    {lacksGraph(one) ? sentences(say('request.no-graph')) : t(`compress.styles.${one}.help`)}
                  </div>
                </div>
              </Radio.Card>
            ))}
          </div>
        </Radio.Group>
        {desktop ? null : (
          <fieldset className="target">
            <legend>{t('compress.where')}</legend>
            <FolderTrail folders={folders} />
            <FolderEntries folders={folders} />
            <TextInput
              error={taken.has(name) ? t('compress.taken', { name }) : null}
              label={t('compress.name')}
              onChange={(event) => setOwnName(event.currentTarget.value)}
              spellCheck={false}
              value={name}
            />
          </fieldset>
        )}
        {said.map((notice) => (
          <p className="caveat" key={notice} role="note">
            {notice}
          </p>
        ))}
        {large ? null : <p className="caveat">{t('compress.caveat')}</p>}
        <div className="compress-foot">
          {error ? <ErrorBox error={error} onClose={() => setError(null)} /> : null}
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
              disabled={!canCompress(outcome) || (!desktop && (!folder || name.trim() === '' || taken.has(name)))}
              loading={starting}
              // Enter in a field writes nothing that the words of this button have not been read for.
              {...(large ? { onClick: () => void compress(), type: 'button' } : { type: 'submit' })}
            >
              {t(large ? 'compress.anyway' : 'compress.start')}
            </Button>
          </div>
        </div>
      </form>
    </Modal>
  )
}
