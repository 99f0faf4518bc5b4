/**
 * Gives the memory of ended kernels back now. A shared WebAssembly.Memory is freed when no thread's heap refers to it any more, but its
 * gigabytes do not count in those heaps: an idle event loop would keep the memories of sixty former teams before it looked.
 */
import { setFlagsFromString } from 'node:v8'
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
