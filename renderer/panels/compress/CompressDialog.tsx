/** Before a run: who can open the output, where it goes, what it will weigh - and what it does not promise. */
import { Button, Modal, Radio, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { FileReport } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { saveRecipe, stemOf } from '../../actions/recipes.ts'
import { createTarget, currentRecipe, pickTarget, startRun } from '../../actions/runs.ts'
import { compressCommand } from '../../snippets/command.ts'
import { estimateFile } from '../../store/estimate.ts'
import { allowedError, goalOf } from '../../store/goal.ts'
import { usePlanShown } from '../../store/outlook.ts'
import { adapters, type OutputStyle, paramsReducers, useParams } from '../../store/params.ts'
import { useSelection } from '../../store/selection.ts'
import { useSession } from '../../store/session.ts'
import { useWords } from '../../words.ts'
import { ErrorBox } from '../ErrorBox.tsx'
import { Expected } from '../Expected.tsx'
import { useRefusal } from '../refusal.ts'
import { CopyButton } from './CopyButton.tsx'
import { FolderEntries, FolderTrail } from './FolderBrowser.tsx'
import { useFolders } from './folders.ts'

/** How the names of outputs end; an adapter is a folder. */
const endings = {
  factors: '.lowrank.safetensors',
  dense: '.dense.safetensors',
  peft: '-lora',
  kohya: '.lora.safetensors',
  npz: '.lowrank.npz',
} as const satisfies Record<OutputStyle, string>
const styles = Object.keys(endings) as OutputStyle[]

interface CompressDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function CompressDialog({ report, onClose }: CompressDialogProps) {
  const { t, numbers } = useWords()
  const desktop = useSession((state) => state.host?.kind === 'electron')
  const { params, output: style } = useParams()
  const { included, excluded } = useSelection()
  const [name, setName] = useState(() => suggestedName(report.name, style))
  const [starting, setStarting] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const folders = useFolders()
  const folder = folders.trail.at(-1)
  const estimate = useMemo(
    () => estimateFile(report.tensors, { included, excluded }, params),
    [report, included, excluded, params],
  )

  const goal = goalOf(params)
  const { answer, exact } = usePlanShown()
  const refused = useRefusal()
  const chosen = answer?.compressed ?? estimate.compressed + (goal === 'rank' ? 0 : estimate.wouldGrow)
  const chooseStyle = (chosen: OutputStyle) => {
    // A name of the user's own stays.
    if (name === suggestedName(report.name, style)) setName(suggestedName(report.name, chosen))
    paramsReducers.output(chosen)
  }
  const compress = async () => {
    setStarting(true)
    setError(null)
    try {
      const target = desktop ? await pickTarget(name) : folder ? await createTarget(folder, name) : null
      if (!target) return
      await startRun(target)
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
          void compress()
        }}
      >
        <Radio.Group label={t('compress.style')} onChange={(value) => chooseStyle(value as OutputStyle)} value={style}>
          <div className="cards">
            {styles.map((one) => (
              <Radio.Card className="card" key={one} value={one}>
                <Radio.Indicator />
                <div>
                  <div className="card-title">{t(`compress.styles.${one}.title`)}</div>
                  <div className="dimmed">{t(`compress.styles.${one}.help`)}</div>
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
              label={t('compress.name')}
              onChange={(event) => setName(event.currentTarget.value)}
              spellCheck={false}
              value={name}
            />
          </fieldset>
        )}
        {refused ? null : (
          <dl className="compress-sizes">
            <div>
              <dt>{t('bar.file')}</dt>
              <dd data-after={answer?.report.bytesAfter ?? ''} data-exact={exact} data-testid="compress-bytes">
                {numbers.bytes(estimate.bytesBefore)} →{' '}
                {answer ? (
                  <Expected estimate={estimate} />
                ) : style === 'dense' ? (
                  numbers.bytes(estimate.bytesBefore)
                ) : adapters.has(style) && goal === 'rank' ? (
                  numbers.bytes(estimate.factorBytes)
                ) : (
                  <Expected estimate={estimate} />
                )}
              </dd>
            </div>
            <div>
              <dt>{t('bar.tensors')}</dt>
              <dd>
                {t('bar.tensorsValue', {
                  number: numbers.count(chosen),
                  total: numbers.count(report.tensors.length),
                })}
              </dd>
            </div>
            {answer ? (
              <div>
                <dt>{t('plan.error')}</dt>
                <dd>{numbers.percent(answer.report.relativeError)}</dd>
              </div>
            ) : null}
            <div>
              <dt>{t(`settings.goals.${goal}`)}</dt>
              <dd>
                {goal === 'rank' ? numbers.count(params.rank) : null}
                {goal === 'error' ? t('bar.atMost', { value: numbers.percent(allowedError(params) ?? 0) }) : null}
                {goal === 'size' ? <Expected estimate={estimate} /> : null}
              </dd>
            </div>
          </dl>
        )}
        <p className="caveat">{t('compress.caveat')}</p>
        <div className="compress-foot">
          {refused ? <ErrorBox error={refused} /> : null}
          {error ? <ErrorBox error={error} onClose={() => setError(null)} /> : null}
          <div className="dialog-buttons">
            <div className="dialog-aside">
              <Button onClick={() => saveRecipe(currentRecipe(), name)} size="compact-sm" variant="subtle">
                {t('runs.saveRecipe')}
              </Button>
              <CopyButton
                label={t('runs.copyCommand')}
                text={() => compressCommand({ source: report.name, target: name, recipe: currentRecipe() })}
              />
            </div>
            <Button color="gray" onClick={onClose} variant="subtle">
              {t('app.cancel')}
            </Button>
            <Button
              disabled={refused !== null || chosen === 0 || (!desktop && (!folder || name.trim() === ''))}
              loading={starting}
              type="submit"
            >
              {t('compress.start')}
            </Button>
          </div>
        </div>
      </form>
    </Modal>
  )
}

/** model.safetensors -> model.lowrank.safetensors, whatever the source's format. */
function suggestedName(source: string, style: OutputStyle): string {
  return `${stemOf(source)}${endings[style]}`
}
