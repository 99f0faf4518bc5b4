/**
 * How an .aguf file of version 2 is laid out (docs/formats.md): a configuration in JSON, the number of layers, then layer by layer a head and its
 * matrices. A matrix has the entries U, U_scale, S, V and V_scale, and where it has a sparse part
 * sparse_index and sparse_value; what stands between them follows from their shapes.
 *
 * The format has 8 bytes for a name. The last part of a tensor's name is cut to them, and numbered where two of a layer would be equal.
 */
import type { ByteSource } from '../../io.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import { uniqueNames } from '../../unique-names.ts'
import { type Frame, unframed, type WrittenEntry } from './weights-output.ts'

const nameBytes = 8
/** Index of the layer and number of its matrices. */
const layerHeadBytes = 8
/** Name, rank, rows, columns, and whether the factors are INT8. */
const matrixHeadBytes = nameBytes + 2 + 4 + 4 + 1

/** Where a matrix stands, and what it is called there. */
export interface AgufName {
  readonly layer: number
  readonly short: string
  /** As readers of this product show it. */
  readonly shown: string
}

/** The first number in the name; 0 where there is none. */
export function layerOf(name: string): number {
  return Number(/\d{1,9}/.exec(name)?.[0] ?? 0)
}

/** By name. Unique within a layer: `q_proj`, `self_a~2`. */
export function agufNames(names: readonly string[]): ReadonlyMap<string, AgufName> {
  const unique = uniqueNames()
  return new Map(
    names.map((name) => {
      const layer = layerOf(name)
      const parts = name.split(/[./:]+/).filter((part) => part !== '')
      if (parts.length > 1 && parts.at(-1) === 'weight') parts.pop()
      const last = parts.at(-1) ?? ''
      const short = unique(
        `${layer} ${cut(last, nameBytes)}`,
        (n) => `${layer} ${cut(last, nameBytes - `~${n}`.length)}~${n}`,
      ).slice(`${layer} `.length)
      return [name, { layer, short, shown: `layers.${layer}.${short}` }]
    }),
  )
}

/** At the boundary of a character: the prototype decodes strictly. A NUL would end the name. */
function cut(text: string, most: number): string {
  let kept = ''
  for (const character of text.replaceAll('\0', '')) {
    if (utf8(kept + character).byteLength > most) break
    kept += character
  }
  return kept
}

/** The file up to its first layer, of at least so many bytes: spaces after the JSON make up for what was left out of it. */
export function agufStart(metadata: ReadonlyMap<string, string>, layers: number, byteLength = 0): Uint8Array {
  const config = utf8(JSON.stringify(Object.fromEntries(metadata)))
  const length = Math.max(byteLength - 16, config.byteLength)
  const bytes = new Uint8Array(16 + length).fill(32)
  const view = new DataView(bytes.buffer)
  bytes.set(utf8('AGUF'))
  view.setUint32(4, 2, true)
  view.setUint32(8, length, true)
  bytes.set(config, 12)
  view.setUint32(12 + length, layers, true)
  return bytes
}

/** Where the first layer of a file begins. */
export async function endOfAgufStart(source: Pick<ByteSource, 'slice'>): Promise<number> {
  const bytes = await source.slice(8, 12)
  return 16 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
}

/** How the matrices of these entries are framed, asked for in the order of the file. */
export interface AgufFrames {
  /** Bytes of everything behind the start. */
  readonly byteLength: number
  /** Layers in which something is planned, and how many matrices. */
  readonly layers: ReadonlyMap<number, number>
  /** Of the entries of one matrix, or of several. */
  of(entries: readonly WrittenEntry[]): Frame[]
}

/** @param planned all entries, in order; a matrix that cannot be written in the end is not asked for */
export function agufFrames(planned: readonly TensorOutline[]): AgufFrames {
  const names = agufNames(matrixNames(planned))
  const layers = new Map<number, number>()
  for (const { layer } of names.values()) layers.set(layer, (layers.get(layer) ?? 0) + 1)
  const values = planned.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  const counts = 4 * planned.filter(({ name }) => name.endsWith('.sparse_index')).length
  const begun = new Set<number>()
  return {
    byteLength: values + counts + layers.size * layerHeadBytes + names.size * (matrixHeadBytes + 1),
    layers,
    of: (entries) =>
      entries.map(({ outline: { name, shape, dtype } }, i): Frame => {
        if (name.endsWith('.U')) {
          const { layer, short } = names.get(matrixNameOf(name))!
          const [rows, rank] = shape as [number, number]
          const cols = entries[i + 3]!.outline.shape[0]!
          const isFirst = !begun.has(layer)
          begun.add(layer)
          const head = isFirst ? words(layer, layers.get(layer)!) : new Uint8Array(0)
          return { ...unframed, before: concat(head, matrixHead(short, rank, rows, cols, dtype === 'I8')) }
        }
        if (!name.endsWith('.V_scale')) return unframed
        const next = entries[i + 1]?.outline
        const sparse = next?.name.endsWith('.sparse_index') ? next.shape[0]! : null
        const after = sparse === null ? Uint8Array.of(0) : concat(Uint8Array.of(1), words(sparse))
        return { ...unframed, after }
      }),
  }
}

/** Places of the matrix counts in the heads of the layers, from the first byte behind the start, with the counts that were written. */
export function layerCounts(written: readonly WrittenEntry[]): { readonly at: number; readonly count: number }[] {
  const frames = agufFrames(written.map(({ outline }) => outline))
  const found: { at: number; count: number }[] = []
  let at = 0
  for (const [i, { before, after }] of frames.of(written).entries()) {
    const { name, dtype, shape } = written[i]!.outline
    if (before.byteLength > matrixHeadBytes)
      found.push({ at: at + 4, count: frames.layers.get(layerOf(matrixNameOf(name)))! })
    at += before.byteLength + tensorBytes(dtype, shape) + after.byteLength
  }
  return found
}

function matrixNames(entries: readonly TensorOutline[]): string[] {
  return entries.flatMap(({ name }) => (name.endsWith('.U') ? [matrixNameOf(name)] : []))
}

function matrixNameOf(entry: string): string {
  return entry.slice(0, entry.lastIndexOf('.'))
}

function matrixHead(short: string, rank: number, rows: number, cols: number, int8: boolean): Uint8Array {
  const bytes = new Uint8Array(matrixHeadBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(utf8(short))
  view.setUint16(nameBytes, rank, true)
  view.setUint32(nameBytes + 2, rows, true)
  view.setUint32(nameBytes + 6, cols, true)
  bytes[nameBytes + 10] = int8 ? 1 : 0
  return bytes
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  for (const [i, value] of values.entries()) new DataView(bytes.buffer).setUint32(4 * i, value, true)
  return bytes
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.byteLength + b.byteLength)
  bytes.set(a)
  bytes.set(b, a.byteLength)
  return bytes
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
