/**
 * Between bytes of a dtype and numbers. Widening is exact; narrowing rounds to nearest, ties to even, and reports what did not fit.
 * Little-endian throughout, as every host of the product is.
 *
 * A small float of `fraction` bits with smallest normal exponent `minExponent` holds r * 2^(e - fraction) with r <= 2^(fraction + 1); its
 * code counts up through subnormals and normals alike, so code = (e - minExponent) * 2^fraction + r, and a rounding carry needs no case of
 * its own. Sources: IEEE 754-2019 (F16), the bfloat16 definition, Micikevicius et al. 2022 (FP8 E4M3 without infinities, E5M2).
 */
import { type ComputableDType, dtypeBits } from '../tensor.ts'

interface SmallFloat {
  readonly fraction: number
  readonly minExponent: number
  /** First code that is not a finite number. */
  readonly limit: number
  /** What a value beyond the range becomes: infinity, or NaN where there is none. */
  readonly overflow: number
  readonly nan: number
  readonly signBit: number
}

const smallFloats = {
  F16: { fraction: 10, minExponent: -14, limit: 0x7c00, overflow: 0x7c00, nan: 0x7e00, signBit: 0x8000 },
  BF16: { fraction: 7, minExponent: -126, limit: 0x7f80, overflow: 0x7f80, nan: 0x7fc0, signBit: 0x8000 },
  F8_E5M2: { fraction: 2, minExponent: -14, limit: 0x7c, overflow: 0x7c, nan: 0x7e, signBit: 0x80 },
  F8_E4M3: { fraction: 3, minExponent: -6, limit: 0x7f, overflow: 0x7f, nan: 0x7f, signBit: 0x80 },
} as const satisfies Record<string, SmallFloat>

type SmallDType = keyof typeof smallFloats

/** The least normal number of F32 and of BF16. */
const leastNormal = 2 ** smallFloats.BF16.minExponent

/**
 * For what we compute and write: zero, of the value's sign, in place of a subnormal of F32 or BF16. Beside a factor's other entries it is nothing, and
 * processors are slow with it: 14 such rows of a factor's 480 made a text recognizer take twice its time.
 */
export function withoutSubnormal(dtype: ComputableDType, value: number): number {
  return (dtype === 'F32' || dtype === 'BF16') && Math.abs(value) < leastNormal ? value * 0 : value
}

/**
 * Values of `bytes` as f32: exact for all but F64, which is rounded to nearest. A view of `bytes` for aligned F32, else a copy.
 * @param bytes a whole number of elements, little-endian
 */
export function decodeFloat32(dtype: ComputableDType, bytes: Uint8Array): Float32Array {
  if (dtype === 'F32') return new Float32Array(...viewOf(bytes, 4))
  if (dtype === 'F64') return new Float32Array(new Float64Array(...viewOf(bytes, 8)))
  if (dtype === 'BF16') {
    const halves = new Uint16Array(...viewOf(bytes, 2))
    const bits = new Uint32Array(halves.length)
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
    return new Float32Array(bits.buffer)
  }
  return widen(new Float32Array(elements(dtype, bytes)), dtype, bytes)
}

/** Values of `bytes` as f64, exactly. A view of `bytes` for aligned F64, else a copy. */
export function decodeFloat64(dtype: ComputableDType, bytes: Uint8Array): Float64Array {
  if (dtype === 'F64') return new Float64Array(...viewOf(bytes, 8))
  if (dtype === 'F32' || dtype === 'BF16') return new Float64Array(decodeFloat32(dtype, bytes))
  return widen(new Float64Array(elements(dtype, bytes)), dtype, bytes)
}

export interface Encoded {
  readonly bytes: Uint8Array
  /** Values that were numbers and left the range of the dtype: infinite (NaN in F8_E4M3, which has no infinity) in `bytes`. */
  readonly overflows: number
}

/** `values` in `dtype`, rounded once, to nearest even. NaN stays NaN, without its payload where the dtype narrows. */
export function encode(dtype: ComputableDType, values: Float32Array | Float64Array): Encoded {
  if (dtype === 'F64') return { bytes: bytesOf(new Float64Array(values)), overflows: 0 }
  if (dtype === 'F32') {
    const rounded = new Float32Array(values)
    let overflows = 0
    if (values instanceof Float64Array) {
      for (let i = 0; i < values.length; i++)
        if (Math.abs(rounded[i]!) === Number.POSITIVE_INFINITY && Math.abs(values[i]!) !== Number.POSITIVE_INFINITY)
          overflows++
    }
    return { bytes: bytesOf(rounded), overflows }
  }
  return narrow(dtype, values)
}

/**
 * The word that begins with sign and exponent says all there is to round, everything below it in an f64 being one more bit: shifted to the
 * dtype's fraction it counts codes as the dtype does, but from an exponent of its own.
 */
function narrow(dtype: SmallDType, values: Float32Array | Float64Array): Encoded {
  const { fraction, minExponent, limit, overflow, nan, signBit } = smallFloats[dtype]
  const codes = dtypeBits[dtype] === 8 ? new Uint8Array(values.length) : new Uint16Array(values.length)
  const isWide = values instanceof Float64Array
  const [stride, bias, wordFraction] = isWide ? ([2, 1023, 20] as const) : ([1, 127, 23] as const)
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * stride)
  const shift = wordFraction - fraction
  const belowHalf = (1 << (shift - 1)) - 1
  const smallestNormal = (bias + minExponent) << wordFraction
  const infinity = (2 * bias + 1) << wordFraction
  const origin = (bias + minExponent - 1) << fraction
  const smallestStep = 2 ** (minExponent - fraction)
  let overflows = 0
  for (let i = 0, at = stride - 1; i < codes.length; i++, at += stride) {
    const word = words[at]!
    const magnitude = word & 0x7fffffff
    let code: number
    if (magnitude >= infinity) {
      const isInfinite = !Number.isNaN(values[i])
      code = isInfinite ? overflow : nan
      if (isInfinite && overflow === nan) overflows++
    } else {
      if (magnitude >= smallestNormal) {
        const exact = isWide && words[at - 1] !== 0 ? magnitude | 1 : magnitude
        // Up from beyond one half, and from one half where the code is odd.
        code = ((exact + belowHalf + ((exact >>> shift) & 1)) >>> shift) - origin
      } else {
        // Adding and taking away 2^52 rounds a double below 2^52 to a whole number, ties to even.
        code = (Math.abs(values[i]!) / smallestStep + 2 ** 52 - 2 ** 52) | 0
      }
      if (code >= limit) {
        overflows++
        code = overflow
      }
    }
    // Signs are as good as random: a branch on them would be mispredicted every other time.
    codes[i] = code | ((word >>> 31) * signBit)
  }
  return { bytes: bytesOf(codes), overflows }
}

function widen<Out extends Float32Array | Float64Array>(out: Out, dtype: SmallDType, bytes: Uint8Array): Out {
  const table = decodeTable(dtype)
  const codes = dtypeBits[dtype] === 8 ? bytes : new Uint16Array(...viewOf(bytes, 2))
  for (let i = 0; i < codes.length; i++) out[i] = table[codes[i]!]!
  return out
}

const decodeTables = new Map<SmallDType, Float32Array>()

/** Value of every code: 256 KiB for F16, built once. */
function decodeTable(dtype: SmallDType): Float32Array {
  let table = decodeTables.get(dtype)
  if (!table) {
    const format = smallFloats[dtype]
    table = Float32Array.from({ length: format.signBit * 2 }, (_, code) => codeValue(format, code))
    decodeTables.set(dtype, table)
  }
  return table
}

function codeValue({ fraction, minExponent, limit, overflow, nan, signBit }: SmallFloat, code: number): number {
  const sign = code & signBit ? -1 : 1
  const magnitude = code & (signBit - 1)
  if (magnitude >= limit)
    return magnitude === overflow && overflow !== nan ? sign * Number.POSITIVE_INFINITY : Number.NaN
  const step = 2 ** fraction
  const exponent = Math.floor(magnitude / step)
  const rest = magnitude % step
  return exponent === 0
    ? sign * rest * 2 ** (minExponent - fraction)
    : sign * (step + rest) * 2 ** (exponent - 1 + minExponent - fraction)
}

function elements(dtype: ComputableDType, bytes: Uint8Array): number {
  return bytes.byteLength / (dtypeBits[dtype] / 8)
}

/**
 * Arguments of a typed array over `bytes`; the bytes are copied where they are not aligned for it. By the constructor: the `slice` of a
 * subclass, such as node's Buffer, may be a view, as little aligned as before.
 */
function viewOf(bytes: Uint8Array, size: number): [ArrayBuffer | SharedArrayBuffer, number, number] {
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return [aligned.buffer as ArrayBuffer | SharedArrayBuffer, aligned.byteOffset, aligned.byteLength / size]
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
}
