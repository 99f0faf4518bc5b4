/**
 * What a weight-file format is. One format a file in this folder; `registry.ts` lists them and picks by content.
 * A file's bytes are hostile until checked: every count, length, offset and dimension is verified before it is used.
 */

import type { ByteSource, PickedSource, SourceFolder } from '../io.ts'
import type { Message } from '../messages/message.ts'
import type { TensorInfo, TensorSet } from '../tensor.ts'
import type { FormatId } from '../weight-formats.ts'
import type { KnownGraph } from './reading/model-graph.ts'

/** Values as some file has them, or in f64 where a scale was applied. */
export interface Side {
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'F64'
  readonly bytes: Uint8Array
}

/** What a difference is between: value i of it is value i of `tuned` minus value i of `base`, rounded to f32. */
export interface Sides {
  readonly base: Side
  readonly tuned: Side
}

/**
 * `safe`: the format cannot carry code. `opened-without-running`: a pickle, read by the allow-list machine, and nothing else that could be code.
 * `code-passed-over`: beside its weights the format may have layers, programs or objects that whoever loads it runs. They were not looked at.
 */
type Safety = 'safe' | 'opened-without-running' | 'code-passed-over'

/** Of several together. */
export function safetyOf(all: readonly Safety[]): Safety {
  for (const each of ['code-passed-over', 'opened-without-running'] as const) if (all.includes(each)) return each
  return 'safe'
}

/** An opened weight file or sharded set: headers only; values are read when asked for. */
export interface WeightFile extends TensorSet {
  readonly format: FormatId
  readonly safety: Safety
  readonly metadata: ReadonlyMap<string, string>
  /** For the user: code that was not run, already quantized, names cut. */
  readonly notices: readonly Message[]
  /** The graph around the weights, where the file has one. */
  readonly graph?: KnownGraph
  /**
   * Bytes [start, end) of the tensor's values in `tensor.dtype`, little-endian, C order, tightly packed; all of them by default. The
   * array is the caller's own.
   * @throws AppError `bad-file`, `source-changed`
   */
  read(tensor: TensorInfo, start?: number, end?: number): Promise<Uint8Array>
  /**
   * Of a file of differences: what the bytes [start, end) that `read` gives are computed from, so that kernels can do it. The arrays are the
   * caller's own.
   */
  readSides?(tensor: TensorInfo, start?: number, end?: number): Promise<Sides>
  /** A small file of that name in the folder that was opened, such as a configuration; null where there is none, or it is larger. */
  beside?(name: string, maxBytes: number): Promise<Uint8Array | null>
  close(): Promise<void>
}

export interface Format {
  readonly id: FormatId
  /** Whether these first bytes (up to 4096) are of this format; the name only decides where bytes cannot. */
  sniff(head: Uint8Array, source: ByteSource): boolean
  /** How often its reader may ask for a part of one file's headers, where that is not what header-source.ts says. */
  readonly maxReads?: number
  /** Reads headers only. `folder` gives the siblings that shards and external data name. */
  open(source: ByteSource, folder: SourceFolder): Promise<WeightFile>
}

export type OpenWeightFile = (picked: PickedSource) => Promise<WeightFile>
