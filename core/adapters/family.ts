/**
 * What a family of models is to adapters: its parts, how checkpoints and loaders name their modules, and how the rows of one naming lie in
 * another. All of it is data (families/); names.ts answers questions from it.
 *
 * A row is one kind of module. `native` is its name in the family's own checkpoint without the part's prefix; the other columns are its
 * names in other schemes: as in `native` where a column is absent (of `gguf`: none), null where the scheme has no place for it. Several names
 * share out the rows of the native matrix in order: equally, or by `shares`.
 */
import type { AdapterForm } from '../styles.ts'

export type Scheme = 'native' | 'diffusers' | 'gguf' | 'kohya'

export interface Row {
  readonly native: string
  readonly diffusers?: string | readonly string[] | null
  readonly gguf?: string | null
  /** GGUF's name of all experts in one tensor: without the number of the expert, which is the second hole of `native`. */
  readonly stack?: string
  readonly kohya?: string | null
  /** Rows of each of several names, in proportion. */
  readonly shares?: readonly number[]
  /**
   * How the rows of another scheme are ordered.
   *   swapped      diffusers: the second half first (scale and shift of an output layer)
   *   heads, kv    GGUF of Llama: the halves of each head interleaved, heads counted by the model's configuration
   */
  readonly order?: 'swapped' | 'heads' | 'kv'
  /** The stored matrix is in x out: rows of its transpose are outputs. A table of embeddings is one too, for what is added to it. */
  readonly transposed?: 'conv1d' | 'embedding'
}

export interface Part {
  readonly id: 'unet' | 'te1' | 'te2' | 'te3' | 'model'
  /** What stands before names of its modules in checkpoints, and in which scheme they follow, after `adds`. */
  readonly sources: readonly { readonly prefix: string; readonly adds?: string; readonly scheme: Scheme }[]
  /** What an adapter's names begin with, and in which scheme they follow; null where the loader has no such part. */
  readonly targets: Readonly<Record<AdapterForm, { readonly prefix: string; readonly scheme: Scheme } | null>>
  readonly rows: readonly Row[]
}

export interface Family {
  readonly id: string
  readonly label: string
  readonly parts: readonly Part[]
  /** Ends of names of which one has to be there, to tell it from a family with the same modules. */
  readonly signs?: readonly RegExp[]
}
