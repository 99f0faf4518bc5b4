/**
 * The whole model: whether it has been analyzed, the error curves that came of it, and what a run would do under the choices as they
 * stand. Once every matrix has been analyzed the engine answers another goal in milliseconds, exact in bytes.
 */
import { create } from 'zustand'
import type { JobOf, PlannedTensor, PlanReport, RecipeInput } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { type Params, sketchKeyOf } from '../../../core/params.ts'
import { planReach } from '../../../core/plan/analysis-rank.ts'
import type { OutputId } from '../../../core/styles.ts'

/** What a plan is asked for, and the text that tells one question from another. */
export interface Question extends Omit<RecipeInput, 'output'> {
  readonly output: OutputId
  /** Of an adapter. */
  readonly options?: PlanOptions
  readonly recipe: string
}

/** What else decides an adapter. */
type PlanOptions = NonNullable<JobOf<'plan'>['adapter']>

export interface PlanAnswer {
  readonly question: Question
  readonly report: PlanReport
  readonly tensors: ReadonlyMap<string, PlannedTensor>
  /** How many of them a run would factorize. */
  readonly compressed: number
  /** Bytes of the output that are no values: header, metadata, what lies beside it. */
  readonly aroundValues: number
}

/** The last question or analysis that failed, and whether the user has seen that. */
export interface PlanFailure {
  readonly recipe: string
  readonly error: ErrorReport
  /** It was an analysis, which is not of one goal. */
  readonly long: boolean
  readonly dismissed: boolean
}

export interface PlanState {
  /** The choices as they stand; null without a file. */
  readonly question: Question | null
  /** What is being asked takes long enough to be shown as work, though it looked like a question. */
  readonly late: boolean
  /** Largest rank that the complete analysis with these computing parameters serves. */
  readonly analyzed: Readonly<Record<string, number>>
  /** Relative error at rank 0, 1, ... by tensor, and the computing parameters it was found with. */
  readonly curves: ReadonlyMap<string, readonly number[]>
  readonly curvesKey: string | null
  /** Newest first. */
  readonly answers: readonly PlanAnswer[]
  readonly failure: PlanFailure | null
}

const idle: PlanState = {
  question: null,
  late: false,
  analyzed: {},
  curves: new Map(),
  curvesKey: null,
  answers: [],
  failure: null,
}

/** Answers that are kept: going back to a goal asks nothing. A report of 10,000 tensors takes about 3 MB. */
const mostAnswers = 8

export const usePlan = create<PlanState>(() => idle)

export const planReducers = {
  reset() {
    usePlan.setState(idle)
  },
  /** The choices changed. */
  question(question: Question | null) {
    usePlan.setState({ question })
  },
  asked({ params }: Question) {
    const key = sketchKeyOf(params)
    usePlan.setState(({ curvesKey }) => ({
      late: false,
      failure: null,
      ...(curvesKey === key ? {} : { curves: new Map(), curvesKey: key }),
    }))
  },
  late() {
    usePlan.setState({ late: true })
  },
  answered(question: Question, report: PlanReport) {
    const key = sketchKeyOf(question.params)
    usePlan.setState(({ analyzed, answers }) => ({
      analyzed: { ...analyzed, [key]: Math.max(analyzed[key] ?? 0, planReach(question.params)) },
      answers: [
        answerOf(question, report),
        ...answers.filter((other) => other.question.recipe !== question.recipe),
      ].slice(0, mostAnswers),
    }))
  },
  failed({ recipe }: Question, long: boolean, error: ErrorReport) {
    usePlan.setState({ failure: { recipe, error, long, dismissed: false } })
  },
  dismissed() {
    usePlan.setState(({ failure }) => ({ failure: failure && { ...failure, dismissed: true } }))
  },
  /** Curves come by the thousand: they are handed over in portions. */
  curves(found: ReadonlyMap<string, readonly number[]>) {
    usePlan.setState(({ curves }) => ({ curves: new Map([...curves, ...found]) }))
  },
}

function answerOf(question: Question, report: PlanReport): PlanAnswer {
  const tensors = new Map(report.tensors.map((tensor) => [tensor.name, tensor]))
  const values = report.tensors.reduce((sum, { bytesAfter }) => sum + bytesAfter, 0)
  return {
    question,
    report,
    tensors,
    compressed: report.tensors.filter(({ rank }) => rank !== null).length,
    aroundValues: Math.max(0, report.bytesAfter - values),
  }
}

/** Whether the analysis that these parameters need has been made: then the engine answers at once. */
export function isAnalyzed({ analyzed }: Pick<PlanState, 'analyzed'>, params: Params): boolean {
  return planReach(params) <= (analyzed[sketchKeyOf(params)] ?? 0)
}

/** Rank up to which the analysis of the model knows this tensor; null where it does not. */
export function rankAnalyzed(
  { curves, curvesKey }: Pick<PlanState, 'curves' | 'curvesKey'>,
  name: string,
  params: Params,
): number | null {
  const curve = curvesKey === sketchKeyOf(params) ? curves.get(name) : undefined
  return curve ? curve.length - 1 : null
}

/** The plan for a recipe, where it is known. */
export function answerTo({ answers }: Pick<PlanState, 'answers'>, recipe: string | undefined): PlanAnswer | null {
  return answers.find(({ question }) => question.recipe === recipe) ?? null
}

/** Why the choices as they stand got no plan; null where they got one or were not asked for. */
export function failureOfChoices({ question, failure }: Pick<PlanState, 'question' | 'failure'>): PlanFailure | null {
  return failure && failure.recipe === question?.recipe ? failure : null
}

/** What the user still has to be told: the failure of an analysis, or of these very choices. */
export function untold(state: Pick<PlanState, 'question' | 'failure'>): ErrorReport | null {
  const failure = state.failure?.long ? state.failure : failureOfChoices(state)
  return failure && !failure.dismissed ? failure.error : null
}

/** The sentence where no run can do what was chosen, told or not. An engine that died has refused nothing. */
export function refusal(state: Pick<PlanState, 'question' | 'failure'>): ErrorReport | null {
  const failure = failureOfChoices(state)
  return failure?.error.code === 'bad-request' ? failure.error : null
}
