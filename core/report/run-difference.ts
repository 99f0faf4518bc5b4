/** Two runs beside each other: what they come to, and where they differ most, tensor by tensor. */
import type { CompressionReport, TensorOutcome } from '../contract.ts'

interface TensorDifference {
  readonly name: string
  /** Relative errors, 0 where it was kept; null where a run has no such tensor. */
  readonly a: number | null
  readonly b: number | null
  /** Differences below this are rounding. */
  readonly resolution: number
}

interface WorstError {
  readonly error: number
  readonly resolution: number
}

export interface RunDifference {
  /** a - b. */
  readonly bytes: number
  /** Model errors in the norm that both runs have: of weights, where they were weighed by different statistics. */
  readonly errors: { readonly a: number; readonly b: number }
  /** 0 where it is no more than rounding. */
  readonly error: number
  readonly elapsedMs: number
  readonly compressed: { readonly a: number; readonly b: number }
  readonly worst: { readonly a: WorstError; readonly b: WorstError }
  /** Those that differ by more than rounding, the largest difference of errors first. */
  readonly tensors: readonly TensorDifference[]
}

type Named = ReadonlyMap<string, TensorOutcome>

const compressedIn = ({ tensors }: CompressionReport) => tensors.filter(({ action }) => action === 'factorized')

export function runDifference(a: CompressionReport, b: CompressionReport): RunDifference {
  const sameNorm = a.statistics?.hash === b.statistics?.hash
  const inNorm = ({ relativeError, weightError }: Pick<TensorOutcome, 'relativeError' | 'weightError'>) =>
    sameNorm ? relativeError : (weightError ?? relativeError)
  const errorOf = (outcome: TensorOutcome) => (outcome.action === 'kept' ? 0 : inNorm(outcome))
  const worstOf = (outcomes: readonly TensorOutcome[]) =>
    outcomes.reduce<WorstError>(
      (most, outcome) => {
        const error = inNorm(outcome) ?? 0
        return error > most.error ? { error, resolution: outcome.resolution ?? 0 } : most
      },
      { error: 0, resolution: 0 },
    )
  const modelError = ({ relativeError, statistics }: CompressionReport) =>
    sameNorm ? relativeError : (statistics?.weightError ?? relativeError)
  const errors = { a: modelError(a), b: modelError(b) }
  const named = ({ tensors: of }: CompressionReport): Named => new Map(of.map((tensor) => [tensor.name, tensor]))
  const [inA, inB] = [named(a), named(b)]
  const errorIn = (run: Named, name: string) => {
    const outcome = run.get(name)
    return outcome ? errorOf(outcome) : null
  }
  const names = new Set([...inA.keys(), ...inB.keys()])
  const tensors = [...names]
    .map((name) => ({
      name,
      a: errorIn(inA, name),
      b: errorIn(inB, name),
      resolution: Math.max(inA.get(name)?.resolution ?? 0, inB.get(name)?.resolution ?? 0),
    }))
    .filter((one) => (one.a === null) !== (one.b === null) || gap(one) > one.resolution)
    .sort((one, other) => gap(other) - gap(one))
  return {
    bytes: a.bytesAfter - b.bytesAfter,
    errors,
    error: beyond(errors.a - errors.b, Math.max(a.resolution ?? 0, b.resolution ?? 0)),
    elapsedMs: a.elapsedMs - b.elapsedMs,
    compressed: { a: compressedIn(a).length, b: compressedIn(b).length },
    worst: { a: worstOf(compressedIn(a)), b: worstOf(compressedIn(b)) },
    tensors,
  }
}

const beyond = (difference: number, resolution: number) => (Math.abs(difference) <= resolution ? 0 : difference)
const gap = ({ a, b }: TensorDifference) => Math.abs((a ?? 0) - (b ?? 0))
