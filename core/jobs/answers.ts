/**
 * The goal on answers: candidates are written, run beside the original on inputs that decide, and the nearest is judged on inputs that were held out.
 *
 *   INT8 alone, and the weights' own SVD where there are statistics, to be held against
 *   each way of sharing out ranks (plan/answer-allocations.ts), at the bytes that the goal of the choices comes to
 *   the nearest of them with INT8 for factors and all that is kept
 *
 * With a goal on the answer itself the size is looked for: from large to small until no candidate meets it, then between the last two.
 */
import { samplesFrom } from '../answers/samples.ts'
import type { Answer, AnswerRow, AnswersReport, JobOf } from '../contract.ts'
import { AppError } from '../errors.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { fileName, quoted } from '../messages/text.ts'
import { noGoal } from '../plan/goal.ts'
import { wholeRun } from '../plan/parts.ts'
import type { Choices } from '../plan/plan.ts'
import { SketchCache } from '../sketch-cache/sketch-cache.ts'
import { unwritten } from '../write/compression.ts'
import { sourceHash } from '../write/source-hash.ts'
import { outputStyle } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { type Allocated, type Allocator, answerAllocator, noTensor } from './steps/answer-candidates.ts'
import { type Answered, answered, answerOf, type Bench, latencyOf, withCandidate } from './steps/answer-models.ts'
import { refuse } from './steps/planned-run.ts'
import { statisticsNotices, withStatistics } from './steps/with-statistics.ts'

type Job = JobOf<'answers'>

/** Of the samples, every third is held out where none are given for that. */
const heldOutEvery = 3
/** Sizes that are tried for a goal on the answer, as shares of the source. */
const sizesTried = [0.8, 0.6, 0.45, 0.3, 0.2, 0.12] as const
/** And how often the last step is halved. */
const halvings = 2

/** A row before it is judged on what was held out. */
interface Tried {
  readonly form: AnswerRow['form']
  readonly allocation: AnswerRow['allocation']
  readonly choices: Choices
  readonly bytes: number
  readonly calibration: Answer
}

/** @throws AppError `unsupported` without a runtime or a graph, `bad-request` for goals that cannot be met, `engine-died`, `cancelled` */
export async function compareAnswers(
  { model: file, statistics, inputs, heldOut, models }: FilesOf<'answers'>,
  job: Job,
  host: JobContext,
): Promise<AnswersReport> {
  const started = performance.now()
  const style = outputStyle(job.output)
  if (!style.isGraph || !file.graph)
    throw new AppError('unsupported', say('answers.not-a-model', { name: fileName(file.shards[0]?.fileName ?? '') }))
  const sketches = host.sketches ?? { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: '' }
  const context = await withStatistics({ model: file, statistics }, job.statistics, { ...host, sketches })
  // What is found of the weights alone is not what is found of outputs.
  const bare: JobContext = { ...host, sketches: { ...sketches, sourceHash: `${sketches.sourceHash} plain` } }
  refuse(unwritten(file, style, wholeRun, context), job)

  let count = 0
  const original = await models.file('model', undefined, { threads: job.threads })
  try {
    if (job.judgedBy !== null && !original.outputs.includes(job.judgedBy))
      throw new AppError('bad-request', say('answers.no-output', { output: quoted(job.judgedBy) }))
    const drawn = { count: job.samples, seed: job.seed, sizes: job.sizes }
    const all = await samplesFrom(original.inputs, inputs, drawn)
    const apart = heldOut.length > 0 ? await samplesFrom(original.inputs, heldOut, drawn) : null
    const split = apart || all.length < heldOutEvery ? all : all.filter((_, i) => i % heldOutEvery !== heldOutEvery - 1)
    const others =
      apart ?? (all.length < heldOutEvery ? all : all.filter((_, i) => i % heldOutEvery === heldOutEvery - 1))
    const bench: Bench = {
      ...{ file, output: job.output, style, models, original, threads: job.threads, rounds: job.rounds, context },
      sourceHash: await sourceHash({ model: file }, context),
      judged: job.judgedBy === null ? original.outputs : [job.judgedBy],
      counted: () => {
        count++
        context.report({ type: 'progress', phase: 'run', tensor: null, done: count, total: Math.max(count, expected) })
      },
    }
    let expected = 12
    const samples = await answered(original, split)
    const judgedOn = await answered(original, others)
    const allocator = await answerAllocator(bench, job, samples, (more) => {
      expected += more
    })
    const tried: Tried[] = [await tryOne(bench, samples, 'int8', null, inInt8(job))]
    const plain = statistics && job.goal === null ? await plainChoices(bench, job, bare, allocator.bytes) : null
    const low =
      job.goal === null
        ? await atSize(bench, allocator, samples, allocator.bytes)
        : await bySizes(bench, allocator, samples, job)
    tried.push(...low)
    if (job.goal === null) {
      const best = nearest(low, job)
      if (best) tried.push(await inFewerBits(bench, samples, best))
    }
    const rows = [await originalRow(bench, judgedOn)]
    if (plain)
      rows.push(
        await row(
          { ...bench, context: bare },
          await tryOne({ ...bench, context: bare }, samples, 'low-rank', 'plain', plain),
          judgedOn,
          job,
        ),
      )
    for (const each of tried) rows.push(await row(bench, each, judgedOn, job))
    // INT8 is the second row, whatever else there is.
    rows.sort((a, b) => orderOf(a) - orderOf(b))
    const chosen = choose(rows, job)
    const given = inputs.length > 0 ? 'given' : 'drawn'
    return {
      inputs: given,
      calibration: split.length,
      heldOut: others.length,
      rows,
      chosen,
      models: count,
      elapsedMs: performance.now() - started,
      notices: [
        ...statisticsNotices(context),
        ...noticesOf(rows, chosen, job, {
          drawn: given === 'drawn',
          weighted: statistics !== undefined,
          same: others === split,
        }),
        ...kernelNotices(context),
      ],
      ...context.kernels.info,
    }
  } finally {
    original.end()
  }
}

/** Every weight that nodes multiply by, and no factors. */
function inInt8({ params, exclude }: Job): Choices {
  return { params: { ...params, ...noGoal, denseDType: 'INT8' }, include: [noTensor], exclude, pins: [] }
}

async function tryOne(
  bench: Bench,
  samples: readonly Answered[],
  form: AnswerRow['form'],
  allocation: AnswerRow['allocation'],
  choices: Choices,
): Promise<Tried> {
  return withCandidate(bench, choices, async ({ model, report }) => ({
    ...{ form, allocation, choices, bytes: report.bytesAfter },
    calibration: await answerOf(bench, model, samples),
  }))
}

/** Every way of sharing out ranks at this size that there is. @throws AppError `bad-request` where there is none */
async function atSize(
  bench: Bench,
  allocator: Allocator,
  samples: readonly Answered[],
  bytes: number,
): Promise<Tried[]> {
  const found = await allocator.at(bytes)
  const tried: Tried[] = []
  for (const { allocation, choices } of distinct(found))
    tried.push(await tryOne(bench, samples, 'low-rank', allocation, choices))
  return tried
}

/** Two ways may come to the same ranks. */
function distinct(found: readonly Allocated[]): Allocated[] {
  const seen = new Set<string>()
  return found.filter(({ choices }) => {
    const key = JSON.stringify(choices.pins)
    return !seen.has(key) && seen.add(key)
  })
}

/** For a goal on the answer: the best of each size that was tried, in both precisions. */
async function bySizes(bench: Bench, allocator: Allocator, samples: readonly Answered[], job: Job): Promise<Tried[]> {
  const tried: Tried[] = []
  const at = async (share: number): Promise<boolean> => {
    let found: Tried[]
    try {
      found = await atSize(bench, allocator, samples, Math.floor(share * bench.file.totalBytes))
    } catch (error) {
      if (error instanceof AppError && error.code === 'bad-request') return false
      throw error
    }
    const best = nearest(found, job)
    if (!best) return false
    const small = await inFewerBits(bench, samples, best)
    tried.push(best, small)
    return meets(best.calibration, job) === true || meets(small.calibration, job) === true
  }
  let [enough, short]: [number | null, number | null] = [null, null]
  for (const share of sizesTried) {
    if (!(await at(share))) {
      short = share
      break
    }
    enough = share
  }
  for (let i = 0; i < halvings && enough !== null && short !== null; i++) {
    const middle = (enough + short) / 2
    if (await at(middle)) enough = middle
    else short = middle
  }
  // Of each precision the smallest that meets it, or the nearest.
  return (['low-rank', 'low-rank-int8'] as const).flatMap((form) => {
    const mine = tried.filter((each) => each.form === form)
    const good = mine.filter((each) => meets(each.calibration, job)).toSorted((a, b) => a.bytes - b.bytes)
    return good[0] ?? nearest(mine, job) ?? []
  })
}

/** The same ranks in INT8, with all that is kept. */
function inFewerBits(bench: Bench, samples: readonly Answered[], { allocation, choices }: Tried): Promise<Tried> {
  const params = { ...choices.params, factorDType: 'INT8', int8Always: true, denseDType: 'INT8' } as const
  return tryOne(bench, samples, 'low-rank-int8', allocation, { ...choices, params })
}

/** Ranks by the weights alone at the same size. */
async function plainChoices(bench: Bench, job: Job, bare: JobContext, bytes: number): Promise<Choices | null> {
  const allocator = await answerAllocator({ ...bench, context: bare }, job, [], () => {})
  const found = await allocator.at(bytes)
  return found.find(({ allocation }) => allocation === 'relative')?.choices ?? null
}

/** A smaller error, or with a goal of agreement more of it. */
function nearest<T extends { readonly calibration: Answer | null }>(tried: readonly T[], job: Job): T | null {
  return tried.toSorted((a, b) => distance(a.calibration, job) - distance(b.calibration, job))[0] ?? null
}

function distance(answer: Answer | null, { goal }: Job): number {
  const found = answer?.error ?? 0
  // NaN or Inf among the answers.
  const error = Number.isFinite(found) ? found : Number.POSITIVE_INFINITY
  if (goal?.kind !== 'agreement') return error
  // Of equal agreement the smaller error.
  return 1 - (answer?.agreement ?? 0) + 1e-6 * Math.min(1, error)
}

function meets(answer: Answer | null, { goal }: Job): boolean | null {
  if (goal === null) return null
  if (goal.kind === 'error') return (answer?.error ?? 0) <= goal.most
  return (answer?.agreement ?? 1) >= goal.least
}

async function originalRow(bench: Bench, samples: readonly Answered[]): Promise<AnswerRow> {
  const { file, original } = bench
  const heldOut = await answerOf(bench, original, samples)
  const whole = { bytes: file.totalBytes, share: 1, flops: null, relativeError: 0 }
  return {
    form: 'original',
    allocation: null,
    ...whole,
    calibration: null,
    heldOut,
    latencyRatio: null,
    meetsGoal: null,
    choices: null,
  }
}

async function row(bench: Bench, tried: Tried, samples: readonly Answered[], job: Job): Promise<AnswerRow> {
  const { form, allocation, choices, calibration } = tried
  return withCandidate(bench, choices, async ({ model, report }) => {
    const costs = report.tensors.flatMap(({ inGraph }) => inGraph?.flops ?? [])
    const sum = (of: (each: { before: number; after: number }) => number) =>
      costs.reduce((total, each) => total + of(each), 0)
    const { params, include, exclude, pins = [] } = choices
    return {
      ...{ form, allocation, bytes: report.bytesAfter, share: report.bytesAfter / report.bytesBefore },
      flops: costs.length > 0 ? { before: sum(({ before }) => before), after: sum(({ after }) => after) } : null,
      relativeError: report.relativeError,
      calibration,
      heldOut: await answerOf(bench, model, samples),
      latencyRatio: await latencyOf(bench, model, samples),
      meetsGoal: meets(calibration, job),
      choices:
        allocation === 'plain' ? null : { params, include: [...include], exclude: [...exclude], pins: [...pins] },
    }
  })
}

const forms: readonly AnswerRow['form'][] = ['original', 'int8', 'low-rank', 'low-rank-int8']

function orderOf({ form, allocation }: AnswerRow): number {
  return 2 * forms.indexOf(form) + (allocation === 'plain' ? 0 : 1)
}

/** Of the low-rank rows the nearest; with a goal the smallest of all rows that meets it. */
function choose(rows: readonly AnswerRow[], job: Job): number | null {
  const offered = rows.filter(({ choices }) => choices !== null)
  const found =
    job.goal === null
      ? nearest(
          offered.filter(({ form }) => form === 'low-rank'),
          job,
        )
      : offered.filter(({ meetsGoal }) => meetsGoal).toSorted((a, b) => a.bytes - b.bytes)[0]
  return found ? rows.indexOf(found) : null
}

function noticesOf(
  rows: readonly AnswerRow[],
  chosen: number | null,
  job: Job,
  { drawn, weighted, same }: { readonly drawn: boolean; readonly weighted: boolean; readonly same: boolean },
): Message[] {
  const found: Message[] = []
  if (drawn) found.push(say('answers.drawn'))
  if (same) found.push(say('answers.same-samples'))
  if (!weighted) found.push(say('answers.no-statistics'))
  const int8 = rows.find(({ form }) => form === 'int8')
  const best = chosen === null ? null : rows[chosen]!
  if (chosen === null && job.goal !== null) found.push(say('answers.goal-missed'))
  if (int8 && best && best.form === 'low-rank' && int8.bytes <= best.bytes) {
    const [a, b] = [int8.heldOut.error ?? 0, best.heldOut.error ?? 0]
    if (a <= b) found.push(say('answers.int8-wins', { share: int8.share, error: a, other: best.share, otherError: b }))
  }
  return found
}
