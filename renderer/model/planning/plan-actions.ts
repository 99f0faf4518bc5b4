/**
 * Analyzes the whole model once, behind whatever the user looks at, and from then on asks what a run would do whenever the choices
 * change: the engine answers that in milliseconds. Without an analysis nothing is asked.
 */
import { faultOf, type WishEnd } from '../../../core/client/latest.ts'
import { type JobEvent, recipeText } from '../../../core/contract.ts'
import { sketchKeyOf } from '../../../core/params.ts'
import { planReach } from '../../../core/plan/analysis-rank.ts'
import { useAdapter } from '../../choices/adapter.ts'
import { useFile } from '../../choices/file.ts'
import { goalOf, noGoal } from '../../choices/goal.ts'
import { useParams } from '../../choices/params.ts'
import { useSelection } from '../../choices/selection.ts'
import { useStatistics, withStatistics } from '../../choices/statistics.ts'
import { pendingCall } from '../../frame/pending-call.ts'
import { useSession } from '../../frame/session.ts'
import { requestAnalysis } from '../looking/analysis.ts'
import { dropWork, type PlanWish, useWork, want } from '../looking/work.ts'
import { currentQuestion } from '../running/run-actions.ts'
import { useRuns } from '../running/runs.ts'
import { answerTo, isAnalyzed, planReducers, type Question, usePlan } from './plan.ts'
import { runningPlan } from './running-plan.ts'
import { ensureSizes, expectSizes, forgetSizes, restSizes } from './sizes.ts'

/** A rank is dragged and a number typed in several steps. */
const settleMs = 100
/** A question that takes longer than this is shown as work. */
const longMs = 700
/** Curves come faster than a picture of the model can follow. */
const portionMs = 200

/** What was chosen a moment ago, until that has settled. */
const settling = pendingCall()
const patience = pendingCall()
const curves = inPortions(portionMs, planReducers.curves)

/** From now on the plan follows the choices. Called once. */
export function followChoices(): void {
  for (const store of [useParams, useSelection, useFile, useAdapter, useStatistics]) store.subscribe(choose)
  // A run uses all threads.
  useRuns.subscribe(({ runs }, before) => {
    const began = runs.some(
      ({ runId, state }) => state === 'running' && before.runs.find((run) => run.runId === runId)?.state !== 'running',
    )
    if (began && useWork.getState().model) cancelPlan()
  })
}

/** What the choices were made of when they were last looked at: most changes of the stores are none of theirs. */
let seen: readonly unknown[] = []

function choose(): void {
  const { params, output } = useParams.getState()
  const { included, excluded, written, pins } = useSelection.getState()
  const { report } = useFile.getState()
  const { chosen } = useStatistics.getState()
  const hash = chosen?.look.hash
  const now = [params, output, included, excluded, written, pins, report, hash, useAdapter.getState()]
  if (now.every((part, i) => part === seen[i])) return
  seen = now
  planReducers.question(report && questionOf(currentQuestion()))
  expectSizes(true)
  settling.settled(settleMs, () => {
    expectSizes(false)
    ensurePlan()
  })
}

const questionOf = (request: Omit<Question, 'recipe'>): Question => ({ ...request, recipe: recipeText(request) })

/** Every matrix, so that all goals are instant afterwards. Asked without one: no goal can be out of reach yet. */
export function analyzeModel(): void {
  const { question } = usePlan.getState()
  if (question) ask(questionOf({ ...question, params: { ...question.params, ...noGoal } }), true)
}

/** Ends the analysis; what it has finished is kept and need not be done again. */
export function cancelPlan(): void {
  dropWork('model')
  rest()
}

/** Another file, or none. */
export function forgetPlan(): void {
  cancelPlan()
  forgetSizes()
  seen = []
  goalSeen = null
  settling.cancel()
  planReducers.reset()
}

/** Errors are in another norm from now on: nothing that was planned holds, and what had been analyzed is analyzed again. */
export function restartPlan(): void {
  const { answers, curves } = usePlan.getState()
  const wasAnalyzed = answers.length > 0 || curves.size > 0
  forgetPlan()
  choose()
  if (wasAnalyzed) analyzeModel()
}

/** The goal when a plan was last looked for: one that was cancelled is not begun again before another is chosen. */
let goalSeen: string | null = null

/** Which goal this is; null for a rank, which needs no analysis. */
function goalKey({ goalSize, goalError, goalEnergy }: Question['params']): string | null {
  return goalOf({ goalSize, goalError, goalEnergy }) === 'rank'
    ? null
    : JSON.stringify([goalSize, goalError, goalEnergy])
}

/** Asks for the plan of the choices as they stand, if it is not known and the engine can answer at once. */
function ensurePlan(): void {
  const state = usePlan.getState()
  const { question } = state
  const running = useWork.getState().model
  if (!question || useFile.getState().status !== 'open') return
  if (running && (running.wish.question.recipe === question.recipe || serves(running.wish, question))) return
  const chosen = goalKey(question.params)
  const another = chosen !== goalSeen
  goalSeen = chosen
  if (answerTo(state, question.recipe)) {
    if (running) cancelPlan()
    ensureSizes()
  } else if (isAnalyzed(state, question.params)) ask(question, false)
  // What is being analyzed is not what is wanted any more; and a goal that was just chosen needs the analysis to mean anything.
  else if (running || (another && chosen !== null)) analyzeModel()
}

/** An analysis under way that this question can be asked after. */
function serves({ long, question: { params } }: PlanWish, question: Question): boolean {
  const analyzed = { [sketchKeyOf(params)]: planReach(params) }
  return (long || usePlan.getState().late) && isAnalyzed({ analyzed }, question.params)
}

function ask(question: Question, long: boolean): void {
  rest()
  restSizes()
  const { output, params, include, exclude, pins, statistics, options } = question
  const key = sketchKeyOf(params)
  const hasCurves = usePlan.getState().curvesKey === key
  const { model } = useWork.getState()
  const before = model && sketchKeyOf(model.wish.question.params) === key && runningPlan(model, false)
  planReducers.asked(question)
  if (!long) patience.in(longMs, planReducers.late)
  want('model', {
    question,
    long,
    lane: 'background',
    onFile: true,
    // The same analysis under another goal goes on where it was.
    from: before ? before.share : 0,
    request: () => {
      const fileId = useFile.getState().report?.fileId
      if (fileId === undefined) return null
      const rules = { include: [...include], exclude: [...exclude], ...(pins && { pins: [...pins] }) }
      const adapter = { ...(options && { adapter: options }), ...(statistics !== undefined && { statistics }) }
      const files = withStatistics(fileId)
      return { kind: 'plan', files, output, params, ...rules, ...adapter, knownCurves: long || !hasCurves }
    },
    hear: (event: JobEvent) => {
      if (event.type === 'spectrum') curves.add(event.tensor, event.errorCurve)
    },
    end: (how) => follow(question, long, how),
  })
}

function follow(question: Question, long: boolean, how: WishEnd): void {
  const fault = faultOf(how)
  if (fault) planReducers.failed(question, long || usePlan.getState().late, fault)
  // Said over the whole page, and once; that there is no analysis the card says by itself.
  if (fault?.code === 'engine-died' && useSession.getState().died !== null) planReducers.dismissed()
  rest()
  // A size that cannot be had: the curve says which can.
  if (fault) ensureSizes()
  if (how.type !== 'finished' || how.result.kind !== 'plan') return
  planReducers.answered(question, how.result.report)
  // The goal may have changed meanwhile, or been left out until all was known.
  ensurePlan()
  // The tensor on show may have been given a rank beyond what is known of it. A look would cut off a plan, which may yet give it another.
  if (!useWork.getState().model) requestAnalysis()
}

/** Nothing is asked any more. */
function rest(): void {
  patience.cancel()
  curves.flush()
}

/** Hands over what comes one by one, all of some time at once. */
function inPortions<V>(ms: number, handOver: (portion: ReadonlyMap<string, V>) => void) {
  const handing = pendingCall()
  let portion = new Map<string, V>()
  const flush = () => {
    handing.cancel()
    if (portion.size === 0) return
    handOver(portion)
    portion = new Map()
  }
  return {
    add: (key: string, value: V) => {
      portion.set(key, value)
      if (!handing.pending) handing.in(ms, flush)
    },
    flush,
  }
}
