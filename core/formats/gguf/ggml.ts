/**
 * The block encodings of ggml, turned back into f32. A block holds 32 or 256 values with one or two half-precision scales; the K encodings
 * add 6-bit or 4-bit scales for each 16 or 32 values. Scale x scale x value has at most 25 significant bits and is formed in f64, so each
 * value is rounded to f32 once, which is also what ggml's own f32 arithmetic gives.
 *
 * Source: ggml/src/ggml-common.h (layouts), ggml/src/ggml-quants.c (dequantize_row_*), as of GGUF version 3.
 */
import { decodeFloat32 } from '../dtype.ts'

export interface BlockEncoding {
  readonly name: string
  /** Values in a block. */
  readonly values: number
  readonly byteLength: number
  /** Turns one block at `block[from]` into values at `out[to]`. */
  readonly decode: (block: Uint8Array, from: number, out: Float32Array, to: number) => void
}

const halves = decodeFloat32('F16', new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer))

function half(block: Uint8Array, at: number): number {
  return halves[block[at]! | (block[at + 1]! << 8)]!
}

function signed(byte: number): number {
  return (byte << 24) >> 24
}

/** Q4_0, Q4_1, Q5_0, Q5_1: low nibbles are the first 16 values, high nibbles the last 16; a fifth bit comes from `high`. */
function decodeNibbles(offsets: { readonly min: boolean; readonly high: boolean }): BlockEncoding['decode'] {
  const { min: hasMin, high: hasHigh } = offsets
  const highAt = hasMin ? 4 : 2
  const nibblesAt = highAt + (hasHigh ? 4 : 0)
  const center = hasMin ? 0 : hasHigh ? 16 : 8
  return (block, from, out, to) => {
    const d = half(block, from)
    // -0 leaves a product as it is, its sign too.
    const m = hasMin ? half(block, from + 2) : -0
    for (let j = 0; j < 16; j++) {
      const byte = block[from + nibblesAt + j]!
      let low = byte & 15
      let high = byte >> 4
      if (hasHigh) {
        low |= ((block[from + highAt + (j >> 3)]! >> (j & 7)) & 1) << 4
        high |= ((block[from + highAt + 2 + (j >> 3)]! >> (j & 7)) & 1) << 4
      }
      out[to + j] = (low - center) * d + m
      out[to + j + 16] = (high - center) * d + m
    }
  }
}

function decodeQ8_0(block: Uint8Array, from: number, out: Float32Array, to: number): void {
  const d = half(block, from)
  for (let j = 0; j < 32; j++) out[to + j] = signed(block[from + 2 + j]!) * d
}

/** 16 scales (low nibble) and minima (high nibble), 64 bytes of 2-bit values, d, dmin. */
function decodeQ2K(block: Uint8Array, from: number, out: Float32Array, to: number): void {
  const d = half(block, from + 80)
  const dmin = half(block, from + 82)
  for (let group = 0; group < 16; group++) {
    const scale = block[from + group]!
    const dl = d * (scale & 15)
    const ml = dmin * (scale >> 4)
    const { bytesAt, shift } = twoBitGroup(group)
    for (let l = 0; l < 16; l++) {
      const value = (block[from + 16 + bytesAt + l]! >> shift) & 3
      out[to + group * 16 + l] = dl * value - ml
    }
  }
}

/** Each 128 values take 32 bytes: groups of 16 alternate between the halves of the bytes and climb two bits every second group. */
function twoBitGroup(group: number): { bytesAt: number; shift: number } {
  const inHalf = group & 7
  return { bytesAt: (group >> 3) * 32 + (inHalf & 1) * 16, shift: (inHalf >> 1) * 2 }
}

/** 32 bytes of third bits, 64 bytes of 2-bit values, 12 bytes with sixteen 6-bit scales, d. */
function decodeQ3K(block: Uint8Array, from: number, out: Float32Array, to: number): void {
  const d = half(block, from + 108)
  const scalesAt = from + 96
  for (let group = 0; group < 16; group++) {
    const low = (block[scalesAt + (group & 7)]! >> (group < 8 ? 0 : 4)) & 15
    const high = (block[scalesAt + 8 + (group & 3)]! >> ((group >> 2) * 2)) & 3
    const dl = d * ((low | (high << 4)) - 32)
    const { bytesAt, shift } = twoBitGroup(group)
    for (let l = 0; l < 16; l++) {
      const low2 = (block[from + 32 + bytesAt + l]! >> shift) & 3
      const third = (block[from + (group & 1) * 16 + l]! >> (group >> 1)) & 1
      out[to + group * 16 + l] = dl * (low2 - (third ? 0 : 4))
    }
  }
}

/** Scale and minimum `index` of the eight that Q4_K and Q5_K pack into 12 bytes, 6 bits each. */
function scaleAndMin(block: Uint8Array, at: number, index: number): [number, number] {
  if (index < 4) return [block[at + index]! & 63, block[at + index + 4]! & 63]
  const low = block[at + index + 4]!
  return [(low & 15) | ((block[at + index - 4]! >> 6) << 4), (low >> 4) | ((block[at + index]! >> 6) << 4)]
}

/** d, dmin, 12 bytes of scales, for Q5_K 32 bytes of fifth bits, 128 bytes of nibbles. */
function decodeK45(hasFifth: boolean): BlockEncoding['decode'] {
  const nibblesAt = hasFifth ? 48 : 16
  return (block, from, out, to) => {
    const d = half(block, from)
    const dmin = half(block, from + 2)
    for (let group = 0; group < 8; group++) {
      const [scale, min] = scaleAndMin(block, from + 4, group)
      const dl = d * scale
      const ml = dmin * min
      const bytesAt = from + nibblesAt + (group >> 1) * 32
      for (let l = 0; l < 32; l++) {
        const nibble = (block[bytesAt + l]! >> ((group & 1) * 4)) & 15
        const fifth = hasFifth ? ((block[from + 16 + l]! >> group) & 1) << 4 : 0
        out[to + group * 32 + l] = dl * (nibble | fifth) - ml
      }
    }
  }
}

/** 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, d. */
function decodeQ6K(block: Uint8Array, from: number, out: Float32Array, to: number): void {
  const d = half(block, from + 208)
  for (let group = 0; group < 16; group++) {
    const dl = d * signed(block[from + 192 + group]!)
    // Within each 128 values: 32 of the first low nibbles, 32 of the second, then the high nibbles of both.
    const quarter = (group & 7) >> 1
    const lowAt = from + (group >> 3) * 64 + (quarter & 1) * 32 + (group & 1) * 16
    const highAt = from + 128 + (group >> 3) * 32 + (group & 1) * 16
    for (let l = 0; l < 16; l++) {
      const low = (block[lowAt + l]! >> ((quarter >> 1) * 4)) & 15
      const high = (block[highAt + l]! >> (quarter * 2)) & 3
      out[to + group * 16 + l] = dl * ((low | (high << 4)) - 32)
    }
  }
}

/** By ggml's type number. */
export const blockEncodings: ReadonlyMap<number, BlockEncoding> = new Map([
  [2, { name: 'Q4_0', values: 32, byteLength: 18, decode: decodeNibbles({ min: false, high: false }) }],
  [3, { name: 'Q4_1', values: 32, byteLength: 20, decode: decodeNibbles({ min: true, high: false }) }],
  [6, { name: 'Q5_0', values: 32, byteLength: 22, decode: decodeNibbles({ min: false, high: true }) }],
  [7, { name: 'Q5_1', values: 32, byteLength: 24, decode: decodeNibbles({ min: true, high: true }) }],
  [8, { name: 'Q8_0', values: 32, byteLength: 34, decode: decodeQ8_0 }],
  [10, { name: 'Q2_K', values: 256, byteLength: 84, decode: decodeQ2K }],
  [11, { name: 'Q3_K', values: 256, byteLength: 110, decode: decodeQ3K }],
  [12, { name: 'Q4_K', values: 256, byteLength: 144, decode: decodeK45(false) }],
  [13, { name: 'Q5_K', values: 256, byteLength: 176, decode: decodeK45(true) }],
  [14, { name: 'Q6_K', values: 256, byteLength: 210, decode: decodeQ6K }],
])

/** Encodings that are known and not read: the codebook (IQ), ternary and MX families, and those rearranged for a processor. */
export const unreadEncodings: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [29, 'IQ1_M'],
  [31, 'Q4_0_4_4'],
  [32, 'Q4_0_4_8'],
  [33, 'Q4_0_8_8'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [36, 'IQ4_NL_4_4'],
  [37, 'IQ4_NL_4_8'],
  [38, 'IQ4_NL_8_8'],
  [39, 'MXFP4'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
  [42, 'Q2_0'],
])

/** `blocks` whole blocks to f32. */
export function decodeBlocks(encoding: BlockEncoding, blocks: Uint8Array): Float32Array {
  const count = blocks.byteLength / encoding.byteLength
  const out = new Float32Array(count * encoding.values)
  for (let i = 0; i < count; i++) encoding.decode(blocks, i * encoding.byteLength, out, i * encoding.values)
  return out
}
