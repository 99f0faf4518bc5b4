/** The identity of a recipe, by which a finished or unfinished output is recognized. */
import { type AdapterRecipe, type RecipeInput, recipeText } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import { hexadecimal } from './source-hash.ts'

/** SHA-256 of the recipe's text, in hexadecimal. */
export function recipeHash(request: RecipeInput | AdapterRecipe, context: Pick<JobContext, 'sha256'>): string {
  const hash = context.sha256()
  hash.update(new TextEncoder().encode(recipeText(request)))
  return hexadecimal(hash.digest())
}
