/**
 * The bytes of a GGUF file around its values: header and key-value pairs before them, and what fills each tensor up to the alignment. Version 3,
 * little-endian; of the types of values those that adapters need. Source: ggml/docs/gguf.md.
 */
import { type DType, type TensorOutline, tensorBytes } from '../../tensor.ts'

const alignment = 32
const versionWritten = 3

const ggmlTypes: Partial<Readonly<Record<DType, number>>> = { F32: 0, F16: 1, BF16: 30 }
/** Everything else is text. */
const floats: readonly string[] = ['adapter.lora.alpha']
const textType = 8
const floatType = 6

/** Everything before the values, which follow in the order of `tensors`, each padded by `ggufPadding`. */
export function ggufHeader(tensors: readonly TensorOutline[], metadata: ReadonlyMap<string, string>): Uint8Array {
  const bytes = new Bytes()
  bytes.text('GGUF')
  bytes.u32(versionWritten)
  bytes.u64(tensors.length)
  bytes.u64(metadata.size)
  for (const [key, value] of metadata) {
    bytes.string(key)
    if (floats.includes(key)) {
      bytes.u32(floatType)
      bytes.f32(Number(value))
    } else {
      bytes.u32(textType)
      bytes.string(value)
    }
  }
  let offset = 0
  for (const { name, dtype, shape } of tensors) {
    const type = ggmlTypes[dtype]
    if (type === undefined) throw new Error(`${name}: GGUF adapters hold F32, F16 and BF16, not ${dtype}`)
    bytes.string(name)
    bytes.u32(shape.length)
    // The fastest dimension comes first.
    for (const size of shape.toReversed()) bytes.u64(size)
    bytes.u32(type)
    bytes.u64(offset)
    const length = tensorBytes(dtype, shape)
    offset += length + ggufPadding(length)
  }
  bytes.zeros(ggufPadding(bytes.length))
  return bytes.whole()
}

/** Zeros after so many bytes of values. */
export function ggufPadding(byteLength: number): number {
  return (alignment - (byteLength % alignment)) % alignment
}

class Bytes {
  length = 0
  readonly #pieces: Uint8Array[] = []
  #add(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.length += piece.byteLength
  }
  text(text: string): void {
    this.#add(new TextEncoder().encode(text))
  }
  string(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.u64(bytes.byteLength)
    this.#add(bytes)
  }
  u32(value: number): void {
    this.#add(new Uint8Array(Uint32Array.of(value).buffer))
  }
  u64(value: number): void {
    this.#add(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer))
  }
  f32(value: number): void {
    this.#add(new Uint8Array(Float32Array.of(value).buffer))
  }
  zeros(count: number): void {
    this.#add(new Uint8Array(count))
  }
  whole(): Uint8Array {
    const whole = new Uint8Array(this.length)
    let at = 0
    for (const piece of this.#pieces) {
      whole.set(piece, at)
      at += piece.byteLength
    }
    return whole
  }
}
