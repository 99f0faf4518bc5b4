/**
 * The one schema of everything tunable. Sliders, CLI flags, recipe fields, validation and the type that crosses processes all derive
 * from the entries below; a new parameter is one entry here and one use where it is read. No second default anywhere.
 */
import { z } from 'zod'
import { exactCost, sketchCost } from './cost.ts'

export const methods = ['auto', 'randomized', 'exact'] as const
export const exactRoutes = ['gram', 'jacobi'] as const
export const algorithms = ['subspace', 'krylov'] as const
export const factorDTypes = ['keep', 'F32', 'F16', 'BF16', 'INT8'] as const
export const outputStyles = ['factors', 'dense', 'peft', 'kohya', 'npz'] as const
export const factorLayouts = ['ab', 'usv'] as const
export const allocations = ['water-filling', 'greedy', 'uniform'] as const
export const goalScopes = ['tensor', 'model'] as const
export const goalWeights = ['entries', 'norm'] as const

/** How people write a number: `bytes` as 1.2GB or 1200000000, `share` as 5% or 0.05, `size` as either (below 1: a share of the source). */
export type Unit = 'bytes' | 'share' | 'size'

interface NumberEntry {
  readonly type: 'int' | 'float'
  readonly default: number
  readonly min: number
  readonly max: number
  readonly step: number
  readonly unit?: Unit
  /** What the limits do not say: which of the values between them are meant, and how that is put after "Expected". */
  readonly only?: { readonly test: (value: number) => boolean; readonly expected: string }
}
interface ChoiceEntry {
  readonly type: 'choice'
  readonly default: string
  readonly choices: readonly string[]
}
interface BooleanEntry {
  readonly type: 'boolean'
  readonly default: boolean
}
/** `label` and `help` are English and serve the CLI; the page looks up `params.<key>.label` first. `recipe: false` keeps a parameter that cannot change the bytes out of the recipe's hash. */
export type ParamEntry = (NumberEntry | ChoiceEntry | BooleanEntry) & {
  readonly label: string
  readonly help: string
  readonly flag: string
  readonly recipe?: false
}

export const paramEntries = {
  method: {
    type: 'choice',
    default: 'auto',
    choices: methods,
    flag: '--method',
    label: 'Method',
    help: 'randomized SVD, exact SVD, or whichever is cheaper',
  },
  exactRoute: {
    type: 'choice',
    default: 'gram',
    choices: exactRoutes,
    flag: '--exact-route',
    label: 'Exact SVD by',
    help: 'the Gram matrix, blind below 1.5e-8 of the largest value, or Jacobi rotations, which see to 1e-15 of it and take several times as long',
  },
  algorithm: {
    type: 'choice',
    default: 'subspace',
    choices: algorithms,
    flag: '--algorithm',
    label: 'Algorithm',
    help: 'how the sketch is refined: subspace iteration or block Krylov',
  },
  rank: {
    type: 'int',
    default: 64,
    min: 1,
    max: 65536,
    step: 1,
    flag: '--rank',
    label: 'Rank',
    help: 'singular values kept in each matrix',
  },
  oversample: {
    type: 'int',
    default: 10,
    min: 0,
    max: 4096,
    step: 1,
    flag: '--oversample',
    label: 'Oversampling',
    help: 'extra sketch columns beyond the rank',
  },
  nIter: {
    type: 'int',
    default: 2,
    min: 0,
    max: 32,
    step: 1,
    flag: '--n-iter',
    label: 'Power iterations',
    help: 'more iterations: smaller error, more time',
  },
  tolerance: {
    type: 'float',
    default: 0,
    min: 0,
    max: 1,
    step: 0.0001,
    flag: '--tolerance',
    label: 'Tolerance',
    help: 'stop iterating once the error curve moves less than this; 0 never stops early',
  },
  seed: {
    type: 'int',
    default: 42,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
    flag: '--seed',
    label: 'Seed',
    help: 'of the random sketch; the same seed gives the same bytes',
  },
  goalSize: {
    type: 'float',
    unit: 'size',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 0.01,
    only: {
      // 150 % is 1.5, and that is no number of bytes.
      test: (value) => value < 1 || (value > 1 && Number.isSafeInteger(value)),
      expected: 'a share below 100 % or a whole number of bytes',
    },
    flag: '--goal-size',
    label: 'Size goal',
    help: 'largest size of the output: a share of the source (40%) or bytes (1.2GB); 0: no such goal',
  },
  goalError: {
    type: 'float',
    unit: 'share',
    default: 0,
    min: 0,
    max: 1,
    step: 0.005,
    flag: '--goal-error',
    label: 'Error goal',
    help: 'largest relative error, reached with the least ranks; 0: no such goal',
  },
  goalEnergy: {
    type: 'float',
    unit: 'share',
    default: 0,
    min: 0,
    max: 1,
    step: 0.005,
    flag: '--goal-energy',
    label: 'Energy goal',
    help: 'least share of the squared norm that is kept (1 - error^2); 0: no such goal',
  },
  goalScope: {
    type: 'choice',
    default: 'tensor',
    choices: goalScopes,
    flag: '--goal-scope',
    label: 'Goal holds for',
    help: 'an error or energy goal holds for each tensor or for the whole model',
  },
  goalWeight: {
    type: 'choice',
    default: 'entries',
    choices: goalWeights,
    flag: '--goal-weight',
    label: 'Model error counts',
    help: 'entries: every weight alike, scale-free; norm: the absolute error',
  },
  allocation: {
    type: 'choice',
    default: 'water-filling',
    choices: allocations,
    flag: '--allocation',
    label: 'Allocation',
    help: 'how ranks are shared out under a goal for the whole file',
  },
  minRank: {
    type: 'int',
    default: 4,
    min: 1,
    max: 65536,
    step: 1,
    flag: '--min-rank',
    label: 'Smallest rank',
    help: 'no matrix gets fewer when ranks are allocated',
  },
  maxRank: {
    type: 'int',
    default: 512,
    min: 1,
    max: 65536,
    step: 1,
    flag: '--max-rank',
    label: 'Largest rank',
    help: 'no matrix gets more when ranks are allocated',
  },
  factorDType: {
    type: 'choice',
    default: 'keep',
    choices: factorDTypes,
    flag: '--factor-dtype',
    label: 'Factor dtype',
    help: 'dtype of the written factors; keep: that of the source',
  },
  factorLayout: {
    type: 'choice',
    default: 'ab',
    choices: factorLayouts,
    flag: '--factor-layout',
    label: 'Factor layout',
    help: 'ab: A and B with sqrt(s) in each; usv: U, S and Vt',
  },
  int8Always: {
    type: 'boolean',
    default: false,
    flag: '--int8-always',
    label: 'INT8 everywhere',
    help: 'with INT8 factors: also where rounding would add more than 5 % to the error',
  },
  sparseDensity: {
    type: 'float',
    unit: 'share',
    default: 0,
    min: 0,
    max: 0.5,
    step: 0.001,
    flag: '--sparse-density',
    label: 'Sparse residual',
    help: 'share of the entries, those the factors miss by most, that is stored beside them',
  },
  projectionTiers: {
    type: 'boolean',
    default: true,
    flag: '--no-projection-tiers',
    label: 'Keep sketches',
    help: 'finished sketches stay in memory and on disk, so that another rank or goal starts no factorization',
    recipe: false,
  },
  hotTensors: {
    type: 'int',
    default: 4,
    min: 0,
    max: 1024,
    step: 1,
    flag: '--hot-tensors',
    label: 'Hot tensors',
    help: 'sketches kept in memory as they are',
    recipe: false,
  },
  warmTensors: {
    type: 'int',
    default: 24,
    min: 0,
    max: 4096,
    step: 1,
    flag: '--warm-tensors',
    label: 'Warm tensors',
    help: 'sketches kept in memory at half precision, for looking only',
    recipe: false,
  },
  memoryLimit: {
    type: 'float',
    unit: 'bytes',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1e8,
    flag: '--memory-limit',
    label: 'Memory limit',
    help: 'bytes for matrices in memory (1.5GB); larger ones pass through in panels of rows; 0: 2 GB',
    recipe: false,
  },
  threads: {
    type: 'int',
    default: 0,
    min: 0,
    max: 256,
    step: 1,
    flag: '--threads',
    label: 'Threads',
    help: '0: one per core',
    recipe: false,
  },
  kernel: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'reference', 'simd', 'relaxed', 'revectorized'],
    flag: '--kernel',
    label: 'Kernel',
    help: 'compute kernel; auto measures and checks them at start',
  },
} as const satisfies Record<string, ParamEntry>

type Entries = typeof paramEntries
export type ParamKey = keyof Entries
type ValueOf<E> = E extends { type: 'choice'; choices: readonly (infer C)[] }
  ? C
  : E extends { type: 'boolean' }
    ? boolean
    : number
/** Every tunable value, complete: handed through unchanged from the door to the loop that reads it. */
export type Params = { readonly [K in ParamKey]: ValueOf<Entries[K]> }

function schemaOf(entry: ParamEntry): z.ZodType {
  switch (entry.type) {
    case 'int':
      return z.number().int().min(entry.min).max(entry.max).default(entry.default)
    case 'float': {
      const { only } = entry
      const limited = z.number().min(entry.min).max(entry.max)
      const refined = only ? limited.refine(only.test, `${entry.label}: expected ${only.expected}`) : limited
      return refined.default(entry.default)
    }
    case 'choice':
      return z.enum(entry.choices as [string, ...string[]]).default(entry.default)
    case 'boolean':
      return z.boolean().default(entry.default)
  }
}

/** Parses anything into complete Params: absent keys take their default, unknown keys are refused. */
export const paramsSchema = z.strictObject(
  Object.fromEntries(Object.entries(paramEntries).map(([key, entry]) => [key, schemaOf(entry)])),
) as unknown as z.ZodType<Params, Partial<Params>>

export const defaultParams: Params = paramsSchema.parse({})

/** Params after the limits that need the matrix. */
export interface FittedParams extends Params {
  readonly method: 'randomized' | 'exact'
  /**
   * Sketch columns multiplied at a time. Subspace iteration: rank + oversample, rounded up to a multiple of 16 where the matrix is large
   * enough for speed to matter, since the kernels multiply 16 columns in the time of fewer and more columns only lower the error.
   * Block Krylov: the width of a block.
   */
  readonly columns: number
  /** Blocks the basis keeps: 1, or those of block Krylov. */
  readonly blocks: number
}

/**
 * The only place where a matrix's size limits its parameters: rank <= min(m, n), rank + oversample <= min(m, n), and `auto` decided: never a
 * sketch that costs more than the exact SVD.
 * The page and the engine both call it; fitted values are shown in the report, never changed in silence.
 */
export function fitParams(params: Params, rows: number, cols: number): FittedParams {
  const smallest = Math.min(rows, cols)
  const rank = Math.min(params.rank, smallest)
  const oversample = Math.min(params.oversample, smallest - rank)
  const shape = sketchShape(params, rank + oversample, smallest)
  const sketch = { ...shape, nIter: params.nIter, rank }
  const sketchPays = smallest >= largeMatrix && sketchCost(rows, cols, sketch) < exactCost(rows, cols, rank)
  const method = params.method === 'auto' ? (sketchPays ? 'randomized' : 'exact') : params.method
  return { ...params, rank, oversample, method, ...shape }
}

/** Below this min(m, n) any method takes a moment, so the exact SVD is as good as free and a sketch is taken literally. */
const largeMatrix = 1024
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
  const columns = rounded(Math.ceil(sketchColumns / 2))
  const blocks = Math.min(nIter + 2, Math.floor(smallest / columns))
  // A matrix too small for two blocks is seen whole by one.
  return blocks < 2 ? { columns: sketchColumns, blocks: 1 } : { columns, blocks }
}
