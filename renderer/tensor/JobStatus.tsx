/** One line under the chart: what is being computed, what failed, what a rank beyond the sketch would need. Its place is always kept. */

import { Button, Loader, Progress, Tooltip } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { memo, useRef, useState } from 'react'
import { stageOf } from '../../core/client/job-view.ts'
import type { UnderWay } from '../../core/client/latest.ts'
import { exactCost } from '../../core/cost.ts'
import { fitParams } from '../../core/params.ts'
import { exactStages, phaseWords, timesOf } from '../../core/phases.ts'
import { useFile } from '../choices/file.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { openGrant } from '../model/file/file-actions.ts'
import { useAnalyses } from '../model/looking/analyses.ts'
import { cancelLook, retryAnalysis } from '../model/looking/analysis.ts'
import { type ExactProgress, exactProgress } from '../model/looking/exact-progress.ts'
import { methodOf } from '../model/looking/versus.ts'
import type { TensorView } from '../model/looking/view.ts'
import { type AnalysisWish, analysisUnderWay, useWork } from '../model/looking/work.ts'
import { usePace } from '../model/planning/price.ts'
import { useSentences, useWords } from '../words/words.ts'

/** What takes less needs no countdown, in ms. */
const leastTold = 2000

interface JobStatusProps {
  readonly view: TensorView
  /** Of the tensor, where it lies beyond what was computed or misses the goal; null otherwise: no step of a drag is told here. */
  readonly rank: number | null
  /** Whether the goal, if there is one, is met at this rank. */
  readonly reached: boolean
}

export const JobStatus = memo(function JobStatus({ view, rank, reached }: JobStatusProps) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const running = useWork(analysisUnderWay)
  const grant = useFile((state) => state.grant)
  const failure = useAnalyses((state) => state.failures[view.tensor.name])
  const { report } = view
  if (running?.wish.tensor === view.tensor.name) {
    return <RunningLook running={running} view={view} />
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
  const beyond = rank !== null && isBeyond(view, rank)
  const text = beyond
    ? t('job.beyond', { rank: numbers.count(report.rank) })
    : !reached && rank !== null
      ? t('job.notReached', { rank: numbers.count(rank) })
      : [
          report.method === 'exact'
            ? t('job.exact')
            : t('job.randomized', { rank: report.rank, oversample: report.oversample, count: report.nIter }),
          t('job.threads', { count: report.threads }),
          ...report.notices.map(sentences),
        ].join(' · ')
  const took = t(report.reused ? 'job.reused' : 'job.took', { time: numbers.duration(report.elapsedMs) })
  const phases = timesOf(report.phasesMs).map(
    ([phase, ms]) => `${sentences(phaseWords(phase))} ${numbers.duration(ms)}`,
  )
  return (
    <div className="job-status" data-testid="job-status">
      {/* A comparison measures both again and says so in a line of its own: another time of the same would only differ. */}
      {beyond || (view.comparison !== null && !view.comparisonStale) ? null : (
        <Tooltip label={phases.join(' · ')} multiline w={300}>
          <span className="job-time">{took}</span>
        </Tooltip>
      )}
      <span className="job-text" title={text}>
        {text}
      </span>
    </div>
  )
})

/** Whether a sketch ends before this rank. */
export function isBeyond({ report }: TensorView, rank: number): boolean {
  return report?.method === 'randomized' && rank > report.rank
}

/** What is being done now, with a share where one is known: an exact SVD is told in its parts. */
function RunningLook({ running, view }: { readonly running: UnderWay<AnalysisWish>; readonly view: TensorView }) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const { kind, params } = running.wish
  const { estimate } = running.view
  const stage = stageOf(running.view, kind)
  const exact = stage.name === 'exact' || (kind === 'analyze' && methodOf(params, view.size) === 'exact')
  const parts = useExactParts(exact ? running : null, view)
  const share = parts?.share ?? stage.share
  const said = [
    t(kind === 'compare' ? 'job.comparing' : 'job.analyzing'),
    estimate && !exact && estimate.iteration < estimate.iterations
      ? t('job.iteration', { iteration: estimate.iteration, iterations: estimate.iterations })
      : exact
        ? t('job.exact')
        : stage.name === 'compute'
          ? null
          : sentences(phaseWords(stage.name)),
    parts
      ? t('job.part', { part: sentences(phaseWords(parts.stage)), number: parts.index + 1, of: exactStages.length })
      : null,
    share === null ? null : numbers.tickPercent(Math.floor(share * 100) / 100),
    parts === null
      ? null
      : parts.leftMs === null
        ? t('job.longer')
        : t('job.left', { time: numbers.countdown(parts.leftMs) }),
  ].filter((part) => part !== null)
  return (
    <div
      className="job-status"
      data-job={running.jobId ?? ''}
      data-share={share ?? ''}
      data-stage={exact ? 'exact' : stage.name}
      data-testid="job-status"
    >
      <Loader size={14} />
      <output>{said.join(' · ')}</output>
      {parts ? <Progress aria-label={t('job.exact')} className="job-progress" value={100 * parts.share} /> : null}
      <Button onClick={cancelLook} size="compact-xs" variant="subtle">
        {t('app.cancel')}
      </Button>
    </div>
  )
}

/** null for what is over in a moment, and while nothing can be reckoned: Jacobi rotations end when they end. */
function useExactParts(running: UnderWay<AnalysisWish> | null, { size }: TensorView): ExactProgress | null {
  const pace = usePace()
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 500, { autoInvoke: true })
  const stages = running?.view.stages
  const step = running ? `${stageOf(running.view, running.wish.kind).name} ${Object.keys(stages ?? {}).length}` : ''
  const began = useRef({ step, at: Date.now() })
  if (began.current.step !== step) began.current = { step, at: Date.now() }
  if (!running || !stages || pace === null || running.wish.params.exactRoute === 'jacobi') return null
  const { rows, cols } = size
  const { rank } = fitParams({ ...running.wish.params, method: 'exact' }, rows, cols)
  if (exactCost(rows, cols, rank) * pace < leastTold) return null
  return exactProgress({ rows, cols, rank, stages, pace, sinceMs: Math.max(0, now - began.current.at) })
}
