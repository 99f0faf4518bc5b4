/**
 * The plan of a run, in its stages: by names and shapes; by what the output can hold; by the values, where NaN or Inf keep a tensor as it
 * is; by a goal, which settles the ranks. After it every byte of the output has its place.
 */
import { absoluteError, type NormedError } from '../../curves/model-error.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import { isArrayName } from '../../formats/numpy/npz.ts'
import type { JobContext } from '../../matrix/context.ts'
import { knownScans, type ScanTensor, withKnownScans } from '../../matrix/known.ts'
import { isSeenWhole, loadMatrix } from '../../matrix/load.ts'
import { oneAhead } from '../../matrix/read-ahead.ts'
import { hasNonFinite, scanValues, sumOfSquares } from '../../matrix/scan.ts'
import { knownSpectrum, squaresOf, tensorSpectrum } from '../../matrix/spectra.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import type { Params } from '../../params.ts'
import { type Candidate, candidateOf } from '../../plan/candidate.ts'
import { inFileOrder, refuseTwins } from '../../plan/entries.ts'
import { hasGoal } from '../../plan/goal.ts'
import { goalOfModel, type Weighing, withRanks } from '../../plan/goals.ts'
import { isOneFile, layOut } from '../../plan/output-files.ts'
import { partOf, wholeRun } from '../../plan/parts.ts'
import {
  analysisDecides,
  type Choices,
  isFactorized,
  keepAsIs,
  planByNames,
  type TensorPlan,
  unsettled,
} from '../../plan/plan.ts'
import { refusalOfChoices } from '../../plan/refusal.ts'
import type { OpenChoice } from '../../plan/trade-off.ts'
import { encodings, writtenDType } from '../../styles.ts'
import { elementCount, hasComputableDType, oncePerStorage, storageName } from '../../tensor.ts'
import type { Compression } from '../../write/compression.ts'
import { denseInt8Error, isDenseInt8 } from '../../write/dense-int8.ts'
import { unreadExternal } from '../../write/onnx/surgery.ts'
import { predictedBytes, predictedOutput } from '../../write/predicted-output.ts'
import { outputStyle } from '../../write/styles/registry.ts'

export interface PlannedRun {
  /** Of this run, or of its part. */
  readonly plans: TensorPlan[]
  /** The same before ranks were settled. */
  readonly open: readonly TensorPlan[]
  /** Of the whole run, each with what is known of it at every rank; none where nothing had to be found out. */
  readonly candidates: readonly Candidate[]
}

/**
 * The plan of a run once `refuse` has let it pass. With `seen`, what loading passes over anyway is planned without a scan where no analysis has to load it
 * before: the run finds its checksum, or that it has NaN or Inf (compress-tensor.ts).
 * @throws AppError `bad-request` for goals that cannot be met
 */
export async function planRun(compression: Compression, job: Choices): Promise<PlannedRun> {
  const { file, style, part, seen, context } = compression
  const named = planByNames(file, job, style)
  refuseTwins(named, style)
  const mine = new Set(
    partOf(inFileOrder(named, style), part, ({ info }) => info.byteLength).map(({ info }) => info.name),
  )
  const isMine = ({ info }: TensorPlan) => mine.has(info.name)
  // A goal is allocated over all tensors; without one a part reads only its own.
  const isLater = (plan: TensorPlan) =>
    seen !== undefined &&
    !analysisDecides(job.params) &&
    isFactorized(plan) &&
    isSeenWhole(file, plan.info, plan.view, context, plan.sketch)
  const checked = await checkValues(file, hasGoal(job.params) ? named : named.filter(isMine), context, isLater)
  const { plans, candidates } = await settleRanks(file, checked, job.params, weighingOf(compression), context)
  return { plans: plans.filter(isMine), open: checked.filter(isMine), candidates }
}

/** A dense copy is the test drive of the factors: its goals are theirs. A part's are those of the whole run. */
export function weighingOf(compression: Compression): Weighing {
  const style = compression.style.multipliesOut ? outputStyle('factors') : compression.style
  return {
    predict: (plans) => predictedBytes({ ...compression, style, part: wholeRun }, plans),
    stored: (dtype) => writtenDType(style, dtype),
    isDifference: style.isDifference,
  }
}

/** What outputs of other sizes are weighed by (plan/trade-off.ts). */
export function sizesOf(compression: Compression): Pick<OpenChoice, 'multipliesOut' | 'bytesOf'> {
  const { file, style } = compression
  const { multipliesOut } = style
  return multipliesOut
    ? { multipliesOut, bytesOf: weighingOf(compression).predict }
    : { multipliesOut, bytesOf: (plans) => predictedOutput(compression, layOut(file, plans, style, 'output')) }
}

/** What decides the plan of a run and has not been found out yet. */
export interface Undecided {
  /** Whether there is NaN or Inf in what is to be factorized. */
  readonly values: boolean
  /** How errors fall with the rank, where ranks or dtypes follow from that. */
  readonly spectra: boolean
}

/** Where nothing is, `planRun` needs no factorization and looks for no NaN. No weight is read. */
export async function findUndecided({ file, style, context }: Compression, job: Choices): Promise<Undecided> {
  const scanned = await knownScans(context)
  let values = false
  let spectra = false
  for (const plan of planByNames(file, job, style)) {
    if (!isFactorized(plan) && plan.denseInt8 === undefined) continue
    const scan = scanned.get(storageName(plan.info))
    values ||= scan === undefined
    if (!isFactorized(plan) || spectra || (scan && hasNonFinite(scan)) || !analysisDecides(job.params)) continue
    spectra = !(await knownSpectrum(plan, context))
  }
  return { values, spectra }
}

/** @throws AppError `bad-request` for what no run can do, and for what this kind of output cannot be */
export function refuse({ file, style, part }: Compression, { params }: Choices): void {
  const refusal = refusalOfChoices(params, style, file.graph !== undefined)
  if (refusal) throw refusal
  const unfit = encodings[style.encoding].namesMembers ? file.tensors.find(({ name }) => !isArrayName(name)) : undefined
  if (unfit) {
    throw new AppError('bad-request', say('request.archive-name', { name: quoted(unfit.name) }))
  }
  const foreignValues = style.isGraph && file.graph ? unreadExternal(file.graph) : null
  if (foreignValues !== null)
    throw new AppError('bad-request', say('request.graph-foreign-values', { name: foreign(foreignValues) }))
  if (
    part.of > 1 &&
    !(isOneFile(style, file) && (style.copiesKept || style.isDifference) && encodings[style.encoding].joins)
  ) {
    throw new AppError('bad-request', say('request.parts-one-file'))
  }
}

/** `isLater`: which need not be scanned, unless that was done before. */
export async function checkValues(
  file: WeightFile,
  plans: readonly TensorPlan[],
  context: JobContext,
  isLater: (plan: TensorPlan) => boolean = () => false,
): Promise<TensorPlan[]> {
  const total = plans.reduce((sum, plan) => sum + plan.info.byteLength, 0)
  const scanned = await knownScans(context)
  const isNow = (plan: TensorPlan) => scanned.has(storageName(plan.info)) || !isLater(plan)
  return withKnownScans(
    context,
    (tensor) => scanValues(file, tensor, context),
    async (scan) => {
      let done = 0
      const checked: TensorPlan[] = []
      const check = async (next: TensorPlan) => (isNow(next) ? withFiniteValues(next, scan) : next)
      for await (const plan of oneAhead(plans, check)) {
        checked.push(plan)
        done += plan.info.byteLength
        context.report({ type: 'progress', phase: 'plan', tensor: plan.info.name, done, total })
      }
      return checked
    },
  )
}

/** The plan with what is known of its values, or one to keep the tensor where it has NaN or Inf. */
export async function withFiniteValues(plan: TensorPlan, scan: ScanTensor): Promise<TensorPlan> {
  const { info } = plan
  if ((plan.action === 'keep' && plan.denseInt8 === undefined) || !hasComputableDType(info)) return plan
  const found = await scan(info)
  const scanned = { ...plan, crc: found.crc, magnitudes: found.magnitudes }
  if (!hasNonFinite(found)) return scanned
  const why = say('plan.non-finite', { name: foreign(plan.info.name), nan: found.nanCount, inf: found.infCount })
  return keepAsIs({ ...scanned, denseInt8: undefined }, say('plan.kept-unchanged', { why: [why] }))
}

/**
 * Plans with their final ranks and dtypes; the same plans where nothing has to be computed for that.
 * @throws AppError `bad-request` for goals that contradict each other or cannot be met
 */
async function settleRanks(
  file: WeightFile,
  plans: readonly TensorPlan[],
  params: Params,
  weighing: Weighing,
  context: JobContext,
): Promise<Omit<PlannedRun, 'open'>> {
  if (!analysisDecides(params)) return { plans: [...plans], candidates: [] }
  refuseMixedNorms(plans, params, context)
  const candidates = await analyzeCandidates(file, plans, params, weighing, context)
  if (!goalOfModel(params)) return { plans: withRanks(plans, candidates, params, file, weighing, 0), candidates }
  const totalWeight = await weightOf(file, plans, candidates, params, context)
  const kept = await keptErrorOf(file, plans, params, context)
  return { plans: withRanks(plans, candidates, params, file, weighing, totalWeight, kept), candidates }
}

/** One candidate for each storage, analyzed up to the rank of its plan's sketch. */
export async function analyzeCandidates(
  file: WeightFile,
  all: readonly TensorPlan[],
  params: Params,
  weighing: Weighing,
  context: JobContext,
): Promise<Candidate[]> {
  const factorized = all.filter(isFactorized)
  const plans = oncePerStorage(factorized)
  const total = plans.reduce((sum, { info }) => sum + info.byteLength, 0)
  let done = 0
  const candidates: Candidate[] = []
  for (const plan of plans) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: plan.info.name, done, total })
    const copies = factorized.filter(({ info }) => storageName(info) === storageName(plan.info)).length
    const spectrum = await tensorSpectrum(file, plan, context)
    const kept = keepAsIs(plan, unsettled)
    const keptError = isDenseInt8(kept) ? (await denseInt8Error(file, kept, context)).relativeError : 0
    candidates.push(candidateOf(plan, copies, spectrum, params, weighing, keptError))
    done += plan.info.byteLength
  }
  return candidates
}

/** Weighted squared error of what is kept whatever the goal, where that rounds it. */
export async function keptErrorOf(
  file: WeightFile,
  plans: readonly TensorPlan[],
  { goalWeight }: Pick<Params, 'goalWeight'>,
  context: JobContext,
): Promise<number> {
  let sum = 0
  for (const plan of oncePerStorage(plans).filter(isDenseInt8)) {
    if (!plan.view) continue
    const { relativeError, frobeniusNorm } = await denseInt8Error(file, plan, context)
    sum += (goalWeight === 'entries' ? elementCount(plan.info.shape) : frobeniusNorm ** 2) * relativeError ** 2
  }
  return sum
}

/** Of all matrices, as the goal counts them. */
async function weightOf(
  file: WeightFile,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  context: JobContext,
): Promise<number> {
  const matrices = oncePerStorage(plans).filter(({ view }) => view)
  if (params.goalWeight === 'entries') return matrices.reduce((sum, { info }) => sum + elementCount(info.shape), 0)
  let total = candidates.reduce((sum, { weight }) => sum + weight, 0)
  for (const plan of matrices) if (!isFactorized(plan)) total += (await squaresIn(file, plan, context)) ?? 0
  return total
}

/** ||W||_F^2, or that of outputs; null where the job measures outputs and has no statistics of this matrix: the two do not add up. */
async function squaresIn(file: WeightFile, { info, view }: TensorPlan, context: JobContext): Promise<number | null> {
  const { outputNorm, kernels } = context
  if (!outputNorm) return squaresOf(info, context, () => sumOfSquares(file, info, context))
  if (!view || !hasComputableDType(info) || !outputNorm.statistics.of(storageName(info))) return null
  return squaresOf(info, context, async () => {
    let sum = 0
    for (let index = 0; index < view.count; index++) {
      const mark = kernels.mark()
      try {
        const limits = { memoryLimit: 0, method: 'randomized' } as const
        sum += (await loadMatrix(file, info, view, index, context, limits)).frobeniusNorm ** 2
      } finally {
        kernels.release(mark)
      }
    }
    return sum
  })
}

/** @throws AppError `bad-request` where an absolute goal would add up outputs and weights */
function refuseMixedNorms(plans: readonly TensorPlan[], { goalWeight }: Params, { outputNorm }: JobContext): void {
  if (!outputNorm || goalWeight === 'entries') return
  const bare = oncePerStorage(plans.filter(isFactorized)).filter(
    ({ info }) => !outputNorm.statistics.of(storageName(info)),
  )
  if (bare.length === 0) return
  const some = bare.slice(0, 3).map(({ info }) => quoted(info.name))
  throw new AppError('bad-request', say('statistics.absolute-uncovered', { count: bare.length, some }))
}

/** Over all matrices of the plans, each storage once, from the errors and norms of those that are factorized; null where one is not known. */
export async function absoluteErrorOf(
  file: WeightFile,
  plans: readonly TensorPlan[],
  factorized: ReadonlyMap<string, { readonly relativeError: number; readonly frobeniusNorm: number }>,
  context: JobContext,
): Promise<number | null> {
  const matrices: NormedError[] = []
  for (const plan of oncePerStorage(plans)) {
    const { info, view } = plan
    if (!view) continue
    const found = factorized.get(info.name)
    if (found) {
      if (context.outputNorm && !context.outputNorm.statistics.of(storageName(info))) return null
      matrices.push({ norm: found.frobeniusNorm, error: found.relativeError })
    } else {
      const squares = await squaresIn(file, plan, context)
      if (squares !== null) matrices.push({ norm: Math.sqrt(squares), error: 0 })
    }
  }
  return absoluteError(matrices)
}
