/**
 * What the page has its engine do: for each owner the job that was asked for last. Nothing else of the page talks to the engine about jobs.
 *
 *   look       the tensor on show: its analysis, a comparison, two ways side by side. In the foreground, one of them at a time
 *   model      the analysis of the whole file, and the plans after it. In the background: any other job preempts it
 *   sizes      what size goals come to, once it has been analyzed. In the background, when no plan is asked
 *   selfTest   in the foreground, after a look that has begun
 *   copy       the open file in another container, likewise
 *   pair       one pass over two models, for what lies between them. In the background, before their analysis
 *   statistics a file of statistics held against the open model, in the foreground
 *   calibrate  the open model run for statistics, try: run beside its compressed forms, answers: forms of it
 *              written, run and compared; in the foreground
 */
import { create } from 'zustand'
import { createFeed } from '../../../core/client/feed.ts'
import { latestPerOwner, type UnderWay, type Wish } from '../../../core/client/latest.ts'
import type { Params } from '../../../core/params.ts'
import { connection } from '../../frame/connection.ts'
import { refreshEngineInfo } from '../../frame/engine-info.ts'
import type { Question } from '../planning/plan.ts'
import type { Sides } from './versus.ts'

export interface AnalysisWish extends Wish {
  readonly kind: 'analyze' | 'compare'
  readonly tensor: string
  readonly params: Params
}
export interface VersusWish extends Wish {
  readonly kind: 'versus'
  readonly tensor: string
  readonly sides: Sides
  /** An analysis made way for it and is asked for again afterwards. */
  readonly interrupted: boolean
}
export interface PlanWish extends Wish {
  readonly question: Question
  /** An analysis of matrices, which takes its time; otherwise only a question to a model that has been analyzed. */
  readonly long: boolean
  /** 0..1: where the analysis resumed. */
  readonly from: number
}

interface SizesWish extends Wish {
  /** Which choices it is of. */
  readonly of: string
}

type Wishes = {
  readonly look: AnalysisWish | VersusWish
  readonly model: PlanWish
  readonly sizes: SizesWish
  readonly selfTest: Wish
  readonly copy: Wish
  readonly pair: Wish
  readonly statistics: Wish
  readonly calibrate: Wish
  readonly try: Wish
  readonly answers: Wish
}
export type WorkState = { readonly [Owner in keyof Wishes]: UnderWay<Wishes[Owner]> | null }

export const useWork = create<WorkState>(() => ({
  look: null,
  model: null,
  sizes: null,
  selfTest: null,
  copy: null,
  pair: null,
  statistics: null,
  calibrate: null,
  try: null,
  answers: null,
}))

const feed = createFeed({ start: (job, lane) => connection().engine.start(job, lane) })
const latest = latestPerOwner<Wishes>(
  { cancel: (jobId) => connection().engine.cancel(jobId) },
  feed,
  (owner, underWay) => useWork.setState({ [owner]: underWay } as Partial<WorkState>),
)

/** In place of what the owner wished for last. */
export function want<Owner extends keyof Wishes>(owner: Owner, wish: Wishes[Owner]): void {
  latest.want(owner, {
    ...wish,
    end: (how) => {
      wish.end(how)
      if (how.type !== 'lost') void refreshEngineInfo()
    },
  })
}

export const dropWork = latest.drop
/** Every event of the engine comes here. */
export const receiveJobEvent = feed.receive
/** The engine is gone: what was under way fails with that sentence, and is not started again by itself: it may have been the cause. */
export const loseWork = latest.lose
/** The file is open in the engine there is now, or could not be opened again: what was asked for meanwhile is asked. */
export const fileSettled = latest.fileSettled

/** The analysis or comparison under way. */
export function analysisUnderWay({ look }: WorkState): UnderWay<AnalysisWish> | null {
  return look && look.wish.kind !== 'versus' ? (look as UnderWay<AnalysisWish>) : null
}

/** The two ways that are being compared. */
export function versusUnderWay({ look }: WorkState): UnderWay<VersusWish> | null {
  return look?.wish.kind === 'versus' ? (look as UnderWay<VersusWish>) : null
}
