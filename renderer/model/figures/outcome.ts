/**
 * What a run would make of the whole model, as far as that is known: the one source of its numbers for every place that shows them. A part
 * of the tensors never stands for the model: until all have been analyzed its error is a sentence with a price, not a number.
 */
import { useMemo } from 'react'
import {
  type CompressionReport,
  errorOfRun,
  type Run,
  type RunKind,
  recipeText,
  writesAdapter,
} from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { sketchKeyOf, sketchKeys } from '../../../core/params.ts'
import { allStyles, type Style } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { goalOf } from '../../choices/goal.ts'
import { useParams } from '../../choices/params.ts'
import { type PlanAnswer, type PlanState, type Question, usePlan } from '../planning/plan.ts'
import { useRefusal } from '../planning/refusal.ts'
import { type RunningPlan, useRunningPlan } from '../planning/running-plan.ts'
import { measuredBy, useRuns } from '../running/runs.ts'
import { type FileEstimate, useEstimate } from './estimate.ts'
import { shownPlan } from './outlook.ts'

/**
 * Above this model error a run asks before it writes. A convention, not a law: no weight error predicts answers, but of the models that were
 * tried none that lost more than this was still of use.
 */
export const largeChange = 0.1

/** What can be said of quality from the error of the weights alone: nothing good, only that the change is large. */
export type Verdict = 'untested' | 'large'

export function verdictOn(error: number): Verdict {
  return error > largeChange ? 'large' : 'untested'
}

interface Sizes {
  readonly bytesBefore: number
  /** null where the goal has still to find it. */
  readonly bytesAfter: number | null
  /** To the byte: of the plan of the choices as they stand, or of a file that was written. */
  readonly sizeIsExact: boolean
  /** Matrices that are factorized, and that could be; null where that is not known yet. */
  readonly compressed: number | null
  readonly candidates: number
  /** Weights that are kept whole and written in INT8. */
  readonly rounded: number
}

/** An error of the whole model, and what follows from it. */
export interface KnownError {
  readonly error: number
  /** Of what lies between two models, or in an adapter: a share of that, not of a model. */
  readonly isDifference: boolean
  /** Of the weights, where `error` is that of layers' outputs, by statistics of inputs; null where it is of weights itself. */
  readonly weightError: number | null
  /** Differences of it below this are rounding; 0 where that is not known. */
  readonly resolution: number
  /** The run comes to this or a little more. */
  readonly least: boolean
  readonly verdict: Verdict
}

export type Outcome = Sizes &
  (
    | { readonly state: 'unknown' | 'analyzing' }
    /**
     * `isCurrent` false: for a moment the plan before, until the engine has answered. `measuredIn`: the output of the run that did just this, whose numbers
     * these are where nobody has planned.
     */
    | ({ readonly state: 'planned'; readonly isCurrent: boolean; readonly measuredIn: string | null } & KnownError)
    /** The plan of other computing parameters: as good as it was, and not what a run would do now. */
    | ({ readonly state: 'stale' } & KnownError)
    | { readonly state: 'refused'; readonly refusal: ErrorReport }
    /** Of a file that was written, read back and measured. */
    | ({ readonly state: 'measured' } & KnownError)
  )

interface Known {
  readonly estimate: FileEstimate
  readonly plan: PlanState
  readonly running: RunningPlan | null
  readonly refusal: ErrorReport | null
  /** A run of this very file with the choices as they stand. */
  readonly measured: Pick<Run, 'choices' | 'result' | 'target'> | null
  readonly byRank: boolean
  readonly style: Style
  /** Of the file as it is, header and all: what a goal is a share of. */
  readonly totalBytes: number
}

/** Of the open file under the choices as they stand. */
export function outcomeOf({ estimate, plan, running, refusal, measured, byRank, style, totalBytes }: Known): Outcome {
  const candidates = estimate.compressed + estimate.wouldGrow
  const unplanned: Sizes = {
    bytesBefore: totalBytes,
    bytesAfter: byRank ? Math.round(style.multipliesOut ? totalBytes : expectedBytes(estimate, style)) : null,
    sizeIsExact: false,
    compressed: byRank ? estimate.compressed : null,
    candidates,
    rounded: estimate.rounded,
  }
  if (refusal) return { ...unplanned, bytesAfter: null, compressed: null, state: 'refused', refusal }
  const { answer, isCurrent } = shownPlan(plan, running)
  if (answer)
    return {
      ...unplanned,
      ...figuresOf(answer, style),
      sizeIsExact: isCurrent,
      state: 'planned',
      isCurrent,
      measuredIn: null,
    }
  if (measured?.result) {
    const { compressed, candidates, rounded } = unplanned
    const found = outcomeOfRun(measured.result, measured.choices.kind)
    const counts = { compressed, candidates, rounded }
    return { ...found, ...counts, state: 'planned', isCurrent: true, measuredIn: measured.target }
  }
  if (running?.long) return { ...unplanned, state: 'analyzing' }
  const before = findStale(plan)
  if (before) return { ...unplanned, ...figuresOf(before, style), sizeIsExact: false, state: 'stale' }
  return { ...unplanned, state: 'unknown' }
}

/** What a header says of an entry beside its name - dtype, shape, offsets - and its checksum. */
const besideName = 75
/** Of a matrix: two entries, each with a suffix to its name, and its error by its name. */
const besideThreeNames = 190
/** Of the run: the digests of its source, its recipe and its result. */
const ofTheRun = 500

/** What an output of this style takes at one rank for all: its values, and about what stands around them. */
export function expectedBytes(
  { bytesAfter, factorBytes, compressed, wouldGrow, kept, factorNames, keptNames }: FileEstimate,
  style: Style,
): number {
  const around = ofTheRun + 3 * factorNames + besideThreeNames * compressed
  return style.copiesKept ? bytesAfter + around + keptNames + besideName * (wouldGrow + kept) : factorBytes + around
}

function figuresOf(
  { report, compressed }: PlanAnswer,
  { isDifference }: Pick<Style, 'isDifference'>,
): Omit<Sizes, 'candidates' | 'rounded'> & KnownError {
  // Of differences the large ones count: what an adapter misses is a share of all that lies between two models.
  const error = isDifference ? (report.absoluteError ?? report.relativeError) : report.relativeError
  return {
    bytesBefore: report.bytesBefore,
    bytesAfter: report.bytesAfter,
    sizeIsExact: true,
    compressed,
    error,
    isDifference,
    weightError: report.statistics?.weightError ?? null,
    resolution: report.resolution ?? 0,
    least: report.errorIsLeast,
    verdict: isDifference ? 'untested' : verdictOn(error),
  }
}

/** The newest plan for this goal, this output and these rules, where only what it was computed with has changed since. */
function findStale({ question, answers }: PlanState): PlanAnswer | null {
  if (!question || goalOf(question.params) === 'rank') return null
  const computing = Object.fromEntries(sketchKeys.map((key) => [key, question.params[key]]))
  const asNow = ({ params, ...others }: Question) => recipeText({ ...others, params: { ...params, ...computing } })
  const same = ({ question: other }: PlanAnswer) =>
    asNow(other) === asNow(question) && sketchKeyOf(other.params) !== sketchKeyOf(question.params)
  return answers.find(same) ?? null
}

/** The header's length changes with the ranks it names: a size that is just large enough is asked for with this much more. */
const headroom = 1.002

/**
 * Bytes of the smallest output there can be, where a size is refused for being too small: as the refusal says, or where kept tensors alone are
 * too large from `least`, what the curves of the analysis come to; null where another thing is in the way.
 */
export function smallestSize({ said }: ErrorReport, goalBytes: number | null, least: number | null): number | null {
  const [first] = said
  if (goalBytes !== null && first?.key === 'request.kept-too-large' && least !== null)
    return Math.ceil(least * headroom)
  if (goalBytes === null || first?.key !== 'request.goal-too-small') return null
  const { left, needed } = first.values as { left: number; needed: number }
  return Math.ceil((goalBytes + needed - left) * headroom)
}

/** Of a finished run. */
export function outcomeOfRun(
  report: Pick<CompressionReport, 'bytesBefore' | 'bytesAfter' | 'relativeError' | 'resolution' | 'statistics'> & {
    readonly absoluteError?: number | null | undefined
  },
  kind: RunKind,
): Extract<Outcome, { state: 'measured' }> {
  const isDifference = writesAdapter(kind)
  const error = errorOfRun(kind, report)
  return {
    state: 'measured',
    bytesBefore: report.bytesBefore,
    bytesAfter: report.bytesAfter,
    sizeIsExact: true,
    compressed: null,
    candidates: 0,
    rounded: 0,
    error,
    isDifference,
    weightError: report.statistics?.weightError ?? null,
    resolution: report.resolution ?? 0,
    least: false,
    verdict: isDifference ? 'untested' : verdictOn(error),
  }
}

/** Whether its numbers are those of another plan than the one of the choices as they stand: they are shown dimmed. */
export function isOutdated(outcome: Outcome): boolean {
  return outcome.state === 'stale' || (outcome.state === 'planned' && !outcome.isCurrent)
}

/** Whether a run may be asked for: its outcome is known, or a rank that was given makes it no secret until it is measured. */
export function canCompress(outcome: Outcome): boolean {
  const changed = (outcome.compressed ?? 0) + outcome.rounded > 0
  switch (outcome.state) {
    case 'planned':
      return outcome.isCurrent && changed
    case 'unknown':
    case 'analyzing':
      return outcome.bytesAfter !== null && changed
    default:
      return false
  }
}

export function useOutcome(): Outcome {
  const byRank = useParams(({ params }) => goalOf(params) === 'rank')
  const style = useParams(({ output }) => allStyles[output])
  const estimate = useEstimate()
  const totalBytes = useFile(({ report }) => report?.totalBytes ?? 0)
  const plan = usePlan()
  const running = useRunningPlan()
  const refusal = useRefusal()
  const fileId = useFile(({ report }) => report?.fileId)
  const measured = useRuns((state) => measuredBy(state, fileId, plan.question?.recipe))
  return useMemo(
    () => outcomeOf({ estimate, plan, running, refusal, measured, byRank, style, totalBytes }),
    [estimate, plan, running, refusal, measured, byRank, style, totalBytes],
  )
}
