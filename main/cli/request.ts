/** What a run is asked to write, as flags: the same for `compress` and for `plan`, which says what `compress` would do. */
import { type Command, Option } from 'commander'
import type { RecipeInput } from '../../core/contract.ts'
import { say } from '../../core/messages/english.ts'
import type { Pin } from '../../core/rules.ts'
import { defaultStyle, retiredStyle, styleIds } from '../../core/styles.ts'
import { addParamFlags, allParams, collect, paramsFrom } from './flags.ts'
import type { CommandEngine } from './job.ts'
import { readRecipe } from './records.ts'
import { wrongUsage } from './usage.ts'

export interface RequestOptions {
  readonly output: (typeof styleIds)[number]
  readonly include: string[]
  readonly exclude: string[]
  readonly pin: Pin[]
  readonly recipe?: string
  readonly statistics?: string
}

/** Of every command whose errors may be those of outputs. */
export const statisticsHelp =
  'weigh errors by what flows through the model: an imatrix, Hessians, covariances, or sums of a calibration'

/** The files of a job: the model, and statistics where they are asked for. */
export async function openFiles(
  engine: Pick<CommandEngine, 'open'>,
  path: string,
  { statistics }: { readonly statistics?: string },
): Promise<{ model: string; statistics?: string }> {
  const { fileId: model } = await engine.open(path)
  return { model, ...(statistics !== undefined && { statistics: (await engine.open(statistics)).fileId }) }
}

export function addRequestFlags(command: Command): Command {
  const output = new Option('--output <style>', 'what to write').choices(styleIds).default(defaultStyle)
  const choose = output.parseArg!
  output.argParser((value, previous) => {
    const retired = retiredStyle(value)
    if (retired) throw wrongUsage(retired)
    return choose(value, previous)
  })
  return addRecipeFlags(command.addOption(output))
}

/** What a recipe says, but for its output. */
export function addRecipeFlags(command: Command): Command {
  return addParamFlags(command, allParams)
    .option('--include <glob>', 'factorize only matching tensors, also those kept by default; repeatable', collect, [])
    .option('--exclude <glob>', 'keep matching tensors as they are; repeatable', collect, [])
    .option('--pin <glob=rank>', 'rank of matching tensors, whatever the goal; repeatable', pinOf, [])
    .option('--statistics <file|folder>', statisticsHelp)
    .option('--recipe <file>', 'take goals, parameters and rules from a recipe; flags beside it have the last word')
}

/** `glob=rank`; a name may hold an equals sign itself. */
export function pinOf(text: string, before: readonly Pin[]): Pin[] {
  const [, match, digits] = /^(.+)=(\d+)$/.exec(text) ?? []
  const rank = Number(digits)
  if (match === undefined || !(rank >= 1 && Number.isSafeInteger(rank))) throw wrongUsage(say('request.pin-form'))
  return [...before, { match, rank }]
}

/** The recipe that replays to the same: with the hash of the statistics that were used, which only the engine knows before. */
export function replayable<R extends RecipeInput>(
  request: R,
  { statistics }: { readonly statistics?: { readonly hash: string } | undefined },
): R {
  return { ...request, ...(statistics && { statistics: statistics.hash }) }
}

/** Flags over the recipe they name, if any; rules of both hold. @throws AppError `not-found`, `bad-file` */
export async function requestFrom(command: Command, options: RequestOptions) {
  const replayed = options.recipe === undefined ? null : await readRecipe(options.recipe)
  return {
    output: (command.getOptionValueSource('output') === 'cli' ? null : replayed?.output) ?? options.output,
    params: paramsFrom(command, allParams, replayed?.params),
    include: [...(replayed?.include ?? []), ...options.include],
    exclude: [...(replayed?.exclude ?? []), ...options.exclude],
    pins: [...(replayed?.pins ?? []), ...options.pin],
    ...(replayed?.statistics !== undefined && { statistics: replayed.statistics }),
  } satisfies RecipeInput
}
