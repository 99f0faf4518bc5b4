/** Two models run on the same inputs, and a model whose inputs of layers were summed: reports. */

interface Spread {
  readonly median: number
  /** Of the middle half. */
  readonly low: number
  readonly high: number
}

interface RanModel {
  readonly name: string
  /** Of the file. */
  readonly byteLength: number
  /** Milliseconds of one run. */
  readonly latencyMs: Spread
  /** Most memory that its process has had. */
  readonly peakBytes: number
}

export interface OutputDifference {
  readonly name: string
  /** Of the first sample. */
  readonly dims: readonly number[]
  /** ||original - compressed|| / ||original|| over all samples; null where the original is zero everywhere. */
  readonly relativeError: number | null
  /** Of the sample in which it is largest. */
  readonly largestError: number | null
  /** Cosine of the angle between them, over all samples; null where one of them is zero. */
  readonly cosine: number | null
  /** null for an output that has no axis of classes. */
  readonly classes: ClassAgreement | null
}

/** Rows along the last axis, how many have the same largest entry, and how many have the original's among the five largest. */
export interface ClassAgreement {
  readonly rows: number
  readonly sameFirst: number
  readonly firstAmongFive: number
}

export interface TryReport {
  readonly original: RanModel
  readonly compressed: RanModel
  /** Latency of the compressed model over that of the original, run by run. */
  readonly latencyRatio: Spread
  readonly inputs: 'drawn' | 'given'
  readonly samples: number
  /** Runs of each model, all samples together. */
  readonly runs: number
  readonly threads: number
  readonly outputs: readonly OutputDifference[]
}

export interface CalibrationReport {
  readonly output: string
  readonly inputs: 'drawn' | 'given'
  readonly samples: number
  /** Weights with statistics, and those whose inputs cannot be seen. */
  readonly covered: number
  readonly uncovered: readonly string[]
  /** Vectors of the tensor that has fewest. */
  readonly fewestVectors: number
  readonly byteLength: number
  readonly elapsedMs: number
}
