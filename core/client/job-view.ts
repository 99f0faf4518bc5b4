/** A job as its client sees it: the one reducer of what jobs say. Reports are not kept here; the starter of the job is given its end. */
import { type JobEvent, wholeJob } from '../contract.ts'
import type { ExactStage, JobPhase } from '../phases.ts'

type EventOf<T extends JobEvent['type']> = Omit<Extract<JobEvent, { type: T }>, 'type' | 'jobId'>

export interface JobView {
  /** `waiting`: in the background, behind jobs of the foreground. */
  readonly state: 'queued' | 'running' | 'waiting'
  /** Of the job; while that has said nothing of itself, of the matrix it reads. */
  readonly progress: EventOf<'progress'> | null
  /** 0..1: how far each phase of the job has come. A phase may go on after another. */
  readonly shares: Readonly<Partial<Record<JobPhase, number>>>
  /** Milliseconds that the parts of an exact SVD took which are done. */
  readonly stages: Readonly<Partial<Record<ExactStage, number>>>
  /** Spectrum and error curve as they stood after the last power iteration. */
  readonly estimate: EventOf<'estimate'> | null
  /** Tensors that a compression has written. */
  readonly finishedTensors: number
}

export const queuedJob: JobView = {
  state: 'queued',
  progress: null,
  shares: {},
  stages: {},
  estimate: null,
  finishedTensors: 0,
}

export function afterEvent(view: JobView, event: JobEvent): JobView {
  switch (event.type) {
    case 'started':
      return { ...view, state: 'running' }
    case 'waiting':
      return { ...view, state: 'waiting' }
    case 'progress': {
      const { type: _, jobId: __, ...progress } = event
      const before = view.progress
      if (before && wholeJob(before) && !wholeJob(progress))
        return { ...view, progress: { ...before, memoryBytes: progress.memoryBytes } }
      const { phase, done, total } = progress
      const shares = total > 0 ? { ...view.shares, [phase]: done / total } : view.shares
      // A run plans before it begins: one that plans again begins again.
      const finishedTensors = phase === 'plan' ? 0 : view.finishedTensors
      return { ...view, progress, shares, finishedTensors }
    }
    case 'stage':
      return { ...view, stages: { ...view.stages, [event.phase]: event.elapsedMs } }
    case 'estimate': {
      const { type: _, jobId: __, ...estimate } = event
      return { ...view, estimate }
    }
    case 'tensor':
      return { ...view, finishedTensors: view.finishedTensors + 1 }
    case 'spectrum':
    case 'finished':
    case 'failed':
    case 'cancelled':
      return view
  }
}

/** 0..1 of the phase it is in; null while that is unknown. */
export function shareOf({ progress }: JobView): number | null {
  return progress && progress.total > 0 ? progress.done / progress.total : null
}

export interface Stage {
  /** A phase, or `compute` for what tells nothing of itself. */
  readonly name: JobPhase | 'sketch' | 'exact' | 'compute'
  /** 0..1; null where it cannot be told: a bar that stands at its end while something else goes on says what is not so. */
  readonly share: number | null
}

/** What a look at one tensor is doing now. Its phases count what they have begun, so the last of a comparison is the exact SVD itself. */
export function stageOf({ progress }: JobView, kind: 'analyze' | 'compare'): Stage {
  if (!progress) return { name: 'compute', share: null }
  const { phase, done, total } = progress
  if (phase === 'read') return done < total ? { name: 'read', share: done / total } : { name: 'compute', share: null }
  if (kind === 'compare') return { name: done >= total - 1 ? 'exact' : 'sketch', share: null }
  return { name: phase, share: total > 0 && done < total ? done / total : null }
}
