/** What derives from the one table of parameters (param-entries.ts): types, the schema, defaults, and what the size of a matrix allows. */
import { z } from 'zod'
import { exactCost, sketchCost } from './cost.ts'
import { type Affects, type ParamEntry, paramEntries } from './param-entries.ts'

type Entries = typeof paramEntries
export type ParamKey = keyof Entries

export const paramKeys = Object.keys(paramEntries) as ParamKey[]

/** Parameters whose change makes these results stale, in the order of the table. */
export function paramsThatAffect(...results: readonly Affects[]): ParamKey[] {
  return paramKeys.filter((key) => results.includes(paramEntries[key].affects))
}

/** Parameters that can change the bytes of an output, sorted: those of a recipe. */
export const recipeKeys = paramsThatAffect('sketch', 'reach', 'allocation', 'storage').sort()

/** Parameters that decide what a factorization finds, sorted. How far it goes is its rank's to say. */
export const sketchKeys = paramsThatAffect('sketch').sort()

/** What makes the ranks of an adapter, and how its factors are stored. */
export const rankKeys: readonly ParamKey[] = [
  ...(['rank', 'goalSize', 'goalError', 'goalEnergy', 'goalScope', 'goalWeight', 'allocation', 'minRank'] as const),
  ...(['maxRank', 'factorDType', 'memoryLimit', 'threads', 'kernel', 'seed'] as const),
]

/** Parameters that decide how one matrix is factorized, and in what time, in the order of the table; the rest is about writing it. */
export const factorizationKeys = paramKeys.filter(
  (key) => key === 'rank' || paramsThatAffect('sketch', 'machine').includes(key),
)

/** Results found under equal keys are the same, up to the rank that each of them reaches. */
export function sketchKeyOf(params: Params): string {
  return JSON.stringify([...sketchKeys.map((key) => params[key]), errorToReach(params)])
}

/** The error that ends an adaptive sketch; null for others, which no goal ends. */
export function errorToReach(params: Params): number | null {
  return params.algorithm === 'adaptive' && params.method !== 'exact' ? allowedError(params) : null
}

/** A value that some choice may have, apart from those that name something. */
export type ChoiceValue = {
  [K in ParamKey]: Entries[K] extends { choices: readonly (infer C)[] } ? C : never
}[ParamKey]

type ValueOf<E> = E extends { type: 'choice'; choices: readonly (infer C)[] }
  ? C | (E extends { named: infer N extends string } ? `${N}${string}` : never)
  : E extends { type: 'boolean' }
    ? boolean
    : number
/** Every tunable value, complete: handed through unchanged from the door to the loop that reads it. */
export type Params = { readonly [K in ParamKey]: ValueOf<Entries[K]> }

/** Of a device and the like. */
export const longestName = 200

function schemaOf(entry: ParamEntry): z.ZodType {
  switch (entry.type) {
    case 'int':
      return z.number().int().min(entry.min).max(entry.max).default(entry.default)
    case 'float': {
      const { only } = entry
      const limited = z.number().min(entry.min).max(entry.max)
      const refined = only ? limited.refine(only.test, { params: { expected: only.expected } }) : limited
      return refined.default(entry.default)
    }
    case 'choice': {
      const one = z.enum(entry.choices as [string, ...string[]])
      const { named } = entry
      return (
        named === undefined
          ? one
          : one.or(
              z
                .string()
                .startsWith(named)
                .min(named.length + 1)
                .max(longestName),
            )
      ).default(entry.default)
    }
    case 'boolean':
      return z.boolean().default(entry.default)
  }
}

/** Parses anything into complete Params: absent keys take their default, unknown keys are refused. */
export const paramsSchema = z.strictObject(
  Object.fromEntries(Object.entries(paramEntries).map(([key, entry]) => [key, schemaOf(entry)])),
) as unknown as z.ZodType<Params, Partial<Params>>

export const defaultParams: Params = paramsSchema.parse({})

/** The largest relative error that an error or energy goal allows; null without one. */
export function allowedError({ goalError, goalEnergy }: Pick<Params, 'goalError' | 'goalEnergy'>): number | null {
  if (goalError > 0) return goalError
  return goalEnergy > 0 ? Math.sqrt(1 - goalEnergy) : null
}

/** Params after the limits that need the matrix. */
export interface FittedParams extends Params {
  readonly method: 'randomized' | 'exact'
  /**
   * Why `method` is what it is: it was asked for, or `auto` found that the exact SVD takes but a moment, that it is no more expensive than the sketch, or that
   * the sketch is cheaper.
   */
  readonly chosen: 'asked' | 'moment' | 'exactCheaper' | 'sketchCheaper'
  /**
   * Sketch columns multiplied at a time. Subspace iteration: rank + oversample, rounded up to a multiple of 16 where the matrix is large
   * enough for speed to matter, since the kernels multiply 16 columns in the time of fewer and more columns only lower the error.
   * Block Krylov and adaptive: the width of a block.
   */
  readonly columns: number
  /** Blocks the basis keeps: 1, or those of block Krylov, or the most an adaptive sketch may take. */
  readonly blocks: number
}

/**
 * The only place where a matrix's size limits its parameters: rank <= min(m, n), rank + oversample <= min(m, n), and `auto` decided: exact where that
 * is a moment's work or no more than the sketch, whatever the size.
 * The page and the engine both call it; fitted values are shown in the report, never changed in silence.
 */
export function fitParams(params: Params, rows: number, cols: number): FittedParams {
  const smallest = Math.min(rows, cols)
  const rank = Math.min(params.rank, smallest)
  const oversample = Math.min(params.oversample, smallest - rank)
  const shape = sketchShape(params, rank + oversample, smallest)
  // As if it went to the end: an error goal may stop it long before.
  const whole = params.algorithm === 'adaptive' ? { columns: shape.columns * shape.blocks, blocks: 1 } : shape
  const sketch = { ...whole, nIter: params.nIter, rank }
  const exact = exactCost(rows, cols, rank)
  const chosen =
    exact <= aMoment ? 'moment' : exact <= sketchCost(rows, cols, sketch) ? 'exactCheaper' : 'sketchCheaper'
  const method = params.method === 'auto' ? (chosen === 'sketchCheaper' ? 'randomized' : 'exact') : params.method
  // An adaptive sketch ends by its error, whatever its curve does.
  const tolerance = params.algorithm === 'adaptive' ? 0 : params.tolerance
  const reason = params.method === 'auto' ? chosen : 'asked'
  return { ...params, rank, oversample, tolerance, method, chosen: reason, ...shape }
}

/** Milliseconds of core/cost.ts that nobody notices, for which the exact answer is worth having: about 1000 x 1000. */
const aMoment = 100
/** Below this min(m, n) a sketch takes no longer for being as wide as was asked for, to the column. */
const largeMatrix = 1024
/** Columns an adaptive sketch grows by: two tiles, so that a step costs little more a column than a wide product. */
const adaptiveColumns = 32
/** Columns the widest kernel tile multiplies at once. */
const tileColumns = 16

/**
 * Subspace iteration works on all columns at once and keeps the last block. Block Krylov gets half the columns and nIter + 2 blocks: it
 * needs fewer columns of products in all (nIter + 2 against 2 nIter + 2 halves) for at most the same error.
 */
function sketchShape(
  { algorithm, nIter }: Params,
  sketchColumns: number,
  smallest: number,
): Pick<FittedParams, 'columns' | 'blocks'> {
  const rounded = (columns: number) =>
    smallest < largeMatrix ? columns : Math.min(smallest, Math.ceil(columns / tileColumns) * tileColumns)
  if (algorithm === 'subspace') return { columns: rounded(sketchColumns), blocks: 1 }
  if (algorithm === 'adaptive') {
    const columns = Math.min(adaptiveColumns, sketchColumns)
    return { columns, blocks: Math.ceil(sketchColumns / columns) }
  }
  const columns = rounded(Math.ceil(sketchColumns / 2))
  const blocks = Math.min(nIter + 2, Math.floor(smallest / columns))
  // A matrix too small for two blocks is seen whole by one.
  return blocks < 2 ? { columns: sketchColumns, blocks: 1 } : { columns, blocks }
}
