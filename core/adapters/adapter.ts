/**
 * An adapter as what it is whatever its form: modules, each a low-rank matrix with its scale. What a file says is held against itself here: ranks
 * that fit, scales that are numbers; nothing of a module is read but its scale.
 */
import type { WeightFile } from '../formats/format.ts'
import type { Message } from '../messages/message.ts'
import type { AdapterForm } from '../styles.ts'
import type { ComputableDType, TensorInfo } from '../tensor.ts'

/** A tensor that holds a part of a module, with what it can be computed with. */
export interface FactorTensor extends TensorInfo {
  readonly dtype: ComputableDType
}

/**
 * How the matrix is made of the tensors.
 *
 *   lora       up down, with a core between them in LoCon: up (mid * down)
 *   loha       (w1a w1b) o (w2a w2b), entry by entry
 *   lokr       the Kronecker product of w1 and w2, each whole or a product
 *   embedding  (B A)t: PEFT's tables
 *   table      A Bt: the same in GGUF
 */
export type AdapterKind = 'lora' | 'loha' | 'lokr' | 'embedding' | 'table'

export interface AdapterModule {
  /** As the form writes it, prefix included, without what names its tensors. */
  readonly name: string
  readonly kind: AdapterKind
  readonly tensors: ReadonlyMap<string, FactorTensor>
  /** Of what it holds; of LoHa and LoKr the largest of their products. */
  readonly rank: number
  /** As the file has it; null where it says none. */
  readonly alpha: number | null
  /** What a loader multiplies the product with. */
  readonly scale: number
  /** Of the weight it is added to: [out, in, ...kernel]. */
  readonly shape: readonly number[]
  /** Bytes of all its tensors. */
  readonly byteLength: number
}

export interface Adapter {
  readonly file: WeightFile
  readonly form: AdapterForm
  readonly modules: readonly AdapterModule[]
  /** Tensors of no low-rank module: whole differences, biases, what nobody knows. */
  readonly others: readonly TensorInfo[]
  /** Of DoRA: the magnitudes, by the module they belong to. */
  readonly magnitudes: ReadonlyMap<string, TensorInfo>
  readonly notices: readonly Message[]
}

/** rows x cols of the matrix a module adds to. */
export function matrixOf({ shape }: Pick<AdapterModule, 'shape'>): { readonly rows: number; readonly cols: number } {
  const [rows = 1, ...rest] = shape
  return { rows, cols: rest.reduce((product, size) => product * size, 1) }
}
