/** How the rows of a matrix in one scheme lie in its native order. */
import type { Row, Scheme } from './family.ts'

/** Of the attention of a model; what GGUF's order of Llama depends on. */
export interface Heads {
  readonly heads: number
  readonly kv: number
}

/** Whether this scheme has the rows in an order of its own. GGUF interleaves halves of heads for Llama's architecture alone, which `heads` stands for. */
export function isReordered({ order }: Row, scheme: Scheme): boolean {
  if (order === undefined) return false
  return order === 'swapped' ? scheme === 'diffusers' : scheme === 'gguf'
}

/**
 * Row of the native matrix at each row of the scheme's.
 * @returns null where the heads do not divide the rows
 */
export function nativeRows({ order }: Row, rows: number, heads: Heads): Int32Array | null {
  const native = new Int32Array(rows)
  if (order === 'swapped') {
    const half = rows / 2
    if (!Number.isInteger(half)) return null
    for (let i = 0; i < rows; i++) native[i] = (i + half) % rows
    return native
  }
  const count = order === 'kv' ? heads.kv : heads.heads
  const half = rows / count / 2
  if (!Number.isInteger(half)) return null
  // heads x 2 x half, axes 1 and 2 swapped.
  for (let head = 0, at = 0; head < count; head++)
    for (let k = 0; k < half; k++) for (let j = 0; j < 2; j++, at++) native[at] = (2 * head + j) * half + k
  return native
}
