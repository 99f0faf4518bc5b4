/** Candidates as models that run: written as `compress` writes them, and held against the answers of the original. */
import { differenceOf, looksLikeClasses, spreadOf } from '../../../answers/compare.ts'
import type { Feeds } from '../../../answers/inputs.ts'
import type { ModelRunner, RunningModel, WrittenModel } from '../../../answers/runner.ts'
import type { Samples } from '../../../answers/samples.ts'
import { namedValue, numbersOf, type Value } from '../../../answers/value.ts'
import type { Answer, AnswerGoal, AnswerRow, CompressionReport } from '../../../contract.ts'
import { AppError } from '../../../errors.ts'
import type { WeightFile } from '../../../formats/format.ts'
import type { JobContext } from '../../../matrix/context.ts'
import { say } from '../../../messages/english.ts'
import { quoted } from '../../../messages/text.ts'
import type { Choices } from '../../../plan/plan.ts'
import type { StyleId } from '../../../styles.ts'
import { recipeHash } from '../../../write/recipe-hash.ts'
import type { OutputStyle } from '../../../write/styles/style.ts'
import { writeRun } from '../write-run.ts'

/** A sample with what the original says to it. */
interface Answered {
  readonly feeds: Feeds
  readonly outputs: Readonly<Record<string, Value>>
}

export interface AnsweredSamples {
  readonly count: number
  at(index: number): Promise<Answered>
}

export interface Bench {
  readonly file: WeightFile
  readonly output: StyleId
  readonly style: OutputStyle
  /** Which source this is. */
  readonly sourceHash: string
  readonly models: ModelRunner
  readonly original: RunningModel
  /** Outputs that are looked at, and what their last activations take where that can be seen. */
  readonly judged: readonly string[]
  readonly logits: readonly string[]
  /** Those of the outputs that are looked at of which it is known that they are classes. */
  readonly classes: ReadonlySet<string>
  readonly threads: number
  readonly rounds: number
  readonly context: JobContext
  /** Called for each model that was written and run. */
  counted(): void
}

/** Of inputs and answers together; what is beyond is made, read and answered again when it is asked for. */
const mostHeldBytes = 2 ** 28

/** Answers of the original, kept as far as memory allows. */
export function answerSamples(original: RunningModel, samples: Samples): AnsweredSamples {
  const held = new Map<number, Answered>()
  let left = mostHeldBytes
  return {
    count: samples.count,
    at: async (index) => {
      const known = held.get(index)
      if (known) return known
      const feeds = await samples.at(index)
      const { outputs } = await original.run(feeds)
      const found = { feeds, outputs }
      for (const { bytes } of [...Object.values(feeds), ...Object.values(outputs)]) left -= bytes.byteLength
      if (left >= 0) held.set(index, found)
      return found
    },
  }
}

/**
 * What the original answers must be able to tell forms apart: a goal of classes met by outputs that have none, or an error over zeros, would take the smallest.
 * @throws AppError `bad-request`
 */
export async function assertTellsApart(
  { judged }: Pick<Bench, 'judged'>,
  goal: AnswerGoal | null,
  samples: AnsweredSamples,
): Promise<void> {
  let [hasClasses, isHeard] = [goal?.kind !== 'agreement', false]
  for (let i = 0; i < samples.count && !(hasClasses && isHeard); i++) {
    const { outputs } = await samples.at(i)
    const values = judged.flatMap((name) => namedValue(outputs, name) ?? [])
    hasClasses ||= values.some(looksLikeClasses)
    isHeard ||= values.some((value) => numbersOf(value).some((number) => number !== 0))
  }
  if (!hasClasses) throw new AppError('bad-request', say('answers.no-classes'))
  if (!isHeard) throw new AppError('bad-request', say('answers.only-zeros'))
}

/** A candidate that was written, and what was said of it. */
export interface WrittenCandidate {
  readonly model: WrittenModel
  readonly report: CompressionReport
}

/** Writes what these choices come to. */
export async function writeCandidate(
  { file, output, style, sourceHash, models, context, counted }: Bench,
  choices: Choices,
): Promise<WrittenCandidate> {
  let report: CompressionReport | null = null
  // The progress of the job is models, not their tensors.
  const quiet: JobContext = { ...context, report: () => {} }
  const recipe = recipeHash({ ...choices, output, statistics: context.outputNorm?.hash }, context)
  const model = await models.written(async (target) => {
    const job = { ...choices, force: true, resume: false, part: null }
    report = await writeRun(file, target, { style, recipe, sourceHash }, job, quiet, performance.now())
  })
  counted()
  return { model, report: report! }
}

/** Runs a candidate for `use`. */
export async function whileRunning<T>(
  { threads, logits }: Bench,
  { model }: Pick<WrittenCandidate, 'model'>,
  use: (running: RunningModel) => Promise<T>,
): Promise<T> {
  const running = await model.run({ threads, reveal: logits })
  try {
    return await use(running)
  } finally {
    running.end()
  }
}

/** How far the answers of a model are from the original's, on the first so many samples. */
export async function answerOf(
  { judged, logits, classes }: Pick<Bench, 'judged' | 'logits' | 'classes'>,
  model: RunningModel,
  samples: AnsweredSamples,
  count = samples.count,
): Promise<{ readonly answer: Answer; readonly logitsError: number | null }> {
  const differences = [...judged, ...logits].map((name) => ({ name, difference: differenceOf(name) }))
  for (let i = 0; i < Math.min(count, samples.count); i++) {
    const { feeds, outputs } = await samples.at(i)
    const ran = await model.run(feeds)
    for (const { name, difference } of differences) {
      const [of, with_] = [namedValue(outputs, name), namedValue(ran.outputs, name)]
      if (!of || !with_) continue
      if (of.bytes.byteLength !== with_.bytes.byteLength)
        throw new AppError('bad-request', say('answers.outputs-differ', { output: quoted(name) }))
      difference.add(of, with_)
    }
  }
  const found = differences.map(({ difference }) => difference.result())
  const outputs = found.slice(0, judged.length)
  // A state [2, 1, 128] looks like classes too: where a softmax makes some outputs, the others do not count.
  const known = outputs.filter((each) => each.classes !== null && classes.has(each.name))
  const agreements = (known.length > 0 ? known : outputs).flatMap(({ classes }) => classes ?? [])
  const rows = agreements.reduce((sum, each) => sum + each.rows, 0)
  const notFinite = outputs.reduce((sum, each) => sum + each.notFinite, 0)
  const answer = {
    notFinite,
    error: notFinite > 0 ? null : largestError(outputs),
    agreement: rows > 0 ? agreements.reduce((sum, { sameFirst }) => sum + sameFirst, 0) / rows : null,
    outputs,
  }
  return { answer, logitsError: largestError(found.slice(judged.length)) }
}

function largestError(outputs: Answer['outputs']): number | null {
  const errors = outputs.flatMap(({ relativeError }) => relativeError ?? [])
  return errors.length > 0 ? errors.reduce((most, error) => Math.max(most, error)) : null
}

/** Runs of both in turn; null where none are asked for. */
export async function latencyOf(
  { original, rounds }: Pick<Bench, 'original' | 'rounds'>,
  model: RunningModel,
  samples: AnsweredSamples,
): Promise<AnswerRow['latencyRatio']> {
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < samples.count; i++) {
      const { feeds } = await samples.at(i)
      const [before, after] = [await original.run(feeds), await model.run(feeds)]
      ratios.push(after.elapsedMs / before.elapsedMs)
    }
  return ratios.length > 0 ? spreadOf(ratios) : null
}
