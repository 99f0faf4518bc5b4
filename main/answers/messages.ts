/** What crosses between a program and the process in which a model runs. */
import type { Feeds } from '../../core/answers/inputs.ts'
import type { Tap, TapSums } from '../../core/answers/taps.ts'
import type { Slot, Value } from '../../core/answers/value.ts'

export type ToRuntime = { readonly id: number } & (
  | { readonly kind: 'load'; readonly model: string | Uint8Array; readonly threads: number }
  | { readonly kind: 'run'; readonly feeds: Feeds }
  | { readonly kind: 'observe'; readonly feeds: Feeds; readonly taps: readonly Tap[] }
  | { readonly kind: 'sums' }
)

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

export type Answer = Loaded | Ran | readonly TapSums[] | null

/** `missing`: there is no onnxruntime-node. `refused`: it would not take the model, or failed on the inputs, and says why. */
export type FromRuntime = { readonly id: number } & (
  | { readonly answer: Answer }
  | { readonly fault: 'missing' }
  | { readonly fault: 'refused'; readonly detail: string }
)
