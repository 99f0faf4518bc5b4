/**
 * Which values of the source an output file was made from, in 64 hexadecimal digits: the SHA-256 of each tensor's name, dtype, shape and
 * CRC-32, all of them added without carry (XOR). So the order does not matter, and the digests of the parts of a run add up to that of the
 * whole. It detects changes, not forgery.
 */

import type { JobContext } from '../matrix/context.ts'
import type { TensorInfo } from '../tensor.ts'

const DIGITS = 64

export interface SourceTensor extends Pick<TensorInfo, 'name' | 'dtype' | 'shape'> {
  /** Of its values (matrix/checksum.ts). */
  readonly crc: number
}

export function sourceDigest(tensors: readonly SourceTensor[], { sha256 }: Pick<JobContext, 'sha256'>): string {
  let sum = 0n
  for (const { name, dtype, shape, crc } of tensors) {
    const hash = sha256()
    hash.update(new TextEncoder().encode(JSON.stringify([name, dtype, shape, crc])))
    for (const [i, byte] of hash.digest().entries()) sum ^= BigInt(byte) << BigInt(8 * i)
  }
  return digits(sum)
}

export function isDigest(text: string): boolean {
  return text.length === DIGITS && /^[0-9a-f]*$/.test(text)
}

/** The digest of all these together. */
export function joinedDigest(digests: readonly string[]): string {
  return digits(digests.reduce((sum, digest) => sum ^ BigInt(`0x${digest}`), 0n))
}

function digits(sum: bigint): string {
  return sum.toString(16).padStart(DIGITS, '0')
}
