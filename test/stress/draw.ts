/** Numbers of [0, 1) that follow from two others, however many are drawn (mulberry32): an attack that is found is made again by its seed. */
export function drawer(a: number, b: number): () => number {
  let state = (Math.imul(a, 0x9e37_79b1) ^ Math.imul(b + 1, 0x85eb_ca6b)) >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
