/** One line under the chart: what is being computed, what failed, what a rank beyond the sketch would need. Its place is always kept. */

import { Button, Loader, Tooltip } from '@mantine/core'
import { shareOf } from '../../core/client/job-view.ts'
import { phaseWords, timesOf } from '../../core/phases.ts'
import { useFile } from '../choices/file.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useAnalyses } from '../model/analyses.ts'
import { cancelLook, retryAnalysis } from '../model/analysis.ts'
import { openGrant } from '../model/file-actions.ts'
import type { TensorView } from '../model/view.ts'
import { analysisUnderWay, useWork } from '../model/work.ts'
import { useSentences, useWords } from '../words/words.ts'

interface JobStatusProps {
  readonly view: TensorView
  readonly rank: number
  /** Whether the goal, if there is one, is met at this rank. */
  readonly reached: boolean
}

export function JobStatus({ view, rank, reached }: JobStatusProps) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const running = useWork(analysisUnderWay)
  const grant = useFile((state) => state.grant)
  const failure = useAnalyses((state) => state.failures[view.tensor.name])
  const { report } = view
  if (running?.wish.tensor === view.tensor.name) {
    const { estimate, progress } = running.view
    const share = shareOf(running.view)
    return (
      <div className="job-status" data-job={running.jobId ?? ''} data-testid="job-status">
        <Loader size={14} />
        <output>
          {t(running.wish.kind === 'compare' ? 'job.comparing' : 'job.analyzing')}
          {estimate
            ? ` · ${t('job.iteration', { iteration: estimate.iteration, iterations: estimate.iterations })}`
            : null}
          {!estimate && progress ? ` · ${sentences(phaseWords(progress.phase))}` : null}
          {share === null ? null : ` · ${numbers.percent(Math.floor(share * 100) / 100)}`}
        </output>
        <Button onClick={cancelLook} size="compact-xs" variant="subtle">
          {t('app.cancel')}
        </Button>
      </div>
    )
  }
  if (failure) {
    // What was read is no more: the same question would fail the same way.
    const gone = failure.code === 'source-changed' || failure.code === 'not-found'
    const reopen = gone && grant ? () => openGrant(grant) : null
    return (
      <ErrorBox error={failure}>
        <Button color="red" onClick={reopen ?? retryAnalysis} size="compact-sm" variant="light">
          {t(reopen ? 'job.reopen' : 'job.retry')}
        </Button>
      </ErrorBox>
    )
  }
  if (!report || view.stale) {
    return (
      <div className="job-status" data-testid="job-status">
        <span>{t('job.none')}</span>
        <Button onClick={retryAnalysis} size="compact-xs" variant="subtle">
          {t('job.start')}
        </Button>
      </div>
    )
  }
  const beyond = report.method === 'randomized' && rank > report.rank
  const text = beyond
    ? t('job.beyond', { rank: numbers.count(report.rank) })
    : !reached
      ? t('job.notReached', { rank: numbers.count(rank) })
      : [
          report.method === 'exact'
            ? t('job.exact')
            : t('job.randomized', { rank: report.rank, oversample: report.oversample, count: report.nIter }),
          t('job.machine', { kernel: report.kernel, count: report.threads }),
          ...report.notices.map(sentences),
        ].join(' · ')
  const phases = timesOf(report.phasesMs).map(
    ([phase, ms]) => `${sentences(phaseWords(phase))} ${numbers.duration(ms)}`,
  )
  return (
    <div className="job-status" data-testid="job-status">
      {beyond ? null : (
        <Tooltip label={phases.join(' · ')} multiline w={300}>
          <span className="job-time">{numbers.duration(report.elapsedMs)}</span>
        </Tooltip>
      )}
      <span className="job-text" title={text}>
        {text}
      </span>
    </div>
  )
}
