/**
 * The largest entries of what the factors leave over, kept exactly: W ~ B A + S with S sparse.
 *
 * The residual is never held whole: it is scanned twice in panels. The first scan counts magnitudes in bins of their float32 bit
 * pattern (order-preserving for positive floats), which tells the bin where the wanted count is reached; the second collects everything
 * above that bin and the largest of what lies in it. Ties go to the smaller index, so the same entries are chosen for any panel height.
 */

/** Visits the residual in order: `start` is the flat row-major index of `values[0]`. Must give the same values each time. */
export type ResidualScan = (visit: (start: number, values: Float32Array) => void) => Promise<void>

export interface SparseEntries {
  /** Flat row-major, ascending. */
  readonly index: BigInt64Array
  readonly value: Float32Array
}

/** Bins are sign-less float32 bit patterns without their lower 12 bits: 2^19 counters, 2 MB, each bin 2^-11 wide in relative terms. */
const BIN_SHIFT = 12
const BINS = 1 << (31 - BIN_SHIFT)

/** The `count` entries of largest magnitude. Memory: 2 MB of counters, the entries, and the candidates of one bin. */
export async function largestEntries(scan: ResidualScan, count: number): Promise<SparseEntries> {
  const histogram = new Uint32Array(BINS)
  await scan((_, values) => {
    const bits = bitsOf(values)
    for (let i = 0; i < bits.length; i++) histogram[binOf(bits[i]!)]!++
  })
  const { bin: edge, above } = edgeBin(histogram, count)

  const sure: Entry[] = []
  const atEdge: Entry[] = []
  await scan((start, values) => {
    const bits = bitsOf(values)
    for (let i = 0; i < bits.length; i++) {
      const bin = binOf(bits[i]!)
      if (bin > edge) sure.push({ index: start + i, value: values[i]! })
      else if (bin === edge) atEdge.push({ index: start + i, value: values[i]! })
    }
  })
  atEdge.sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.index - b.index)
  const chosen = [...sure, ...atEdge.slice(0, count - above)].sort((a, b) => a.index - b.index)
  return {
    index: BigInt64Array.from(chosen, (entry) => BigInt(entry.index)),
    value: Float32Array.from(chosen, (entry) => entry.value),
  }
}

interface Entry {
  readonly index: number
  readonly value: number
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

function binOf(bits: number): number {
  return (bits & 0x7fffffff) >>> BIN_SHIFT
}

/** The highest bin at which `count` is reached from above, and how many entries lie in the bins over it. */
function edgeBin(histogram: Uint32Array, count: number): { bin: number; above: number } {
  let above = 0
  for (let bin = BINS - 1; bin > 0; bin--) {
    if (above + histogram[bin]! >= count) return { bin, above }
    above += histogram[bin]!
  }
  return { bin: 0, above }
}
