/**
 * Which form of the open model keeps its answers: ways of sharing out ranks, INT8 and both, each written, run and compared by the engine. What is taken over from
 * there replaces rules and parameters; what they were before is kept, for the next look and for leaving the goal again.
 */
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import { type AnswerGoal, type AnswerRow, type AnswersReport, mostSamples, recipeText } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { isRunnable, useFile } from '../../choices/file.ts'
import { useSamples } from '../../choices/samples.ts'
import { statisticsHash, withStatistics } from '../../choices/statistics.ts'
import { cancelLook } from '../looking/analysis.ts'
import { dropWork, want } from '../looking/work.ts'
import { usePlan } from '../planning/plan.ts'
import { applyRecipe } from '../running/recipes.ts'
import { currentQuestion, currentRecipe } from '../running/run-actions.ts'
import { closeAll, openAll, sampleOptions } from './sample-files.ts'

/** A form that the choices of the page were taken from. */
interface Taken {
  readonly row: AnswerRow
  /** What it was found for, and among how many that were held out. */
  readonly goal: AnswerGoal | null
  readonly heldOut: number
  /** Text of the choices since: others are the user's own. */
  readonly recipe: string
  /** The choices before. */
  readonly before: ReturnType<typeof currentRecipe>
}

/** What forms are looked for by. */
interface Search {
  readonly goal: AnswerGoal | null
  /** Text of the choices. */
  readonly recipe: string
}

interface AnswersState {
  /** null: the nearest at the goal of the page. */
  readonly goal: AnswerGoal | null
  readonly taken: Taken | null
  /** Files of arrays are being opened. */
  readonly opening: boolean
  readonly report: AnswersReport | null
  /** What it was made for; null without a report. */
  readonly madeFor: Search | null
  readonly fault: ErrorReport | null
}

const none: AnswersState = { goal: null, taken: null, opening: false, report: null, madeFor: null, fault: null }

export const useAnswers = create<AnswersState>(() => none)

/** Another model. */
export function forgetAnswers(): void {
  dropWork('answers')
  useAnswers.setState(none)
}

export function setAnswerGoal(goal: AnswerGoal | null): void {
  useAnswers.setState({ goal })
}

/** Another kind of goal: the choices are what they were before a form was taken over, as far as they are still its. */
export function leaveAnswerGoal(): void {
  cancelForms()
  const taken = ifStillChosen(useAnswers.getState().taken)
  useAnswers.setState({ goal: null, taken: null })
  if (taken) applyRecipe({ pins: [], ...taken.before, ...statisticsHash() })
}

/** As long as nothing else was chosen since. */
function ifStillChosen(taken: Taken | null, recipe: string = recipeText(currentQuestion())): Taken | null {
  return taken?.recipe === recipe ? taken : null
}

/** Where the goal is one on answers: what was found for it, while the choices are still those; null: it has to be looked for. */
export function useAnswerGoal(): { readonly goal: AnswerGoal; readonly found: Taken | null } | null {
  const goal = useAnswers((state) => state.goal)
  const taken = useAnswers((state) => state.taken)
  const recipe = usePlan(({ question }) => question?.recipe)
  const runs = useFile(isRunnable)
  if (goal === null || !runs) return null
  const found = taken && JSON.stringify(taken.goal) === JSON.stringify(goal) ? ifStillChosen(taken, recipe ?? '') : null
  return { goal, found }
}

/** Whether no form meets the goal as it stands: nothing was looked for by another goal, or among other choices. @param recipe text of the choices now */
export function isMissed({ report, madeFor, goal }: AnswersState, recipe: string | undefined): boolean {
  return report?.chosen === null && isSame(madeFor, { goal, recipe })
}

function isSame(search: Search | null, now: { readonly goal: AnswerGoal | null; readonly recipe: string | undefined }) {
  return search?.recipe === now.recipe && JSON.stringify(search?.goal) === JSON.stringify(now.goal)
}

/** Of what is drawn a third is held out: as many as a trial is judged by. */
const shareDrawn = 3

let attempts = 0

/** @param take the form that is chosen, where one is */
export async function compareForms(take = false): Promise<void> {
  const mine = ++attempts
  useAnswers.setState({ opening: true, fault: null })
  try {
    const inputs = await openAll(useSamples.getState().given.try)
    if (mine !== attempts) return closeAll(inputs)
    cancelLook()
    useAnswers.setState({ opening: false })
    const { goal } = useAnswers.getState()
    let recipe = ''
    want('answers', {
      onFile: true,
      request: () => {
        const model = useFile.getState().report?.fileId
        if (model === undefined) return null
        recipe = recipeText(currentQuestion())
        const { recipe: _, ...choices } = ifStillChosen(useAnswers.getState().taken)?.before ?? currentRecipe()
        const { samples, sizes } = sampleOptions('try')
        const files = { ...withStatistics(model), inputs, heldOut: [] }
        return {
          kind: 'answers',
          files,
          ...choices,
          output: 'onnx',
          goal,
          samples: Math.min(mostSamples, shareDrawn * samples),
          sizes,
        }
      },
      end: (how) => {
        closeAll(inputs)
        useAnswers.setState({ fault: faultOf(how) })
        if (how.type !== 'finished' || how.result.kind !== 'answers') return
        const { report } = how.result
        const madeFor = { goal, recipe }
        useAnswers.setState({ report, madeFor })
        // What was chosen meanwhile is the user's own.
        const holds = isSame(madeFor, { goal: useAnswers.getState().goal, recipe: recipeText(currentQuestion()) })
        if (take && holds && report.chosen !== null) chooseForm(report.rows[report.chosen]!)
      },
    })
  } catch (error) {
    if (mine === attempts) useAnswers.setState({ opening: false, fault: toErrorReport(error) })
  }
}

export function cancelForms(): void {
  attempts++
  dropWork('answers')
  useAnswers.setState({ opening: false })
}

export function dismissForms(): void {
  useAnswers.setState({ fault: null })
}

/**
 * From now on Compress writes this very form, a row of the report. The goal is the one that it was found for, whatever was asked for since, and none where it
 * misses that: nobody is told that a goal is met which is not.
 */
export function chooseForm(row: AnswerRow): void {
  if (!row.choices) return
  const { report, madeFor, taken } = useAnswers.getState()
  const before = ifStillChosen(taken)?.before ?? currentRecipe()
  const goal = row.meetsGoal ? (madeFor?.goal ?? null) : null
  applyRecipe({ recipe: 1, output: 'onnx', ...row.choices, ...statisticsHash() })
  const heldOut = report?.heldOut ?? 0
  useAnswers.setState({ goal, taken: { row, goal, heldOut, recipe: recipeText(currentQuestion()), before } })
}
