/**
 * What size goals come to: the curve of size against error. The engine plans it, as it plans a run, once the model has been analyzed and nothing else is
 * asked; another goal or rank leaves it as it is.
 */
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import { recipeText } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { defaultParams } from '../../../core/params.ts'
import type { TradeOffPoint } from '../../../core/plan/trade-off.ts'
import { styleIds } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { noGoal } from '../../choices/goal.ts'
import { withStatistics } from '../../choices/statistics.ts'
import { pendingCall } from '../../frame/pending-call.ts'
import { dropWork, useWork, type WorkState, want } from '../looking/work.ts'
import { isAnalyzed, type Question, usePlan } from './plan.ts'

interface SizesState {
  /** Which choices it is of; null for none. */
  readonly of: string | null
  /** Ascending in bytes; empty where the engine does not know all of it. */
  readonly points: readonly TradeOffPoint[]
  /** Why there are none, where the engine refused or failed. */
  readonly failure: ErrorReport | null
  /** It will be asked for in a moment, unless a plan goes first. */
  readonly soon: boolean
}

const none: SizesState = { of: null, points: [], failure: null, soon: false }
/** Goals follow each other while somebody tries them: the next one goes first. */
const calmMs = 400

export const useSizes = create<SizesState>(() => none)

const calm = pendingCall()

/** The question without what a size goal takes the place of. */
function withoutGoal(question: Question): Question {
  const { rank, goalScope } = defaultParams
  const params = { ...question.params, ...noGoal, goalScope, rank }
  return { ...question, params, recipe: recipeText({ ...question, params }) }
}

/** What the curve of these choices is kept under. */
export function sizesOf(question: Question): string {
  return withoutGoal(question).recipe
}

/** Another file, or none. */
export function forgetSizes(): void {
  restSizes()
  useSizes.setState(none)
}

/** Whatever is asked now goes first. */
export function restSizes(): void {
  calm.cancel()
  dropWork('sizes')
  expectSizes(false)
}

/** Whether choices that have just changed may ask for another curve. */
export function expectSizes(soon: boolean): void {
  useSizes.setState({ soon })
}

/** Whether a curve that is not there yet may still come: a plan that is cut off, or an engine that dies, asks for none. */
export function areSizesComing(
  { soon }: Pick<SizesState, 'soon'>,
  { model, sizes }: Pick<WorkState, 'model' | 'sizes'>,
) {
  return soon || model !== null || sizes !== null
}

/** Asks for the curve of the choices as they stand, if it is not known and the engine can answer without reading weights. */
export function ensureSizes(): void {
  const state = usePlan.getState()
  const { question } = state
  if (!question || useFile.getState().report?.difference || !isAnalyzed(state, question.params)) return
  const asked = withoutGoal(question)
  if (useSizes.getState().of === asked.recipe || useWork.getState().sizes?.wish.of === asked.recipe) return
  expectSizes(true)
  calm.settled(calmMs, () => {
    ask(asked)
    expectSizes(false)
  })
}

function ask({ output, params, include, exclude, pins, statistics, recipe }: Question): void {
  want('sizes', {
    of: recipe,
    lane: 'background',
    onFile: true,
    request: () => {
      const fileId = useFile.getState().report?.fileId
      const style = styleIds.find((id) => id === output)
      if (fileId === undefined || !style) return null
      const rules = { include: [...include], exclude: [...exclude], ...(pins && { pins: [...pins] }) }
      const files = withStatistics(fileId)
      return { kind: 'sizes', files, output: style, params, ...rules, ...(statistics !== undefined && { statistics }) }
    },
    end: (how) => {
      if (how.type === 'finished' && how.result.kind === 'sizes')
        useSizes.setState({ of: recipe, points: how.result.report.tradeOff, failure: null })
      // What these choices are refused for once they are refused for again.
      else if (how.type === 'failed') useSizes.setState({ of: recipe, points: [], failure: faultOf(how) })
    },
  })
}
