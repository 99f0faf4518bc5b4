/** What a benchmark is asked for. */
import type { Matrix, Weights } from '../../core/kernels/kernels.ts'
import type { Params } from '../../core/params.ts'
import type { FreshProcesses } from './fresh.ts'
import type { BenchDType, BenchShape, Spectrum } from './matrices.ts'
import type { Peers } from './peers.ts'

export const benchParts = ['products', 'randomized', 'exact'] as const
type BenchPart = (typeof benchParts)[number]

export interface BenchOptions {
  readonly parts: readonly BenchPart[]
  readonly shapes: readonly BenchShape[]
  /** Ours; peers, which have no BF16, get the same values in F32. */
  readonly dtype: BenchDType
  readonly spectra: readonly Spectrum[]
  readonly ranks: readonly number[]
  readonly repeat: number
  /** Of these the algorithm counts, and the device. */
  readonly params: Params
  /** Asks the peers; null without them. */
  readonly peers: Pick<Peers, 'ask'> | null
  /** The same once more, each in a process of its own; null without. */
  readonly fresh: FreshProcesses | null
  /** Puts a matrix on disk, where other processes read it. */
  save(weights: Weights, values: Matrix): Promise<SavedMatrix>
  /** Called before each line of work. */
  say(text: string): void
}

/** One matrix in two files: ours in its own dtype, and f32 for whoever has no other. */
export interface SavedMatrix {
  readonly safetensors: string
  readonly npy: string
}
