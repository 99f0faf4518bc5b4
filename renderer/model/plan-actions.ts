/**
 * Analyzes the whole model once, behind whatever the user looks at, and from then on asks what a run would do whenever the choices
 * change: the engine answers that in milliseconds. Without an analysis nothing is asked.
 */

import { type JobEvent, type RecipeSource, recipeText } from '../../core/contract.ts'
import { toErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { noGoal } from '../choices/goal.ts'
import { computingKey, useParams } from '../choices/params.ts'
import { useSelection } from '../choices/selection.ts'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { endBehind, isLast, startBehind } from '../frame/job-feed.ts'
import { requestAnalysis } from './analysis.ts'
import { answerTo, isAnalyzed, planReducers, type Question, usePlan } from './plan.ts'
import { currentRecipe } from './run-actions.ts'
import { useRuns } from './runs.ts'

/** A rank is dragged and a number typed in several steps. */
const settleMs = 100
/** A question that takes longer than this is shown as work. */
const longMs = 700
/** Curves come faster than a picture of the model can follow. */
const portionMs = 200

let timer: ReturnType<typeof setTimeout> | undefined
let patience: ReturnType<typeof setTimeout> | undefined
let portion = new Map<string, readonly number[]>()
let portionTimer: ReturnType<typeof setTimeout> | undefined

/** From now on the plan follows the choices. Called once. */
export function followChoices(): void {
  for (const store of [useParams, useSelection, useFile]) store.subscribe(choose)
  // A run uses all threads.
  useRuns.subscribe(({ runs }, before) => {
    const began = runs.some(
      ({ runId, state }) => state === 'running' && !before.runs.some((run) => run.runId === runId),
    )
    if (began && usePlan.getState().running) cancelPlan()
  })
}

/** What the choices were made of when they were last looked at: most changes of the stores are none of theirs. */
let seen: readonly unknown[] = []

function choose(): void {
  const { params, output } = useParams.getState()
  const { included, excluded, written } = useSelection.getState()
  const { report } = useFile.getState()
  const now = [params, output, included, excluded, written, report]
  if (now.every((part, i) => part === seen[i])) return
  seen = now
  planReducers.question(report && questionOf(currentRecipe()))
  clearTimeout(timer)
  timer = setTimeout(ensurePlan, settleMs)
}

const questionOf = (source: RecipeSource): Question => ({ ...source, recipe: recipeText(source) })

/** Every matrix, so that all goals are instant afterwards. Asked without one: no goal can be out of reach yet. */
export function analyzeModel(): void {
  const { question } = usePlan.getState()
  if (question) ask(questionOf({ ...question, params: { ...question.params, ...noGoal } }), true)
}

/** Ends the analysis; what it has finished is kept and need not be done again. */
export function cancelPlan(): void {
  void endBehind()
  settled()
  planReducers.stopped()
}

/** Another file, or none. */
export function forgetPlan(): void {
  cancelPlan()
  seen = []
  clearTimeout(timer)
  planReducers.reset()
}

/** The engine ended: an analysis failed with that sentence and is not started again by itself. */
export function planLost(reason: Message): void {
  settled()
  planReducers.failed({ code: 'engine-died', said: [reason] })
}

/** Asks for the plan of the choices as they stand, if it is not known and the engine can answer at once. */
function ensurePlan(): void {
  const state = usePlan.getState()
  const { question, running } = state
  if (!question || useFile.getState().status !== 'open') return
  if (running && (running.recipe === question.recipe || serves(running, question))) return
  if (answerTo(state, question.recipe)) {
    if (running) cancelPlan()
  } else if (isAnalyzed(state, question.params)) ask(question, false)
  // What is being analyzed is not what is wanted any more.
  else if (running) analyzeModel()
}

/** An analysis under way that this question can be asked after. */
function serves({ long, params }: { readonly long: boolean; readonly params: Question['params'] }, question: Question) {
  return (
    long && isAnalyzed({ analyzed: { [computingKey(params)]: Math.max(params.rank, params.maxRank) } }, question.params)
  )
}

function ask(question: Question, long: boolean): void {
  const fileId = useFile.getState().report?.fileId
  if (fileId === undefined) return
  settled()
  const hasCurves = usePlan.getState().curvesKey === computingKey(question.params)
  planReducers.starting(question, long)
  if (!long) patience = setTimeout(planReducers.takesLong, longMs)
  const { output, params } = question
  const rules = { include: [...question.include], exclude: [...question.exclude] }
  void startBehind({
    request: { kind: 'plan', fileId, output, params, ...rules, knownCurves: long || !hasCurves },
    event: follow,
    waiting: planReducers.waiting,
    failed: (error) => {
      settled()
      planReducers.failed(toErrorReport(error))
    },
  })
}

function follow(event: JobEvent): void {
  if (event.type === 'spectrum') {
    portion.set(event.tensor, event.errorCurve)
    portionTimer ??= setTimeout(handOver, portionMs)
    return
  }
  if (isLast(event)) settled()
  planReducers.event(event)
  if (event.type !== 'finished') return
  void refreshEngineInfo()
  // The goal may have changed meanwhile, and the tensor on show may have been given a rank beyond what is known of it.
  ensurePlan()
  requestAnalysis()
}

function handOver(): void {
  clearTimeout(portionTimer)
  portionTimer = undefined
  if (portion.size === 0) return
  planReducers.curves(portion)
  portion = new Map()
}

function settled(): void {
  clearTimeout(patience)
  handOver()
}
