/**
 * The one table of everything tunable: sliders, flags, recipe fields, validation, the type that crosses processes, the key of a sketch and
 * whether a result is still fresh all derive from it (params.ts). A new parameter is one entry here, its words in Chinese, and one use where
 * it is read. No second default anywhere.
 */

import { say } from './messages/english.ts'
import type { Message } from './messages/message.ts'

const methods = ['auto', 'randomized', 'exact'] as const
const exactRoutes = ['gram', 'jacobi'] as const
const algorithms = ['subspace', 'krylov', 'adaptive'] as const
const denseDTypes = ['keep', 'INT8'] as const
const factorDTypes = ['keep', 'F32', 'F16', 'BF16', 'INT8'] as const
const devices = ['auto', 'cpu', 'gpu'] as const
const factorLayouts = ['ab', 'usv'] as const
const allocations = ['water-filling', 'greedy', 'uniform'] as const
const goalScopes = ['tensor', 'model'] as const
const goalWeights = ['entries', 'norm'] as const

/** How people write a number: `bytes` as 1.2GB or 1200000000, `share` as 5% or 0.05, `size` as either (below 1: a share of the source). */
export type Unit = 'bytes' | 'share' | 'size'

interface NumberEntry {
  readonly type: 'int' | 'float'
  readonly default: number
  readonly min: number
  readonly max: number
  readonly step: number
  readonly unit?: Unit
  /** What the limits do not say: which of the values between them are meant, as a sentence. */
  readonly only?: { readonly test: (value: number) => boolean; readonly expected: Message }
}
interface ChoiceEntry {
  readonly type: 'choice'
  readonly default: string
  readonly choices: readonly string[]
  /** What a value may begin with that is none of them: a name follows. */
  readonly named?: string
}
interface BooleanEntry {
  readonly type: 'boolean'
  readonly default: boolean
}
/**
 * Which results a change makes stale.
 *
 *   sketch      what a factorization finds: sketches, curves, and all that is made of them
 *   reach       how far a sketch goes: one that reaches further serves all below
 *   allocation  which rank each tensor gets, from the same sketches
 *   storage     how factors are stored: bytes and rounding, from the same sketches
 *   machine     where and how fast: no result
 *   cache       what is kept for later: no result
 */
export type Affects = 'sketch' | 'reach' | 'allocation' | 'storage' | 'machine' | 'cache'

/** `label` and `help` are English, for the command line and the page; other languages have `params.<key>` in their words. */
export type ParamEntry = (NumberEntry | ChoiceEntry | BooleanEntry) & {
  readonly label: string
  readonly help: string
  readonly flag: string
  readonly affects: Affects
  /** The method that reads it; both where it is absent. */
  readonly of?: 'exact' | 'randomized'
  /** Left out of a recipe at its default, which then reads as it did before there was this parameter. */
  readonly unsaidAtDefault?: true
}

export const paramEntries = {
  method: {
    type: 'choice',
    default: 'auto',
    choices: methods,
    flag: '--method',
    label: 'Method',
    help: 'randomized SVD, exact SVD, or auto: exact where it takes only a moment (about 1000 by 1000), else whichever is cheaper',
    affects: 'sketch',
  },
  exactRoute: {
    type: 'choice',
    default: 'gram',
    choices: exactRoutes,
    flag: '--exact-route',
    label: 'Exact SVD by',
    help: 'the Gram matrix, blind below about 2e-7 of the largest value, or Jacobi rotations, which see to about 2e-13 of it (F64 sources in f64 throughout) and take several times as long',
    affects: 'sketch',
    of: 'exact',
  },
  algorithm: {
    type: 'choice',
    default: 'subspace',
    choices: algorithms,
    flag: '--algorithm',
    label: 'Algorithm',
    help: 'how the sketch is refined: subspace iteration or block Krylov; adaptive: blocks of columns until an error goal is reached, and no further',
    affects: 'sketch',
    of: 'randomized',
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
    affects: 'reach',
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
    affects: 'sketch',
    of: 'randomized',
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
    affects: 'sketch',
    of: 'randomized',
  },
  tolerance: {
    type: 'float',
    default: 0,
    min: 0,
    max: 1,
    step: 0.0001,
    flag: '--tolerance',
    label: 'Tolerance',
    help: 'stop iterating once the error curve moves less than this; 0 never stops early; an adaptive sketch ends by its error goal alone',
    affects: 'sketch',
    of: 'randomized',
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
    affects: 'sketch',
    of: 'randomized',
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
      expected: say('param.size-goal'),
    },
    flag: '--goal-size',
    label: 'Size goal',
    help: 'largest size of the output: a share of the source (40%) or bytes (1.2GB); 0: no such goal',
    affects: 'allocation',
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
    help: 'largest relative error, reached with the smallest ranks; 0: no such goal',
    affects: 'allocation',
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
    affects: 'allocation',
  },
  goalScope: {
    type: 'choice',
    default: 'tensor',
    choices: goalScopes,
    flag: '--goal-scope',
    label: 'Goal applies to',
    help: 'an error or energy goal applies to each tensor or to the whole model',
    affects: 'allocation',
  },
  goalWeight: {
    type: 'choice',
    default: 'entries',
    choices: goalWeights,
    flag: '--goal-weight',
    label: 'Model error weighs',
    help: 'every weight alike, scale-free (entries), or the absolute error (norm)',
    affects: 'allocation',
  },
  allocation: {
    type: 'choice',
    default: 'water-filling',
    choices: allocations,
    flag: '--allocation',
    label: 'Allocation',
    help: 'how ranks are allocated under a goal for the whole file',
    affects: 'allocation',
  },
  minRank: {
    type: 'int',
    default: 4,
    min: 1,
    max: 65536,
    step: 1,
    flag: '--min-rank',
    label: 'Smallest rank',
    help: 'no matrix is allocated a smaller rank',
    affects: 'allocation',
  },
  maxRank: {
    type: 'int',
    default: 512,
    min: 1,
    max: 65536,
    step: 1,
    flag: '--max-rank',
    label: 'Largest rank',
    help: 'no matrix is allocated a larger rank',
    affects: 'reach',
  },
  factorDType: {
    type: 'choice',
    default: 'keep',
    choices: factorDTypes,
    flag: '--factor-dtype',
    label: 'Factor dtype',
    help: 'dtype of the written factors; keep: that of the source',
    affects: 'storage',
  },
  factorLayout: {
    type: 'choice',
    default: 'ab',
    choices: factorLayouts,
    flag: '--factor-layout',
    label: 'Factor layout',
    help: 'A and B with sqrt(s) in each (ab), or U, S and Vt (usv)',
    affects: 'storage',
  },
  int8Always: {
    type: 'boolean',
    default: false,
    flag: '--int8-always',
    label: 'INT8 everywhere',
    help: 'with INT8 factors: also where rounding would add more than 5 % to the error',
    affects: 'storage',
  },
  denseDType: {
    type: 'choice',
    default: 'keep',
    choices: denseDTypes,
    flag: '--dense-dtype',
    label: 'Kept weights',
    help: 'dtype of weights that stay whole: that of the source, or INT8 with a scale for each output, in a model that runs (onnx)',
    affects: 'storage',
    unsaidAtDefault: true,
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
    affects: 'storage',
  },
  projectionTiers: {
    type: 'boolean',
    default: true,
    flag: '--no-projection-tiers',
    label: 'Keep sketches',
    help: 'finished sketches stay in memory and on disk, so that another rank or goal starts no factorization',
    affects: 'cache',
  },
  hotTensors: {
    type: 'int',
    default: 4,
    min: 0,
    max: 1024,
    step: 1,
    flag: '--hot-tensors',
    label: 'Sketches in memory',
    help: 'sketches kept in memory as they are',
    affects: 'cache',
  },
  warmTensors: {
    type: 'int',
    default: 24,
    min: 0,
    max: 4096,
    step: 1,
    flag: '--warm-tensors',
    label: 'Sketches at half precision',
    help: 'sketches kept in memory at half precision, for looking only',
    affects: 'cache',
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
    help: 'bytes for matrices in memory (1.5GB); larger ones pass through in panels of rows; 0: half of what the kernels can have, 2 GiB at most',
    affects: 'machine',
  },
  device: {
    type: 'choice',
    default: 'auto',
    choices: devices,
    named: 'gpu:',
    flag: '--device',
    label: 'Products by',
    help: 'cpu, gpu, gpu:NAME (part of its name), or auto: a GPU for matrices large enough to gain by it, never a software one; bytes then are those of this GPU',
    affects: 'machine',
    of: 'randomized',
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
    affects: 'machine',
  },
  kernel: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'reference', 'simd', 'relaxed', 'revectorized'],
    flag: '--kernel',
    label: 'Kernel',
    help: 'compute kernel; auto measures and checks them at start',
    affects: 'sketch',
  },
} as const satisfies Record<string, ParamEntry>
