/**
 * What determines the bytes of an output besides the source and the arithmetic class. Replayed anywhere it gives the same file; where it
 * runs, on how many threads and under which limits is no part of it.
 */
import { z } from 'zod'
import { outputStyles, type ParamKey, type Params, paramEntries, paramsSchema } from '../params.ts'

export const recipeSchema = z.strictObject({
  recipe: z.literal(1),
  output: z.enum(outputStyles),
  params: paramsSchema,
  include: z.array(z.string()),
  exclude: z.array(z.string()),
})
export type Recipe = z.infer<typeof recipeSchema>

export interface RecipeSource {
  readonly output: Recipe['output']
  readonly params: Params
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** Stable text of a recipe: keys sorted, parameters that cannot change the bytes left out. */
export function recipeText({ output, params, include, exclude }: RecipeSource): string {
  const keys = (Object.keys(paramEntries) as ParamKey[]).filter((key) => !('recipe' in paramEntries[key])).sort()
  const kept = Object.fromEntries(keys.map((key) => [key, params[key]]))
  return JSON.stringify({ recipe: 1, output, params: kept, include, exclude })
}
