/** What crosses between a program and the process in which a model runs. */
import type { Feeds } from '../../core/answers/inputs.ts'
import type { Loaded, Ran } from '../../core/answers/runner.ts'
import type { Tap, TapSums } from '../../core/answers/taps.ts'
import type { Value } from '../../core/answers/value.ts'

export type ToRuntime = {
  readonly id: number
} /** `reveal`: values of the graph of a model that is a file, which come out behind its outputs. */ & (
  | {
      readonly kind: 'load'
      readonly model: string | Uint8Array
      readonly threads: number
      readonly reveal: readonly string[]
    }
  | { readonly kind: 'run'; readonly feeds: Feeds }
  | { readonly kind: 'observe'; readonly feeds: Feeds; readonly taps: readonly Tap[] }
  /** Those of the sums at this index, which are as large as a message should be; null behind the last. */
  | { readonly kind: 'sums'; readonly index: number }
)

export type Answer = Loaded | Ran | TapSums | null

export function bytesOfValues(values: Readonly<Record<string, Value>>): number {
  return Object.values(values).reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
}

/** `too-large`: its outputs have so many bytes. `missing`: there is no onnxruntime-node. `refused`: it would not take the model, or failed on the inputs, and says why. */
export type FromRuntime = { readonly id: number } & (
  | { readonly answer: Answer }
  | { readonly fault: 'missing' }
  | { readonly fault: 'too-large'; readonly bytes: number }
  | { readonly fault: 'refused'; readonly detail: string }
)
