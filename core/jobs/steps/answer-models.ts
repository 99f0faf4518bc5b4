/** Candidates as models that run: written as `compress` writes them, and held against the answers of the original. */
import { differenceOf, spreadOf } from '../../answers/compare.ts'
import type { Feeds } from '../../answers/inputs.ts'
import type { ModelRunner, RunningModel } from '../../answers/runner.ts'
import type { Value } from '../../answers/value.ts'
import type { Answer, AnswerRow, CompressionReport } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import type { Choices } from '../../plan/plan.ts'
import type { StyleId } from '../../styles.ts'
import { recipeHash } from '../../write/recipe-hash.ts'
import type { OutputStyle } from '../../write/styles/style.ts'
import { writeRun } from './write-run.ts'

/** A sample with what the original says to it. */
export interface Answered {
  readonly feeds: Feeds
  readonly outputs: Readonly<Record<string, Value>>
}

export interface Bench {
  readonly file: WeightFile
  readonly output: StyleId
  readonly style: OutputStyle
  /** Which source this is. */
  readonly sourceHash: string
  readonly models: ModelRunner
  readonly original: RunningModel
  /** Outputs that are looked at. */
  readonly judged: readonly string[]
  readonly threads: number
  readonly rounds: number
  readonly context: JobContext
  /** Called for each model that was written and run. */
  counted(): void
}

export async function answered(original: RunningModel, samples: readonly Feeds[]): Promise<Answered[]> {
  const found: Answered[] = []
  for (const feeds of samples) found.push({ feeds, outputs: (await original.run(feeds)).outputs })
  return found
}

/** A candidate that was written and is running. */
export interface RunningCandidate {
  readonly model: RunningModel
  readonly report: CompressionReport
}

/** Writes what these choices come to and runs it; it ends with `use`. */
export async function withCandidate<T>(
  { file, output, style, sourceHash, models, threads, context, counted }: Bench,
  choices: Choices,
  use: (candidate: RunningCandidate) => Promise<T>,
): Promise<T> {
  let report: CompressionReport | null = null
  // What it says of its tensors is for nobody.
  const quiet: JobContext = { ...context, report: () => {} }
  const recipe = recipeHash({ ...choices, output, statistics: context.outputNorm?.hash }, context)
  const model = await models.written(
    async (target) => {
      const job = { ...choices, force: true, resume: false, part: null }
      report = await writeRun(file, target, { style, recipe, sourceHash }, job, quiet, performance.now())
    },
    { threads },
  )
  counted()
  try {
    return await use({ model, report: report! })
  } finally {
    model.end()
  }
}

/** How far the answers of a model are from the original's. */
export async function answerOf(
  { judged }: Pick<Bench, 'judged'>,
  model: RunningModel,
  samples: readonly Answered[],
): Promise<Answer> {
  const differences = judged.map((name) => ({ name, difference: differenceOf(name) }))
  for (const { feeds, outputs } of samples) {
    const ran = await model.run(feeds)
    for (const { name, difference } of differences) {
      const [of, with_] = [outputs[name], ran.outputs[name]]
      if (!of || !with_) continue
      if (of.bytes.byteLength !== with_.bytes.byteLength)
        throw new AppError('bad-request', say('answers.outputs-differ', { output: quoted(name) }))
      difference.add(of, with_)
    }
  }
  const outputs = differences.map(({ difference }) => difference.result())
  const errors = outputs.flatMap(({ relativeError }) => relativeError ?? [])
  const classes = outputs.flatMap((output) => output.classes ?? [])
  const rows = classes.reduce((sum, each) => sum + each.rows, 0)
  return {
    error: errors.length > 0 ? Math.max(...errors) : null,
    agreement: rows > 0 ? classes.reduce((sum, each) => sum + each.sameFirst, 0) / rows : null,
    outputs,
  }
}

/** Runs of both in turn; null where none are asked for. */
export async function latencyOf(
  { original, rounds }: Pick<Bench, 'original' | 'rounds'>,
  model: RunningModel,
  samples: readonly Answered[],
): Promise<AnswerRow['latencyRatio']> {
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++)
    for (const { feeds } of samples) {
      const [before, after] = [await original.run(feeds), await model.run(feeds)]
      ratios.push(after.elapsedMs / before.elapsedMs)
    }
  return ratios.length > 0 ? spreadOf(ratios) : null
}
