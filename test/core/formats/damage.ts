/** Ways to damage a file, and what every reader owes to a damaged one. */
import assert from 'node:assert/strict'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { concat } from './corpus.ts'

export type Edit = { readonly at: number; readonly length: number; readonly kind: number; readonly value: number }
const interesting = [
  0,
  1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 60,
  2 ** 63,
  100_000,
  65_535,
  65_536,
]

export function damage(bytes: Uint8Array, { at, length, kind, value }: Edit): Uint8Array {
  const place = Math.floor(at * bytes.byteLength)
  const before = bytes.subarray(0, place)
  const after = bytes.subarray(place)
  const changed = bytes.slice()
  switch (kind) {
    case 0: // one bit
      if (place < changed.length) changed[place]! ^= 1 << (value & 7)
      return changed
    case 1: // one byte
      if (place < changed.length) changed[place] = value
      return changed
    case 2: {
      // a number that others trip over
      const number = new Uint8Array(8)
      new DataView(number.buffer).setBigUint64(0, BigInt(interesting[value % interesting.length]!), length < 30)
      changed.set(number.subarray(0, Math.min(value & 1 ? 4 : 8, changed.length - place)), place)
      return changed
    }
    case 3: // a piece gone
      return concat(before, after.subarray(length))
    case 4: // a piece twice
      return concat(before, after.subarray(0, length), after)
    case 5: // a piece of the same byte
      return concat(before, new Uint8Array(length).fill(value), after)
    case 6: // the end gone
      return before.slice()
    default: // a piece from elsewhere
      return concat(before, bytes.subarray(Math.floor((value / 256) * bytes.byteLength)).subarray(0, length), after)
  }
}

const internals = /\bNaN\b|\bundefined\b|\bnull\b|\bInfinity\b|\[object|=>|\d\.\d+e\+\d/

/** Reads all there is, and holds each tensor to its word. null when the file was refused in a sentence. */
export async function contents(
  open: () => Promise<WeightFile>,
  fileBytes: number,
): Promise<Map<string, Uint8Array> | null> {
  try {
    const file = await open()
    const values = new Map<string, Uint8Array>()
    let total = 0
    for (const tensor of file.tensors) {
      assert(!values.has(tensor.name), `${tensor.name} twice`)
      // A value takes at least two bits in a file, deflated or repeated by strides up to 200 times less.
      total += tensor.byteLength
      assert(tensor.byteLength < 64_000_001 + 1000 * fileBytes, `${tensor.byteLength} bytes from ${fileBytes}`)
      if (total > 4_000_000) continue
      const bytes = await file.read(tensor)
      assert.equal(bytes.byteLength, tensor.byteLength)
      values.set(tensor.name, bytes)
    }
    await file.close()
    return values
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    assert(!error.message.includes('\n') && error.message.length < 800, `no sentence: ${error.message}`)
    // What the file says is quoted; the rest is ours, and speaks of no values that only a program has.
    assert.doesNotMatch(error.message.replace(/"[^"]*"/g, ''), internals)
    return null
  }
}
