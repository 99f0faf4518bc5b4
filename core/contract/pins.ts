import { z } from 'zod'
import { isGlob } from '../glob.ts'
import { say } from '../messages/english.ts'

/**
 * Matching takes the length of a name times that of all patterns, for every name, in the page as well: a recipe of a megabyte of braces would hold up
 * whoever opens it for hours. Plain names are looked up.
 */
const mostOfGlobs = 20_000

function areFew(patterns: readonly string[]): boolean {
  return patterns.reduce((sum, pattern) => sum + (isGlob(pattern) ? pattern.length : 0), 0) <= mostOfGlobs
}
const few = { params: { expected: say('recipe.globs', { most: mostOfGlobs }) } }

/** Patterns of names (core/rules.ts). */
export const patternsSchema = z.array(z.string()).refine(areFew, few)

/** Ranks of their own (core/rules.ts). Left out where there are none, so that recipes without them stay word for word. */
export const pinsSchema = z
  .array(z.strictObject({ match: z.string(), rank: z.number().int().min(1) }))
  .refine((pins) => areFew(pins.map(({ match }) => match)), few)
  .optional()

/** Which statistics errors are weighed by (core/write/source-hash.ts). Left out where there are none, as pins are. */
export const statisticsHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()
