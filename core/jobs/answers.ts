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
import type { RunningModel } from '../answers/runner.ts'
import { type Samples, samplesFrom, someOf } from '../answers/samples.ts'
import type { AnswerRow, AnswersReport, JobOf } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import { fileName, quoted } from '../messages/text.ts'
import { noGoal } from '../plan/goal.ts'
import { wholeRun } from '../plan/parts.ts'
import type { Choices } from '../plan/plan.ts'
import { SketchCache } from '../sketch-cache/sketch-cache.ts'
import { plannedCompression } from '../write/compression.ts'
import { sourceHash } from '../write/source-hash.ts'
import { outputStyle } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { answerAllocator, noTensor } from './steps/answers/candidates.ts'
import { choose, type Judge, judgesByAgreement } from './steps/answers/judge.ts'
import { answerSamples, assertTellsApart, type Bench } from './steps/answers/models.ts'
import { answerNotices } from './steps/answers/notices.ts'
import { type Form, originalRow, rowOf } from './steps/answers/rows.ts'
import { atOneSize, bySizes } from './steps/answers/search.ts'
import { refuse } from './steps/planned-run.ts'
import { statisticsNotices, withStatistics } from './steps/with-statistics.ts'

type Job = JobOf<'answers'>

/** Of the samples, every third is held out where none are given for that. */
const heldOutEvery = 3
/** Rows that a table has at least: progress counts them until the search says how many more there are. */
const rowsExpected = 12
/** Beyond this a model is not read into memory to have its values revealed. */
const mostRevealed = 1.9e9

/** @throws AppError `unsupported` without a runtime or a graph, `bad-request` for goals that cannot be met, `engine-died`, `cancelled` */
export async function compareAnswers(files: FilesOf<'answers'>, job: Job, host: JobContext): Promise<AnswersReport> {
  const started = performance.now()
  const { model: file, statistics, inputs, heldOut, models } = files
  const style = outputStyle(job.output)
  if (!style.isGraph || !file.graph)
    throw new AppError('unsupported', say('answers.not-a-model', { name: fileName(file.shards[0]?.fileName ?? '') }))
  const sketches = host.sketches ?? { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: '' }
  const context = await withStatistics({ model: file, statistics }, job.statistics, { ...host, sketches })
  // What is found of the weights alone is not what is found of outputs.
  const bare: JobContext = { ...host, sketches: { ...sketches, sourceHash: `${sketches.sourceHash} plain` } }
  refuse(plannedCompression(file, style, wholeRun, context), job)

  const activations = lastActivations(file.graph).filter(isJudgedBy(job))
  const reveal = file.totalBytes <= mostRevealed ? logitsOf(activations) : []
  const original = await models.file('model', undefined, { threads: job.threads, reveal })
  try {
    const work = countedWork(context)
    const bench: Bench = {
      file,
      output: job.output,
      style,
      models,
      original,
      threads: job.threads,
      rounds: job.rounds,
      context,
      sourceHash: await sourceHash({ model: file }, context),
      judged: judgedOutputs(original, job, reveal),
      logits: reveal,
      classes: new Set(activations.flatMap(({ hasClasses, output }) => (hasClasses ? [output] : []))),
      counted: work.counted,
    }
    const split = splitSamples(original, job, inputs, heldOut)
    const samples = answerSamples(original, split.samples)
    await assertTellsApart(bench, job.goal, samples)
    const judge: Judge = {
      goal: job.goal,
      byAgreement: judgesByAgreement(bench, job.goal),
      samples,
      judgedOn: split.judgedOn === split.samples ? samples : answerSamples(original, split.judgedOn),
    }
    const allocator = await answerAllocator(bench, job, samples, work.expect)
    const rows: AnswerRow[] = [await originalRow(bench, judge.judgedOn), await rowOf(bench, inInt8(job), judge)]
    if (job.goal === null) {
      const bareBench = { ...bench, context: bare }
      const plain = statistics ? await plainForm(bareBench, job, allocator.bytes) : null
      if (plain) rows.push(await rowOf(bareBench, plain, judge))
      rows.push(...(await atOneSize(bench, allocator, judge)))
    } else rows.push(...(await bySizes(bench, allocator, judge)))
    const chosen = choose(rows, judge)
    const drawn = inputs.length === 0
    return {
      inputs: drawn ? 'drawn' : 'given',
      calibration: judge.samples.count,
      heldOut: judge.judgedOn.count,
      rows,
      chosen,
      chosenBy: judge.byAgreement ? 'agreement' : 'error',
      models: work.count(),
      elapsedMs: performance.now() - started,
      notices: [
        ...statisticsNotices(context),
        ...answerNotices(rows, chosen, judge, { drawn, weighted: statistics !== undefined }),
        ...kernelNotices(context),
      ],
      ...context.kernels.info,
    }
  } finally {
    original.end()
  }
}

/** Of all outputs, or of the one that is to be judged. */
function isJudgedBy({ judgedBy }: Job): (activation: Activation) => boolean {
  return ({ output }) => judgedBy === null || output === judgedBy
}

function logitsOf(activations: readonly Activation[]): string[] {
  return [...new Set(activations.flatMap(({ logits }) => logits ?? []))]
}

/** @throws AppError `bad-request` for an output that the model has not */
function judgedOutputs(original: RunningModel, { judgedBy }: Job, revealed: readonly string[]): readonly string[] {
  const outputs = original.outputs.filter((name) => !revealed.includes(name))
  if (judgedBy === null) return outputs
  if (!outputs.includes(judgedBy))
    throw new AppError('bad-request', say('answers.no-output', { output: quoted(judgedBy) }))
  return [judgedBy]
}

/** Samples that decide and samples that judge: the same where there are too few to part. */
function splitSamples(
  { inputs: slots }: RunningModel,
  { samples: count, seed, sizes }: Job,
  inputs: readonly WeightFile[],
  heldOut: readonly WeightFile[],
): { readonly samples: Samples; readonly judgedOn: Samples } {
  const drawn = { count, seed, sizes }
  const all = samplesFrom(slots, inputs, drawn)
  if (heldOut.length > 0) return { samples: all, judgedOn: samplesFrom(slots, heldOut, drawn) }
  if (all.count < heldOutEvery) return { samples: all, judgedOn: all }
  const isHeldOut = (index: number) => index % heldOutEvery === heldOutEvery - 1
  return { samples: someOf(all, (index) => !isHeldOut(index)), judgedOn: someOf(all, isHeldOut) }
}

/** Models that were written, reported as progress. */
function countedWork({ report }: JobContext) {
  let [done, expected] = [0, rowsExpected]
  return {
    count: () => done,
    counted: () => {
      done++
      report({ type: 'progress', phase: 'run', tensor: null, done, total: Math.max(done, expected) })
    },
    expect: (more: number) => {
      expected += more
    },
  }
}

/** Every weight that nodes multiply by, and no factors. */
function inInt8({ params, exclude }: Job): Form {
  const choices = {
    params: { ...params, ...noGoal, denseDType: 'INT8' },
    include: [noTensor],
    exclude,
    pins: [],
  } as const
  return { form: 'int8', allocation: null, choices }
}

/** Ranks by the weights alone at the same size; null where they have none so small. */
async function plainForm(bare: Bench, job: Choices, bytes: number): Promise<Form | null> {
  const allocator = await answerAllocator(bare, job, null, () => {})
  const found = await allocator.at(bytes)
  const choices = found.find(({ allocation }) => allocation === 'relative')?.choices
  return choices ? { form: 'low-rank', allocation: 'plain', choices } : null
}
