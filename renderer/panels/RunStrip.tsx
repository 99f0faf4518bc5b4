/** Compression runs: progress, then what was saved and how it was checked. They go on while the page looks at something else. */
import { ActionIcon, Button, Progress } from '@mantine/core'
import { useState } from 'react'
import { cancelRun, showInFolder } from '../actions/runs.ts'
import { CheckIcon, CloseIcon } from '../icons.tsx'
import { type RunView, runsReducers, timeLeftMs, useRuns } from '../store/runs.ts'
import { useSession } from '../store/session.ts'
import { usePhase, useWords } from '../words.ts'
import { ErrorBox } from './ErrorBox.tsx'
import { RunDetails } from './RunDetails.tsx'

export function RunStrip() {
  const { runs, dismissed } = useRuns()
  const shown = runs.filter(({ runId, state }) => !dismissed.has(runId) && state !== 'interrupted')
  return shown.length === 0 ? null : (
    <div aria-live="polite" className="runs">
      {shown.map((run) => (
        <RunLine key={run.runId} run={run} />
      ))}
    </div>
  )
}

function RunLine({ run }: { readonly run: RunView }) {
  const { t } = useWords()
  const dismiss = () => runsReducers.dismiss(run.runId)
  switch (run.state) {
    case 'running':
    case 'paused':
      return <RunningLine run={run} />
    case 'finished':
      return <FinishedLine onClose={dismiss} run={run} />
    case 'failed':
      return (
        <ErrorBox
          error={run.error ?? { code: 'engine-died', message: t('run.failed', { name: run.target }) }}
          onClose={dismiss}
        />
      )
    case 'cancelled':
    case 'interrupted':
      return (
        <div className="run" data-run={run.state} data-testid="run">
          <span>{t('run.cancelled', { name: run.target })}</span>
          <CloseRun onClick={dismiss} />
        </div>
      )
  }
}

function RunningLine({ run }: { readonly run: RunView }) {
  const { t, numbers } = useWords()
  const phase = usePhase()
  const { progress } = run
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0
  const left = timeLeftMs(run, Date.now())
  return (
    <div className="run" data-run={run.state} data-testid="run">
      <span className="run-name">{t('run.writing', { name: run.target })}</span>
      <Progress aria-label={t('run.progress')} className="run-progress" value={share * 100} />
      <span className="number nowrap">{numbers.percent(Math.floor(share * 1000) / 1000)}</span>
      <span className="dimmed run-tensor">{progress?.tensor ?? (progress && phase(progress.phase))}</span>
      {left === null ? null : <span className="dimmed nowrap">{t('run.left', { time: numbers.duration(left) })}</span>}
      <Button color="gray" onClick={() => void cancelRun(run.runId, false)} size="compact-sm" variant="default">
        {t('app.cancel')}
      </Button>
    </div>
  )
}

function FinishedLine({ run, onClose }: { readonly run: RunView; readonly onClose: () => void }) {
  const { t, numbers } = useWords()
  const [details, setDetails] = useState(false)
  const hasFileManager = useSession(({ host }) => host?.kind === 'electron')
  const { result: report } = run
  if (!report) return null
  return (
    <div className="run" data-run={run.state} data-testid="run" data-verified={report.verified}>
      <span className="run-check">
        <CheckIcon />
      </span>
      <span className="run-result" data-relative-error={report.relativeError} data-testid="run-result">
        {t(report.verified ? 'run.saved' : 'run.savedUnchecked', {
          error: numbers.percent(report.relativeError),
          files: t('run.files', { count: report.files }),
          bytes: numbers.bytes(report.bytesAfter),
        })}
      </span>
      <span className="dimmed run-tensor">
        {report.output} · {numbers.duration(report.elapsedMs)}
      </span>
      {hasFileManager ? (
        <Button onClick={() => void showInFolder(run.runId)} size="compact-sm" variant="default">
          {t('run.show')}
        </Button>
      ) : null}
      <Button onClick={() => setDetails(true)} size="compact-sm" variant="default">
        {t('run.details')}
      </Button>
      <CloseRun onClick={onClose} />
      {details ? <RunDetails onClose={() => setDetails(false)} result={report} runId={run.runId} /> : null}
    </div>
  )
}

function CloseRun({ onClick }: { readonly onClick: () => void }) {
  const { t } = useWords()
  return (
    <ActionIcon aria-label={t('run.dismiss')} color="gray" onClick={onClick} variant="subtle">
      <CloseIcon size={16} />
    </ActionIcon>
  )
}
