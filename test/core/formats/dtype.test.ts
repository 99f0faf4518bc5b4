import { describe, expect, it } from 'vitest'
import { decodeFloat32, decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import { type ComputableDType, computableDTypes, dtypeBits } from '../../../core/tensor.ts'

const small = computableDTypes.filter((dtype) => dtypeBits[dtype] <= 16)

/** Every code of a dtype of at most 16 bits. */
function allCodes(dtype: ComputableDType): Uint8Array {
  const codes =
    dtypeBits[dtype] === 8
      ? Uint8Array.from({ length: 256 }, (_, i) => i)
      : Uint16Array.from({ length: 65536 }, (_, i) => i)
  return new Uint8Array(codes.buffer)
}

it.each(computableDTypes)('%s is read wherever its bytes lie, from an array whose slices are views too', (dtype) => {
  class Views extends Uint8Array {
    override slice(start?: number, end?: number): Views {
      return this.subarray(start, end) as Views
    }
  }
  const { bytes } = encode(dtype, Float64Array.of(0.5, -1, 2, 0.25))
  for (let offset = 0; offset < 8; offset++) {
    const views = new Views(new ArrayBuffer(offset + bytes.byteLength), offset)
    views.set(bytes)
    expect([...decodeFloat64(dtype, views)]).toEqual([0.5, -1, 2, 0.25])
    expect([...decodeFloat32(dtype, views)]).toEqual([0.5, -1, 2, 0.25])
  }
})

/** Index of the first NaN-free difference, -1 when equal; Object.is on a million values through `expect` is slow. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return i
  return a.length === b.length ? -1 : a.length
}

describe.each(small)('%s', (dtype) => {
  it('writes back every code it reads', () => {
    const codes = allCodes(dtype)
    const values = decodeFloat64(dtype, codes)
    const { bytes, overflows } = encode(dtype, values)
    const again = decodeFloat64(dtype, bytes)
    expect(firstDifference(again, values)).toBe(-1)
    expect(overflows).toBe(0)
    const size = dtypeBits[dtype] / 8
    let changed = 0
    for (let i = 0; i < values.length; i++)
      if (!Number.isNaN(values[i]))
        for (let b = 0; b < size; b++) if (bytes[i * size + b] !== codes[i * size + b]) changed++
    expect(changed).toBe(0)
  })

  it('rounds to the nearest value, ties to the even code', () => {
    const values = [...decodeFloat64(dtype, allCodes(dtype)).subarray(0, 2 ** (dtypeBits[dtype] - 1))].filter(
      Number.isFinite,
    )
    const size = dtypeBits[dtype] / 8
    const middles: number[] = []
    for (let i = 0; i + 1 < values.length; i++) {
      const [low, high] = [values[i]!, values[i + 1]!]
      const middle = (low + high) / 2 // exact: one more bit than the dtype has
      middles.push(middle, middle * (1 - 2 ** -52), middle * (1 + 2 ** -51))
    }
    for (const sign of [1, -1]) {
      const { bytes } = encode(
        dtype,
        Float64Array.from(middles, (value) => sign * value),
      )
      let wrong = 0
      for (let i = 0; i + 1 < values.length; i++) {
        const code = (k: number) =>
          size === 1
            ? bytes[3 * i + k]! & 0x7f
            : (bytes[(3 * i + k) * 2]! | (bytes[(3 * i + k) * 2 + 1]! << 8)) & 0x7fff
        if (code(0) !== (i % 2 === 0 ? i : i + 1) || code(1) !== i || code(2) !== i + 1) wrong++
      }
      expect(wrong).toBe(0)
    }
  })

  it('rounds f32 values as it rounds them in f64, of either sign and at every exponent', () => {
    const bits = new Uint32Array(2 ** 17)
    // Each upper half of an f32 with the fractions around a tie of some dtype, and two without pattern.
    const tails = [0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xffff]
    for (let i = 0; i < bits.length; i++) bits[i] = ((i >>> 1) << 16) | (tails[i % tails.length]! ^ (i & 1))
    const narrow = new Float32Array(bits.buffer)
    const [from32, from64] = [encode(dtype, narrow), encode(dtype, new Float64Array(narrow))]
    expect(firstDifference(from32.bytes, from64.bytes)).toBe(-1)
    expect(from32.overflows).toBe(from64.overflows)
  })

  it('counts what leaves its range, from the first value that rounds beyond the largest', () => {
    const finite = [...decodeFloat64(dtype, allCodes(dtype))].filter(Number.isFinite)
    const largest = Math.max(...finite.slice(0, 40000), ...finite.slice(40000))
    const below = finite.filter((value) => value < largest).reduce((a, b) => Math.max(a, b))
    const edge = largest + (largest - below) / 2 // the tie: away from an odd largest, to an even one
    const evenLargest = dtype === 'F8_E4M3'
    const { bytes, overflows } = encode(
      dtype,
      Float64Array.of(largest, edge * (1 - 2 ** -52), edge, edge * (1 + 2 ** -51), -1e300),
    )
    expect(overflows).toBe(evenLargest ? 2 : 3)
    const values = decodeFloat64(dtype, bytes)
    expect(values[0]).toBe(largest)
    expect(values[1]).toBe(largest)
    expect(Number.isFinite(values[4]!)).toBe(false)
  })

  it('gives the same from unaligned bytes, and the same in f32 and f64', () => {
    const codes = allCodes(dtype)
    const shifted = new Uint8Array(codes.byteLength + 1)
    shifted.set(codes, 1)
    const values = decodeFloat64(dtype, codes)
    expect(firstDifference(decodeFloat64(dtype, shifted.subarray(1)), values)).toBe(-1)
    expect(firstDifference(decodeFloat32(dtype, codes), values)).toBe(-1)
  })
})

describe('known codes', () => {
  const cases: [ComputableDType, number, number][] = [
    ['F16', 0x3c00, 1],
    ['F16', 0x7bff, 65504],
    ['F16', 0x0001, 2 ** -24],
    ['F16', 0xfc00, Number.NEGATIVE_INFINITY],
    ['BF16', 0x3f80, 1],
    ['BF16', 0x7f7f, 2 ** 127 * (2 - 2 ** -7)],
    ['BF16', 0x8000, -0],
    ['F8_E4M3', 0x7e, 448],
    ['F8_E4M3', 0x01, 2 ** -9],
    ['F8_E4M3', 0xff, Number.NaN],
    ['F8_E5M2', 0x7b, 57344],
    ['F8_E5M2', 0x7c, Number.POSITIVE_INFINITY],
  ]
  it.each(cases)('%s 0x%s', (dtype, code, value) => {
    const bytes = dtypeBits[dtype] === 8 ? Uint8Array.of(code) : Uint8Array.of(code & 255, code >> 8)
    expect(decodeFloat64(dtype, bytes)[0]).toBe(value)
  })
})

describe('F32 and F64', () => {
  it('rounds f64 to f32 once and counts what becomes infinite', () => {
    const { bytes, overflows } = encode(
      'F32',
      Float64Array.of(1 + 2 ** -24, 1 + 2 ** -23 + 2 ** -24, 1e39, Number.POSITIVE_INFINITY, 1e-46),
    )
    expect([...decodeFloat32('F32', bytes)]).toEqual([
      1,
      1 + 2 ** -22,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      0,
    ])
    expect(overflows).toBe(1)
  })
  it('keeps f64 bit for bit, -0 and NaN too', () => {
    const values = Float64Array.of(-0, Number.NaN, Math.PI, 5e-324)
    expect(decodeFloat64('F64', encode('F64', values).bytes)).toEqual(values)
  })
  it('does not round twice on the way to F16', () => {
    // 1 + 2^-11 + 2^-40: to f32 first it would fall on the tie 1 + 2^-11, and then to 1.
    expect(decodeFloat64('F16', encode('F16', Float64Array.of(1 + 2 ** -11 + 2 ** -40)).bytes)[0]).toBe(1 + 2 ** -10)
  })
})
