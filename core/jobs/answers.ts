/**
 * The goal on answers: candidates are written, run beside the original on inputs that decide, and the nearest is judged on inputs that were held out.
 *
 *   INT8 alone, and the weights' own SVD where there are statistics, to be held against
 *   each way of sharing out ranks (plan/answer-allocations.ts), at the bytes that the goal of the choices comes to
 *   the nearest of them with INT8 for factors and all that is kept
 *
 * With a goal on the answer itself the size is looked for: from large to small until no candidate meets it, then between the last two.
 */
import { type Activation, lastActivations } from '../answers/logits.ts'
import { samplesFrom, someOf } from '../answers/samples.ts'
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
import {
  type AnsweredSamples,
  answered,
  answerOf,
  assertTellsApart,
  type Bench,
  latencyOf,
  type WrittenCandidate,
  whileRunning,
  writeCandidate,
} from './steps/answer-models.ts'
import { refuse } from './steps/planned-run.ts'
import { statisticsNotices, withStatistics } from './steps/with-statistics.ts'

type Job = JobOf<'answers'>

/** Of the samples, every third is held out where none are given for that. */
const heldOutEvery = 3
/** Sizes that are tried for a goal on the answer, as shares of the source. */
const sizesTried = [0.8, 0.6, 0.45, 0.3, 0.2, 0.12] as const
/** And how often the last step is halved. */
const halvings = 2

/** A row before it is judged on what was held out: written, and there until it has been or is out of the question. */
interface Tried extends WrittenCandidate {
  readonly form: AnswerRow['form']
  readonly allocation: AnswerRow['allocation']
  readonly choices: Choices
  readonly bytes: number
  readonly calibration: Answer
}

/** Beyond this a model is not read into memory to have its values revealed. */
const mostRevealed = 1.9e9

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
  let expected = 12
  const activations = lastActivations(file.graph)
  const isJudged = ({ output }: Activation) => job.judgedBy === null || output === job.judgedBy
  const logits = activations.flatMap((each) => (isJudged(each) && each.logits !== null ? [each.logits] : []))
  const reveal = file.totalBytes <= mostRevealed ? [...new Set(logits)] : []
  const original = await models.file('model', undefined, { threads: job.threads, reveal })
  try {
    const outputs = original.outputs.filter((name) => !reveal.includes(name))
    if (job.judgedBy !== null && !outputs.includes(job.judgedBy))
      throw new AppError('bad-request', say('answers.no-output', { output: quoted(job.judgedBy) }))
    const drawn = { count: job.samples, seed: job.seed, sizes: job.sizes }
    const all = samplesFrom(original.inputs, inputs, drawn)
    const apart = heldOut.length > 0 ? samplesFrom(original.inputs, heldOut, drawn) : null
    const isHeldOut = (i: number) => i % heldOutEvery === heldOutEvery - 1
    const few = all.count < heldOutEvery
    const split = apart || few ? all : someOf(all, (i) => !isHeldOut(i))
    const others = apart ?? (few ? all : someOf(all, isHeldOut))
    const bench: Bench = {
      ...{ file, output: job.output, style, models, original, threads: job.threads, rounds: job.rounds, context },
      sourceHash: await sourceHash({ model: file }, context),
      judged: job.judgedBy === null ? outputs : [job.judgedBy],
      logits: reveal,
      classes: new Set(activations.flatMap((each) => (isJudged(each) && each.hasClasses ? [each.output] : []))),
      counted: () => {
        count++
        context.report({ type: 'progress', phase: 'run', tensor: null, done: count, total: Math.max(count, expected) })
      },
    }
    const samples = answered(original, split)
    await assertTellsApart(bench, job.goal, samples)
    const judgedOn = others === split ? samples : answered(original, others)
    const allocator = await answerAllocator(bench, job, samples, (more) => {
      expected += more
    })
    const judge: Judge = { job, samples, judgedOn, distance: distanceFor(bench, job) }
    const rows = [await originalRow(bench, judgedOn)]
    rows.push(await row(bench, await tryOne(bench, samples, 'int8', null, inInt8(job)), judge))
    const plain = statistics && job.goal === null ? await plainChoices(bench, job, bare, allocator.bytes) : null
    if (plain) {
      const bareBench = { ...bench, context: bare }
      rows.push(await row(bareBench, await tryOne(bareBench, samples, 'low-rank', 'plain', plain), judge))
    }
    if (job.goal === null) rows.push(...(await atOneSize(bench, allocator, judge)))
    else for (const each of await bySizes(bench, allocator, judge)) rows.push(await row(bench, each, judge))
    const chosen = choose(rows, judge)
    const given = inputs.length > 0 ? 'given' : 'drawn'
    return {
      inputs: given,
      calibration: split.count,
      heldOut: others.count,
      rows,
      chosen,
      chosenBy: byAgreement(bench, job) ? 'agreement' : 'error',
      models: count,
      elapsedMs: performance.now() - started,
      notices: [
        ...statisticsNotices(context),
        ...noticesOf(rows, chosen, job, {
          drawn: given === 'drawn',
          weighted: statistics !== undefined,
          same: others === split,
          agreement: byAgreement(bench, job),
        }),
        ...kernelNotices(context),
      ],
      ...context.kernels.info,
    }
  } finally {
    original.end()
  }
}

/** By what rows are told apart, and on what. */
interface Judge {
  readonly job: Job
  /** Those that decide. */
  readonly samples: AnsweredSamples
  readonly judgedOn: AnsweredSamples
  /** Of an answer from the original's. */
  distance(answer: Answer | null): number
}

/** Every weight that nodes multiply by, and no factors. */
function inInt8({ params, exclude }: Job): Choices {
  return { params: { ...params, ...noGoal, denseDType: 'INT8' }, include: [noTensor], exclude, pins: [] }
}

async function tryOne(
  bench: Bench,
  samples: AnsweredSamples,
  form: AnswerRow['form'],
  allocation: AnswerRow['allocation'],
  choices: Choices,
): Promise<Tried> {
  const written = await writeCandidate(bench, choices)
  try {
    const { answer } = await whileRunning(bench, written, (model) => answerOf(bench, model, samples))
    return { ...written, form, allocation, choices, bytes: written.report.bytesAfter, calibration: answer }
  } catch (error) {
    written.model.remove()
    throw error
  }
}

/** Every way of sharing out ranks at the size of the choices, and the nearest of them in fewer bits. @throws AppError `bad-request` where there is none */
async function atOneSize(bench: Bench, allocator: Allocator, judge: Judge): Promise<AnswerRow[]> {
  const rows: AnswerRow[] = []
  for (const { allocation, choices } of distinct(await allocator.at(allocator.bytes)))
    rows.push(await row(bench, await tryOne(bench, judge.samples, 'low-rank', allocation, choices), judge))
  const best = nearest(rows, judge)
  if (!best?.choices) return rows
  const { allocation, choices } = best
  return [...rows, await row(bench, await inFewerBits(bench, judge.samples, { allocation, choices }), judge)]
}

/** Two ways may come to the same ranks. */
function distinct(found: readonly Allocated[]): Allocated[] {
  const seen = new Set<string>()
  return found.filter(({ choices }) => {
    const key = JSON.stringify(choices.pins)
    return !seen.has(key) && seen.add(key)
  })
}

/** For a goal on the answer, of each precision: the smallest that meets it, or the nearest. */
async function bySizes(bench: Bench, allocator: Allocator, judge: Judge): Promise<Tried[]> {
  const { job } = judge
  const best = new Map<AnswerRow['form'], Tried>()
  const consider = (tried: Tried): boolean => {
    const before = best.get(tried.form)
    const better = before === undefined || rather(tried, before, judge)
    if (better) best.set(tried.form, tried)
    if (before) (better ? before : tried).model.remove()
    return meets(tried.calibration, job) === true
  }
  const at = async (share: number): Promise<boolean> => {
    let found: Allocated[]
    try {
      found = await allocator.at(Math.floor(share * bench.file.totalBytes))
    } catch (error) {
      if (error instanceof AppError && error.code === 'bad-request') return false
      throw error
    }
    let mine: Tried | null = null
    for (const { allocation, choices } of distinct(found)) {
      const tried = await tryOne(bench, judge.samples, 'low-rank', allocation, choices)
      const better: boolean = mine === null || judge.distance(tried.calibration) < judge.distance(mine.calibration)
      if (mine) (better ? mine : tried).model.remove()
      if (better) mine = tried
    }
    if (!mine) return false
    const small = await inFewerBits(bench, judge.samples, mine)
    return [consider(mine), consider(small)].includes(true)
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
  return (['low-rank', 'low-rank-int8'] as const).flatMap((form) => best.get(form) ?? [])
}

/** Whether the first is the better of two. */
function rather(a: Tried, b: Tried, { job, distance }: Judge): boolean {
  const [first, second] = [meets(a.calibration, job), meets(b.calibration, job)]
  if (first !== second) return first === true
  return first ? a.bytes < b.bytes : distance(a.calibration) < distance(b.calibration)
}

/** The same ranks in INT8, with all that is kept. */
function inFewerBits(
  bench: Bench,
  samples: AnsweredSamples,
  { allocation, choices }: Pick<Tried, 'allocation' | 'choices'>,
): Promise<Tried> {
  const params = { ...choices.params, factorDType: 'INT8', int8Always: true, denseDType: 'INT8' } as const
  return tryOne(bench, samples, 'low-rank-int8', allocation, { ...choices, params })
}

/** Ranks by the weights alone at the same size. */
async function plainChoices(bench: Bench, job: Job, bare: JobContext, bytes: number): Promise<Choices | null> {
  const allocator = await answerAllocator({ ...bench, context: bare }, job, null, () => {})
  const found = await allocator.at(bytes)
  return found.find(({ allocation }) => allocation === 'relative')?.choices ?? null
}

function nearest<T extends { readonly calibration: Answer | null }>(
  tried: readonly T[],
  { distance }: Judge,
): T | null {
  return tried.toSorted((a, b) => distance(a.calibration) - distance(b.calibration))[0] ?? null
}

/** Where outputs are classes what counts is whether the same one is the largest: an error may grow without a single answer changing, and the other way round. */
function byAgreement({ classes }: Pick<Bench, 'classes'>, { goal }: Job): boolean {
  return goal ? goal.kind === 'agreement' : classes.size > 0
}

function distanceFor(bench: Pick<Bench, 'classes'>, job: Job): Judge['distance'] {
  return (answer) => {
    if (!answer || answer.notFinite > 0) return Number.POSITIVE_INFINITY
    const error = answer.error ?? Number.POSITIVE_INFINITY
    if (!byAgreement(bench, job)) return error
    // Of equal agreement the smaller error.
    return 1 - (answer.agreement ?? 0) + 1e-6 * Math.min(1, error)
  }
}

function meets(answer: Answer, { goal }: Job): boolean | null {
  if (goal === null) return null
  if (answer.notFinite > 0) return false
  if (goal.kind === 'error') return answer.error !== null && answer.error <= goal.most
  return answer.agreement !== null && answer.agreement >= goal.least
}

async function originalRow(bench: Bench, samples: AnsweredSamples): Promise<AnswerRow> {
  const { file, original } = bench
  const { answer } = await answerOf(bench, original, samples)
  return {
    ...{ form: 'original', allocation: null, bytes: file.totalBytes, share: 1, flops: null, relativeError: 0 },
    ...{ calibration: null, heldOut: answer, latencyRatio: null, meetsGoal: null, choices: null },
  }
}

/** Judges it; what was written is gone then. */
async function row(bench: Bench, tried: Tried, { job, judgedOn }: Judge): Promise<AnswerRow> {
  const { form, allocation, choices, calibration, report, model } = tried
  const costs = report.tensors.flatMap(({ inGraph }) => inGraph?.flops ?? [])
  const sum = (of: (each: { before: number; after: number }) => number) =>
    costs.reduce((total, each) => total + of(each), 0)
  const { params, include, exclude, pins = [] } = choices
  try {
    const { answer, latencyRatio } = await whileRunning(bench, tried, async (running) => ({
      answer: (await answerOf(bench, running, judgedOn)).answer,
      latencyRatio: await latencyOf(bench, running, judgedOn),
    }))
    return {
      ...{ form, allocation, bytes: report.bytesAfter, share: report.bytesAfter / report.bytesBefore },
      flops: costs.length > 0 ? { before: sum(({ before }) => before), after: sum(({ after }) => after) } : null,
      ...{ relativeError: report.relativeError, calibration, heldOut: answer, latencyRatio },
      meetsGoal: meets(calibration, job),
      choices:
        allocation === 'plain' ? null : { params, include: [...include], exclude: [...exclude], pins: [...pins] },
    }
  } finally {
    model.remove()
  }
}

/** Of the low-rank rows the nearest; with a goal the smallest of all rows that meets it. */
function choose(rows: readonly AnswerRow[], judge: Judge): number | null {
  const { job } = judge
  const offered = rows.filter(({ choices }) => choices !== null)
  const found =
    job.goal === null
      ? nearest(
          // One that answers NaN where the original does not is as far from it as can be.
          offered.filter(({ form, calibration }) => form === 'low-rank' && judge.distance(calibration) < Infinity),
          judge,
        )
      : offered.filter(({ meetsGoal }) => meetsGoal).toSorted((a, b) => a.bytes - b.bytes)[0]
  return found ? rows.indexOf(found) : null
}

function noticesOf(
  rows: readonly AnswerRow[],
  chosen: number | null,
  job: Job,
  {
    drawn,
    weighted,
    same,
    agreement,
  }: {
    readonly drawn: boolean
    readonly weighted: boolean
    readonly same: boolean
    readonly agreement: boolean
  },
): Message[] {
  const found: Message[] = []
  if (drawn) found.push(say('answers.drawn'))
  if (same) found.push(say('answers.same-samples'))
  if (!weighted) found.push(say('answers.no-statistics'))
  const int8 = rows.find(({ form }) => form === 'int8')
  const best = chosen === null ? null : rows[chosen]!
  if (chosen === null && job.goal !== null) found.push(say('answers.goal-missed'))
  const broken = rows.filter(({ heldOut, calibration }) => heldOut.notFinite + (calibration?.notFinite ?? 0) > 0)
  if (broken.length > 0) found.push(say('answers.forms-not-finite', { count: broken.length }))
  if (int8 && best && best.form === 'low-rank' && int8.bytes <= best.bytes && int8.heldOut.notFinite === 0) {
    const shares = { share: int8.share, other: best.share }
    const [error, otherError] = [int8.heldOut.error ?? 0, best.heldOut.error ?? 0]
    const [same, otherSame] = [int8.heldOut.agreement ?? 1, best.heldOut.agreement ?? 1]
    if (agreement ? same >= otherSame : error <= otherError)
      found.push(
        agreement
          ? say('answers.int8-wins-classes', { ...shares, same, otherSame })
          : say('answers.int8-wins', { ...shares, error, otherError }),
      )
  }
  return found
}
