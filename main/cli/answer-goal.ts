/** The goal on answers as flags, of `answers`, which shows what was tried, and of `compress`, which writes what was found. */
import { lstat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import {
  type AnswerGoal,
  type AnswerRow,
  type AnswersReport,
  type JobRequest,
  mostSamples,
} from '../../core/contract.ts'
import { AppError, existsAlready } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { weightPaths } from '../engine/driver/opened-files.ts'
import { assertNoneOf } from '../files/ownership.ts'
import { collect, shareIn, wholeNumber } from './flags.ts'
import type { CommandEngine } from './job.ts'
import { openFiles } from './request.ts'
import { openAll, sizeOf } from './sample-flags.ts'
import { wrongUsage } from './usage.ts'

export interface AnswerOptions {
  readonly inputs: string[]
  readonly heldOut: string[]
  readonly goalAnswer?: AnswerGoal
  readonly judgedBy?: string
  readonly samples: number
  readonly size: Record<string, number>
  readonly modelThreads: number
}

export function addAnswerFlags(command: Command): Command {
  return command
    .option(
      '--goal-answer <goal>',
      'smallest model whose outputs are off by at most 5%, or same:98% of whose rows keep their class',
      goalOf,
    )
    .option(
      '--inputs <file>',
      'samples that decide: .npz with an array for each input (x.0, x.1, ...: several); repeatable',
      collect,
      [],
    )
    .option('--held-out <file>', 'samples that judge; without any, every third of the others; repeatable', collect, [])
    .option('--judged-by <output>', 'the output that is looked at; all of them, and the worst counts')
    .option('--samples <number>', 'how many to draw where none are given', wholeNumber(1, mostSamples), 24)
    .option(
      '--size <name=number>',
      'of a dimension that the model leaves open, by its name or as input.axis; repeatable',
      sizeOf,
      {},
    )
    .option('--model-threads <number>', 'that onnxruntime computes with', wholeNumber(1, 1024), 1)
}

/** `5%` of error, or `same:98%` of the rows. */
function goalOf(text: string): AnswerGoal {
  const [, same, share] = /^(same:)?(.+)$/.exec(text) ?? []
  const value = shareIn(share ?? '')
  if (value === 0) throw wrongUsage(say('request.answer-goal'))
  return same ? { kind: 'agreement', least: value } : { kind: 'error', most: value }
}

type Choices = Pick<Extract<JobRequest, { kind: 'answers' }>, 'params' | 'include' | 'exclude' | 'pins' | 'statistics'>

/** Runs the job. @param rounds timed runs of each held-out sample */
export async function askAnswers(
  engine: Pick<CommandEngine, 'open' | 'run'>,
  path: string,
  { params, include, exclude, pins, statistics: hash }: Choices,
  options: AnswerOptions & { readonly statistics?: string },
  rounds: number,
): Promise<AnswersReport> {
  const { samples, size: sizes, modelThreads: threads, goalAnswer: goal = null, judgedBy = null } = options
  const files = {
    ...(await openFiles(engine, path, options)),
    inputs: await openAll(engine, options.inputs),
    heldOut: await openAll(engine, options.heldOut),
  }
  return engine.run<'answers'>({
    kind: 'answers',
    files,
    output: 'onnx',
    params,
    include,
    exclude,
    pins,
    goal,
    judgedBy,
    ...(hash !== undefined && { statistics: hash }),
    samples,
    seed: params?.seed ?? 1,
    sizes,
    rounds,
    threads,
  })
}

/**
 * Models are tried for hours before the run that would refuse its output.
 * @param replaces whether what is there may be replaced, or looked at by the run itself
 * @throws AppError `would-overwrite`
 */
export async function refuseOutput(out: string, source: string, replaces: boolean): Promise<void> {
  await assertNoneOf(out, await weightPaths(source))
  // A folder may be empty, which the run finds out.
  const found = replaces ? null : await lstat(out).catch(() => null)
  if (found && !found.isDirectory()) throw existsAlready(basename(out))
}

/** The row that was chosen, with what `compress` writes it from. @throws AppError `bad-request` where none is */
export function chosenRow({ rows, chosen }: AnswersReport): AnswerRow & { choices: NonNullable<AnswerRow['choices']> } {
  const row = chosen === null ? null : rows[chosen]!
  if (!row?.choices) {
    const hadGoal = rows.some(({ meetsGoal }) => meetsGoal !== null)
    throw new AppError('bad-request', hadGoal ? say('answers.goal-missed') : say('answers.none-finite'))
  }
  return { ...row, choices: row.choices }
}

export const formWords = {
  original: 'original',
  int8: 'INT8',
  'low-rank': 'low rank',
  'low-rank-int8': 'low rank, INT8',
} as const
