/** An adapter's file, or PEFT's folder with its configuration: modules in order, each read back, the whole opened as any reader would. */

import {
  diffusersHeader,
  type ModuleEntry,
  type ModuleLayout,
  PEFT_PREFIX,
  peftConfiguration,
  type WrittenModule,
} from '../adapters/forms.ts'
import { CONFIGURATION, HEADER } from '../adapters/scales.ts'
import { AppError } from '../errors.ts'
import { encode } from '../formats/dtype.ts'
import type { OutputFolder } from '../io.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import { ADAPTER_WEIGHTS } from '../plan/output-files.ts'
import { type AdapterForm, adapterStyles } from '../styles.ts'
import { dtypeBits, type TensorOutline } from '../tensor.ts'

/** The factors of a module as bytes of their dtype, D = B A: B rows x rank, A rank x cols. */
export interface EncodedFactors {
  readonly A: Uint8Array
  readonly B: Uint8Array
}

/** The bytes of each entry of a module. */
export function moduleBytes(
  entries: readonly ModuleEntry[],
  { shape, rank, dtype }: ModuleLayout,
  { A, B }: EncodedFactors,
): Uint8Array[] {
  const [rows = 1, ...rest] = shape
  const cols = rest.reduce((product, size) => product * size, 1)
  return entries.map(({ of, turned }) => {
    if (of === 'alpha') return encode('F32', Float64Array.of(rank)).bytes
    const [bytes, height, width] = of === 'A' ? ([A, rank, cols] as const) : ([B, rows, rank] as const)
    return turned ? transposedBytes(bytes, height, width, dtypeBits[dtype] / 8) : bytes
  })
}

/** The same product at a larger rank: rows of zeros for A, columns for B. */
export function paddedFactors(
  { shape: [rows = 1], rank, dtype }: ModuleLayout,
  had: number,
  { A, B }: EncodedFactors,
): EncodedFactors {
  if (had === rank) return { A, B }
  const tall = new Uint8Array((A.byteLength / had) * rank)
  tall.set(A)
  const size = dtypeBits[dtype] / 8
  const wide = new Uint8Array(rows * rank * size)
  for (let i = 0; i < rows; i++) wide.set(B.subarray(i * had * size, (i + 1) * had * size), i * rank * size)
  return { A: tall, B: wide }
}

function transposedBytes(bytes: Uint8Array, rows: number, cols: number, size: number): Uint8Array {
  const out = new Uint8Array(bytes.byteLength)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      const [from, to] = [(i * cols + j) * size, (j * rows + i) * size]
      for (let b = 0; b < size; b++) out[to + b] = bytes[from + b]!
    }
  return out
}

/** What loaders look for in the header. Known before the first module is computed. */
export function adapterMetadata(
  form: AdapterForm,
  modules: readonly WrittenModule[],
  architecture: string | null,
): Map<string, string> {
  if (form === 'gguf') {
    if (architecture === null) throw new AppError('bad-request', say('adapter.no-architecture'))
    return new Map([
      ['general.architecture', architecture],
      ['general.type', 'adapter'],
      ['adapter.type', 'lora'],
      // 0: each module's scale is 1, whatever its rank.
      ['adapter.lora.alpha', '0'],
    ])
  }
  const metadata = new Map([['format', 'pt']])
  if (form === 'diffusers') metadata.set(HEADER, diffusersHeader(modules))
  if (form === 'kohya') {
    const largest = String(modules.reduce((most, { rank }) => Math.max(most, rank), 0))
    metadata.set('ss_network_module', 'networks.lora')
    metadata.set('ss_network_dim', largest)
    metadata.set('ss_network_alpha', largest)
  }
  return metadata
}

/** PEFT's configuration: what an earlier one said of other things than ranks and scales stays. */
export function adapterConfiguration(
  form: AdapterForm,
  modules: readonly WrittenModule[],
  earlier: Readonly<Record<string, unknown>> | null,
  saved: readonly string[] = [],
): { readonly name: string; readonly json: unknown } | null {
  if (form !== 'peft') return null
  const own = peftConfiguration(modules.map((module) => ({ ...module, path: withoutPrefix(module.path) })))
  if (!earlier) return { name: CONFIGURATION, json: saved.length > 0 ? { ...own, modules_to_save: saved } : own }
  const { r, lora_alpha, rank_pattern, alpha_pattern } = own
  return { name: CONFIGURATION, json: { ...earlier, r, lora_alpha, rank_pattern, alpha_pattern, use_rslora: false } }
}

function withoutPrefix(path: string): string {
  return path.startsWith(PEFT_PREFIX) ? path.slice(PEFT_PREFIX.length) : path
}

/** Where the weights go: PEFT's are in a folder of the target's name. */
export async function adapterPlace(
  form: AdapterForm,
  folder: OutputFolder,
  name: string,
  byteLength: number,
): Promise<{ readonly folder: OutputFolder; readonly name: string; finish(): Promise<void>; abort(): Promise<void> }> {
  if (adapterStyles[form].container !== 'adapter')
    return { folder, name, finish: async () => {}, abort: async () => {} }
  const inner = await folder.subfolder(name, byteLength)
  return { folder: inner, name: ADAPTER_WEIGHTS, finish: inner.finish, abort: inner.abort }
}

/** @throws AppError `overflow` for values outside the dtype */
export function encodeFactor(name: string, dtype: ModuleLayout['dtype'], values: Float32Array): Uint8Array {
  const { bytes, overflows } = encode(dtype, values)
  if (overflows === 0) return bytes
  const counted = { name: foreign(name), dtype, count: overflows, of: values.length }
  throw new AppError('overflow', [say('overflow.factors', counted), say('overflow.choose-wider')])
}

/** Names and shapes alone. */
export function outlines(entries: readonly ModuleEntry[]): TensorOutline[] {
  return entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }))
}
