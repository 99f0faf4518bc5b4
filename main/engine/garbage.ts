/**
 * Gives the memory of ended kernels back now. A shared WebAssembly.Memory is freed when no thread's heap refers to it any more, but its
 * gigabytes do not count in those heaps: an idle event loop would keep the memories of sixty former teams before it looked.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | null = null

/** A full collection of this thread's heap: some milliseconds for the small heaps of event loop and driver. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}
