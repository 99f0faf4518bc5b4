/** What `ghostsvd bench` prints. */
import { escaped } from '../../../core/messages/text.ts'
import type { BenchReport, SizeReport } from '../../bench/bench.ts'
import type { ModelTiming } from '../../bench/model.ts'
import type { Timing } from '../../bench/turns.ts'
import { duration, phases, print, table } from '../print.ts'

export function printBench(report: BenchReport, models: readonly ModelTiming[]): void {
  const { kernel, arithmetic, threads, device, peakGigaflops } = report
  const processor = `${kernel}, ${arithmetic} multiply-add, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  const beside = device === null ? '' : `; products of rows marked * by ${escaped(device)}`
  print(`${processor}; peak ${peakGigaflops.toFixed(0)} GFLOP/s in cache${beside}`)
  const peers = Object.keys(report.peers)
  if (peers.length > 0) {
    const versions = Object.entries(report.peers).map(([name, version]) => `${name} ${version}`)
    const kernels = report.peerKernels.length > 0 ? ` on OpenBLAS's ${report.peerKernels.join(', ')}` : ''
    print(
      `Peers: ${versions.join(', ')}${kernels}. numpy computes QR and SVD of float32 in float64. Ratios: peer time / ours, of the medians (least to most of the turns).`,
    )
  }
  for (const size of report.sizes) printSize(size, report.dtype, peers)
  if (models.length > 0)
    print(
      `\nwhole runs against their bare products, ${(models[0]!.weights / 1e6).toFixed(0)} million weights\n${table(
        [
          ['rank', 'run', 'weights/s', 'products', 'weights/s', 'ratio'],
          ...models.map(({ rank, weights, runMs, productsMs, shareOfProductSpeed }) => [
            String(rank),
            duration(runMs),
            `${(weights / runMs / 1e3).toFixed(1)} M`,
            duration(productsMs),
            `${(weights / productsMs / 1e3).toFixed(1)} M`,
            `${(100 * shareOfProductSpeed).toFixed(0)} %`,
          ]),
        ],
        [0, 1, 2, 3, 4, 5],
      )}`,
    )
}

function printSize(
  { rows, cols, products, randomized, exact }: SizeReport,
  dtype: string,
  peers: readonly string[],
): void {
  print(`\n${rows} x ${cols} ${dtype}`)
  if (products.length > 0)
    print(
      table(
        [
          ['product', 'columns', 'time', 'GFLOP/s', 'of peak', ...(peers.length > 0 ? ['numpy'] : [])],
          ...products.map((p) => [
            ...[p.product, String(p.columns), duration(p.ms), p.gigaflops.toFixed(0)],
            `${(100 * p.shareOfPeak).toFixed(0)} %`,
            ...ratios(p, peers.length > 0 ? ['numpy'] : []),
          ]),
        ],
        [1, 2, 3, 4, 5],
      ),
    )
  if (randomized.length > 0)
    print(
      table(
        [
          [
            'randomized',
            'rank',
            'time',
            'GFLOP/s',
            'excess',
            '|UtU-I|',
            ...peers,
            ...peers.map((name) => `excess ${name}`),
          ],
          ...randomized.map((r) => [
            r.device === null ? r.spectrum : `${r.spectrum} *`,
            ...[
              String(r.rank),
              duration(r.ms),
              r.gigaflops.toFixed(0),
              share(r.excess),
              r.orthogonality.toExponential(1),
            ],
            ...ratios(r, peers),
            ...peers.map((name) => share(r.peerExcess?.[name])),
          ]),
        ],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      ),
    )
  const fresh = randomized.filter((r) => r.fresh !== undefined)
  if (fresh.length > 0)
    print(
      table(
        [
          ['first of a process', 'rank', 'time', ...peers],
          ...fresh.map((r) => [r.spectrum, String(r.rank), duration(r.fresh!.ms), ...ratios(r.fresh!, peers)]),
        ],
        [1, 2, 3, 4, 5],
      ),
    )
  for (const r of randomized) print(`  ${r.spectrum} ${r.rank}: ${phases(r.phasesMs)}`)
  for (const [name, timed] of [
    ['exact values', exact?.values],
    ['exact full SVD', exact?.full],
  ] as const)
    if (timed) {
      const [peer] = Object.keys(timed.peers ?? {})
      const beside = peer === undefined ? '' : `; ${peer} ${ratios(timed, [peer])[0]}`
      print(`${name} ${duration(timed.ms)} (${phases(timed.phasesMs)})${beside}`)
    }
}

function share(excess: number | null | undefined): string {
  return excess?.toExponential(2) ?? '-'
}

/** "1.31x (1.22-1.40)" */
function ratios({ peers }: Timing, names: readonly string[]): string[] {
  return names.map((name) => {
    const found = peers?.[name]
    return found ? `${found.median.toFixed(2)}x (${found.least.toFixed(2)}-${found.most.toFixed(2)})` : '-'
  })
}
