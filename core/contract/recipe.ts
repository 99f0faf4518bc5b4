/**
 * What determines the bytes of an output besides the source and the arithmetic class. Replayed anywhere it gives the same file; where it
 * runs, on how many threads and under which limits is no part of it.
 */

import { z } from 'zod'
import { AppError } from '../errors.ts'
import { isMessage, say } from '../messages/english.ts'
import { fileName } from '../messages/text.ts'
import { type ParamEntry, paramEntries } from '../param-entries.ts'
import { type Params, paramsSchema, recipeKeys } from '../params.ts'
import type { Pin } from '../rules.ts'
import { type AdapterForm, type OutputId, retiredStyle, styleIds } from '../styles.ts'
import type { JobKind } from './jobs.ts'
import { patternsSchema, pinsSchema, statisticsHashSchema } from './pins.ts'

/** A pin for every tensor of the largest model takes half of it. What is chosen by mistake may be a model. */
export const mostRecipeBytes = 64 * 1024 * 1024

export const recipeSchema = z.strictObject({
  recipe: z.literal(1),
  output: z.enum(styleIds),
  params: paramsSchema,
  include: patternsSchema,
  exclude: patternsSchema,
  pins: pinsSchema,
  statistics: statisticsHashSchema,
})
export type Recipe = z.infer<typeof recipeSchema>

export interface RecipeInput {
  /** Which job it is for; none for a compression, whose text is as it always was. */
  readonly job?: Exclude<JobKind, 'compress'>
  readonly output: Recipe['output']
  readonly params: Params
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly pins?: readonly Pin[] | undefined
  /** Which statistics errors are weighed by. */
  readonly statistics?: string | undefined
}

/** What a run was asked for whose output is an adapter. */
export interface AdapterRecipe extends Omit<RecipeInput, 'output'> {
  readonly output: AdapterForm
  /** What else decides its bytes. */
  readonly options: Readonly<Record<string, unknown>>
}

export function recipeParams(params: Params): Partial<Params> {
  const entries: Readonly<Record<string, ParamEntry>> = paramEntries
  const said = recipeKeys.filter((key) => !(entries[key]?.unsaidAtDefault && params[key] === entries[key].default))
  return Object.fromEntries(said.map((key) => [key, params[key]]))
}

/** Stable text of a recipe: keys sorted, parameters that cannot change the bytes left out. */
export function recipeText(
  recipe: Omit<RecipeInput, 'output'> & { readonly output: OutputId; readonly options?: object | undefined },
): string {
  const { job, output, params, include, exclude, pins = [], statistics } = recipe
  const rules = { include, exclude, ...(pins.length > 0 && { pins }), ...(statistics !== undefined && { statistics }) }
  const what = { recipe: 1, ...(job && { job }), output, params: recipeParams(params), ...rules }
  return JSON.stringify({ ...what, ...(recipe.options && { options: recipe.options }) })
}

/** The same for a file of its own. */
export function recipeFile(recipe: RecipeInput): string {
  return `${JSON.stringify(JSON.parse(recipeText(recipe)), null, 2)}\n`
}

/** Reads such a file; `name` is for the sentence. @throws AppError `bad-file` */
export function parseRecipe(text: string, name: string): Recipe {
  const json = parseJson(text)
  const { data, error } = recipeSchema.safeParse(json)
  if (data) return data
  const retired = typeof json === 'object' && json !== null && 'output' in json ? retiredStyle(json.output) : null
  if (retired) throw new AppError('unsupported', say('recipe.retired', { name: fileName(name), why: retired }))
  // Words of our own, where nothing else is wrong with it.
  const [first, ...others] = error.issues
  const expected = first?.code === 'custom' && others.length === 0 ? first.params?.expected : null
  const why = isMessage(expected) ? [expected] : []
  throw new AppError('bad-file', [say('recipe.not-one', { name: fileName(name) }), ...why, say('recipe.origin')])
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
