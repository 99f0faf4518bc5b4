/**
 * Gives the memory of ended kernels back now. A shared WebAssembly.Memory is freed when no thread's heap refers to it any more, but its
 * gigabytes do not count in those heaps: an idle event loop would keep the memories of sixty former teams before it looked.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined
let looked = false

/** A full collection of this thread's heap: some milliseconds for the small heaps of event loop and driver. */
export function collectGarbage(): void {
  if (!looked) {
    looked = true
    setFlagsFromString('--expose-gc')
    // Absent where an embedder has frozen V8's flags; then the heap is collected when V8 likes.
    collect = runInNewContext('globalThis.gc') as typeof collect
  }
  collect?.()
}

/** Bytes: the buffers of a matrix or two. */
const room = 128 * 2 ** 20

/**
 * For threads that are started from now on: room for large buffers before V8 collects the old generation. From its own start of a few
 * megabytes it did so once for every matrix, which took longer than all else between the products.
 */
export function makeRoomForBuffers(): void {
  // Never more than a part of what the heap may become: V8 would miss the moment to say that it is exhausted.
  const megabytes = Math.floor(Math.min(room, getHeapStatistics().heap_size_limit / 4) / 2 ** 20)
  setFlagsFromString(`--initial-old-space-size=${megabytes}`)
}
