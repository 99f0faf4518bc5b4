/** Where a tensor's sketch gets its randomness: a key of its own, so that neither order nor threads matter. */
import type { GaussianKey } from '../kernels/kernels.ts'

/** A running SHA-256, handed in by the host. */
export type Sha256 = () => { update(bytes: Uint8Array): void; digest(): Uint8Array }

/** Key of a tensor's Gaussian: the first eight bytes (little-endian words) of SHA-256("<seed>\0<tensor name>" in UTF-8). */
export function gaussianKey(sha256: Sha256, seed: number, tensorName: string): GaussianKey {
  const hash = sha256()
  hash.update(new TextEncoder().encode(`${seed}\0${tensorName}`))
  const digest = hash.digest()
  const words = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
  return [words.getUint32(0, true), words.getUint32(4, true)]
}

/** Stream that fresh directions come from where a basis lost some; never that of a sketch but by a chance of 2^-64. */
export function freshKey(key: GaussianKey, restart: number): GaussianKey {
  return [(key[0] ^ 0x9e3779b9) >>> 0, (key[1] + 0x85ebca6b * (restart + 1)) >>> 0]
}
