/** Statistics from running the model: on what, where they go, and how far it is. What comes of it is chosen at once. */
import { Button, Loader } from '@mantine/core'
import { useEffect } from 'react'
import { shareOf } from '../../../core/client/job-view.ts'
import type { FileReport } from '../../../core/contract.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { Dialog } from '../../frame/Dialog.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { calibrate, forgetCalibration, useCalibration } from '../../model/answering/calibration.ts'
import { useWork } from '../../model/looking/work.ts'
import { stemOf } from '../../model/running/recipes.ts'
import { useWords } from '../../words/words.ts'
import { SampleFields } from './SampleFields.tsx'
import { TargetFields, useTarget } from './target.tsx'

interface CalibrateDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function CalibrateDialog({ report, onClose }: CalibrateDialogProps) {
  const { t, numbers } = useWords()
  const target = useTarget((taken) => freeName(stemOf(report.name), taken))
  const { report: done, fault } = useCalibration()
  const running = useWork((state) => state.calibrate)
  const { error, busy, dismiss, attempt } = useAttempt()
  // Each opening of the dialog is about a calibration of its own.
  useEffect(() => forgetCalibration, [])
  useEffect(() => {
    if (done) onClose()
  }, [done, onClose])
  const start = () =>
    attempt(async () => {
      const chosen = await target.choose()
      if (chosen) await calibrate(chosen, target.desktop)
    })
  const share = running && shareOf(running.view)
  const wrong = error ?? fault
  return (
    <Dialog onClose={onClose} size="lg" title={t('calibrate.title', { name: report.name })}>
      <div className="compress">
        <p className="dimmed">{t('calibrate.lead')}</p>
        <SampleFields use="calibrate" />
        <TargetFields label={t('compress.name')} target={target} />
        {running ? (
          <output className="job-status">
            <Loader size={14} />
            {t('calibrate.running')}
            {share === null ? null : ` · ${numbers.tickPercent(Math.floor(share * 100) / 100)}`}
          </output>
        ) : null}
        {wrong ? <ErrorBox error={wrong} onClose={error ? dismiss : forgetCalibration} /> : null}
      </div>
      <div className="dialog-buttons">
        <Button color="gray" onClick={onClose} variant="subtle">
          {t('app.cancel')}
        </Button>
        <Button disabled={busy || running !== null || !target.ready} onClick={start}>
          {t('calibrate.start')}
        </Button>
      </div>
    </Dialog>
  )
}

/** model.statistics.safetensors, model-2.statistics.safetensors, ... */
function freeName(stem: string, taken: ReadonlySet<string>): string {
  const named = (n: number) => `${stem}${n === 1 ? '' : `-${n}`}.statistics.safetensors`
  let n = 1
  while (taken.has(named(n))) n++
  return named(n)
}
