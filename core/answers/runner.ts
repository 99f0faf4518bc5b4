/**
 * Running models, as a job sees it: each in a process of its own, which its host starts. A fault of the runtime's native code ends that process
 * and one model, with a sentence.
 */
import type { CompressionTarget } from '../write/compression.ts'
import type { Feeds } from './inputs.ts'
import type { Tap, TapSums } from './taps.ts'
import type { Slot, Value } from './value.ts'

/** Of a model that is handed over in bytes, which protobuf limits to about as much. */
export const mostModelBytes = 2e9

export interface Loaded {
  readonly inputs: readonly Slot[]
  readonly outputs: readonly string[]
}

export interface Ran {
  readonly outputs: Readonly<Record<string, Value>>
  readonly elapsedMs: number
  /** Most memory the process has had resident so far. */
  readonly peakBytes: number
}

export interface RunningModel extends Loaded {
  /** @throws AppError `unsupported` where the model fails on them, `engine-died` where the process ended, `cancelled` */
  run(feeds: Feeds): Promise<Ran>
  /** Runs it and adds what flows through the taps to their sums. */
  observe(feeds: Feeds, taps: readonly Tap[]): Promise<void>
  sums(): Promise<readonly TapSums[]>
  end(): void
}

export interface RunOptions {
  /** That it computes with; 1 where none is said. */
  readonly threads?: number
  /** Values of its graph that come out behind its outputs. */
  readonly reveal?: readonly string[]
}

/** A model that was written to be run, as often as it is asked for. */
export interface WrittenModel {
  run(options?: RunOptions): Promise<RunningModel>
  /** What was written is gone then. */
  remove(): void
}

/** @throws AppError of each `unsupported` where there is no runtime or it refuses the model, `out-of-memory`, `engine-died`, `cancelled` */
export interface ModelRunner {
  /** A model that the job was given, by its role; of a role with several files the one at `index`. */
  file(role: string, index?: number, options?: RunOptions): Promise<RunningModel>
  /** What `write` puts at its target; it is gone at the end of the job at the latest. */
  written(write: (target: CompressionTarget) => Promise<void>): Promise<WrittenModel>
  /** @param name for sentences */
  ofBytes(name: string, bytes: Uint8Array, options?: Pick<RunOptions, 'threads'>): Promise<RunningModel>
}
