/** A run at work: how far, how fast, on what, in how much memory; held, let go on, or ended. */
import { Button, Progress } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useSession } from '../frame/session.ts'
import { cancelRun, pauseRun } from '../model/running/run-actions.ts'
import { bytesPerSecond, type RunView, runsReducers, timeLeftMs, workOf, writingPhase } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'

export function ActiveRun({ run }: { readonly run: RunView }) {
  const { t, numbers } = useWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { progress, target: name } = run
  const paused = run.state === 'paused'
  const connected = useSession((session) => session.connected)
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0
  const work = workOf(run)
  const waits = work === 'waiting'
  const cancel = () =>
    run.finishedTensors > 0 ? runsReducers.ask('cancel', run.runId) : attempt(() => cancelRun(run.runId, false))
  return (
    <div className="run active" data-run={run.state} data-testid="run">
      <div className="run-line">
        <span className="run-name ellipsis">{t(`runs.${work}`, { name })}</span>
        <Progress
          aria-label={t('runs.progress', { name })}
          className="run-progress"
          color={paused ? 'gray' : 'ghost'}
          value={share * 100}
        />
        <span className="run-share number">{numbers.percent(Math.floor(share * 1000) / 1000)}</span>
        {waits ? null : (
          <Button
            disabled={busy || !connected}
            onClick={() => attempt(() => pauseRun(run.runId, !paused))}
            size="compact-sm"
            variant="default"
          >
            {t(paused ? 'runs.continue' : 'runs.pause')}
          </Button>
        )}
        <Button disabled={busy || !connected} onClick={cancel} size="compact-sm" variant="default">
          {t('app.cancel')}
        </Button>
      </div>
      {waits ? <p className="run-facts">{t('runs.waitingWhy')}</p> : <RunFacts run={run} />}
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
    </div>
  )
}

/** Everything else there is to know, in one quiet line. */
function RunFacts({ run }: { readonly run: RunView }) {
  const { t, numbers } = useWords()
  const now = useNow()
  const connected = useSession((session) => session.connected)
  const { progress, finishedTensors, state } = run
  if (!progress) return null
  const rate = bytesPerSecond(run)
  // Nothing is known of a run whose host cannot be asked: no countdown goes on by itself.
  const left = connected ? timeLeftMs(run, now) : null
  const limit = 'params' in run.choices ? run.choices.params.memoryLimit : 0
  const memory = numbers.bytes(progress.memoryBytes)
  return (
    <ul className="run-facts number">
      <li>{t('runs.bytes', { done: numbers.bytes(progress.done), total: numbers.bytes(progress.total) })}</li>
      {state === 'paused' ? <li className="run-paused">{t('runs.paused')}</li> : null}
      {connected ? null : <li>{t('runs.lastHeard')}</li>}
      {rate === null || !connected ? null : <li>{t('runs.rate', { rate: numbers.bytes(rate) })}</li>}
      {left === null ? null : (
        <li>
          {t(progress.phase === writingPhase ? 'runs.left' : 'runs.leftPlanning', { time: numbers.countdown(left) })}
        </li>
      )}
      {finishedTensors === 0 ? null : (
        <li>{t('runs.finished', { count: finishedTensors, number: numbers.count(finishedTensors) })}</li>
      )}
      <li title={t('runs.memoryHelp')}>
        {limit > 0 ? (
          <>
            <meter aria-label={t('runs.memoryHelp')} className="run-memory" max={limit} value={progress.memoryBytes} />
            {t('runs.memoryOf', { memory, limit: numbers.bytes(limit) })}
          </>
        ) : (
          t('runs.memory', { memory })
        )}
      </li>
      {progress.tensor === null ? null : <li className="run-tensor ellipsis">{progress.tensor}</li>}
    </ul>
  )
}

/** The time, once a second: what is left shrinks also while a large tensor is at work. */
function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 1000, { autoInvoke: true })
  return now
}
