/** Products of the weights with thin matrices, beside numpy's. */
import type { Kernels, Weights } from '../../core/kernels/kernels.ts'
import type { BenchOptions } from './options.ts'
import { type Timing, timing } from './turns.ts'

export interface ProductTiming extends Timing {
  readonly columns: number
  readonly product: 'A X' | 'At X'
  readonly gigaflops: number
  readonly shareOfPeak: number
}

export async function timeProducts(
  kernels: Kernels,
  A: Weights,
  peakGigaflops: number,
  { ranks, repeat, peers, say }: BenchOptions,
): Promise<ProductTiming[]> {
  const found: ProductTiming[] = []
  for (const columns of ranks.map((rank) => Math.ceil((rank + 10) / 16) * 16))
    for (const product of ['A X', 'At X'] as const) {
      say(`${A.rows} x ${A.cols}: ${product}, ${columns} columns`)
      const mark = kernels.mark()
      const X = { rows: A.cols, cols: columns, data: kernels.allocateFloat32(A.cols * columns) }
      const Y = { rows: A.rows, cols: columns, data: kernels.allocateFloat32(A.rows * columns) }
      kernels.gaussian([1, 1], X)
      kernels.gaussian([1, 2], Y)
      const multiply = () => (product === 'A X' ? kernels.gemm(A, X, Y) : kernels.gemmTransposed(A, Y, X, false))
      const ours: number[] = []
      const numpy: number[] = []
      for (let run = 0; run <= repeat; run++) {
        // The turns of the others have filled the caches with theirs and let cores fall asleep: once untimed, then at once by the clock.
        multiply()
        const started = performance.now()
        multiply()
        const ms = performance.now() - started
        const reply = await peers?.ask({ op: 'product', columns, transposed: product === 'At X' })
        if (run === 0) continue
        ours.push(ms)
        if (reply) numpy.push(reply.ms)
      }
      kernels.release(mark)
      const timed = timing(ours, new Map([['numpy', numpy]]))
      const gigaflops = (2 * A.rows * A.cols * columns) / timed.ms / 1e6
      found.push({ columns, product, gigaflops, shareOfPeak: gigaflops / peakGigaflops, ...timed })
    }
  return found
}
