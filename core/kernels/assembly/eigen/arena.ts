/** Scratch memory of this thread: a stack inside the workspace that the caller handed in. Globals of a module are one per thread. */
let top: usize = 0

/** @param base first byte of this thread's scratch */
export function openArena(base: usize): void {
  top = (base + 63) & ~63
}

/** `byteLength` bytes on a cache line boundary, undefined contents; freed by `free(mark)`. */
export function take(byteLength: usize): usize {
  const address = top
  top = (top + byteLength + 63) & ~63
  return address
}

export function mark(): usize {
  return top
}

export function free(to: usize): void {
  top = to
}
