/** Ways to damage a file, and what every reader owes to a damaged one. */
import assert from 'node:assert/strict'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'

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

/** `bytes` with one edit after another; a copy. In one buffer: a copy for each edit would take longer than the readers do. */
export function damage(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const changed = new Uint8Array(edits.reduce((sum, { length }) => sum + length, bytes.byteLength))
  changed.set(bytes)
  let end = bytes.byteLength
  /** Room for so many bytes at `place`. */
  const open = (place: number, length: number) => {
    changed.copyWithin(place + length, place, end)
    end += length
  }
  for (const { at, length, kind, value } of edits) {
    const place = Math.floor(at * end)
    switch (kind) {
      case 0: // one bit
        if (place < end) changed[place]! ^= 1 << (value & 7)
        break
      case 1: // one byte
        if (place < end) changed[place] = value
        break
      case 2: {
        // a number that others trip over
        const number = new Uint8Array(8)
        new DataView(number.buffer).setBigUint64(0, BigInt(interesting[value % interesting.length]!), length < 30)
        changed.set(number.subarray(0, Math.min(value & 1 ? 4 : 8, end - place)), place)
        break
      }
      case 3: {
        // a piece gone
        const gone = Math.min(length, end - place)
        changed.copyWithin(place, place + gone, end)
        end -= gone
        break
      }
      case 4: // a piece twice
        open(place, Math.min(length, end - place))
        break
      case 5: // a piece of the same byte
        open(place, length)
        changed.fill(value, place, place + length)
        break
      case 6: // the end gone
        end = place
        break
      default: {
        // a piece from elsewhere
        const from = Math.floor((value / 256) * end)
        const piece = changed.slice(from, Math.min(from + length, end))
        open(place, piece.byteLength)
        changed.set(piece, place)
      }
    }
  }
  return changed.slice(0, end)
}

const internals = /\bNaN\b|\bundefined\b|\bnull\b|\bInfinity\b|\[object|\) =>|\d\.\d+e\+\d/

/** What `act` gives; null where the file was refused in a sentence. @throws whatever else it throws */
export async function orRefused<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    assert(!error.message.includes('\n') && error.message.length < 800, `no sentence: ${error.message}`)
    // What the file says is quoted; the rest is ours, and speaks of no values that only a program has.
    assert.doesNotMatch(error.message.replace(/"[^"]*"/g, ''), internals)
    return null
  }
}

/** Reads all there is, and holds each tensor to its word. null when the file was refused in a sentence. */
export function contents(open: () => Promise<WeightFile>, fileBytes: number): Promise<Map<string, Uint8Array> | null> {
  return orRefused(async () => {
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
  })
}
