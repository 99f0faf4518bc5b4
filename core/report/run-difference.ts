/** Two runs beside each other: what they come to, and where they differ most, tensor by tensor. */
import type { CompressionReport, TensorOutcome } from '../contract.ts'

interface TensorDifference {
  readonly name: string
  /** Relative errors, 0 where it was kept; null where a run has no such tensor. */
  readonly a: number | null
  readonly b: number | null
}

export interface RunDifference {
  /** a - b. */
  readonly bytes: number
  /** 0 where it is no more than rounding. */
  readonly error: number
  readonly elapsedMs: number
  readonly compressed: { readonly a: number; readonly b: number }
  readonly worst: { readonly a: number; readonly b: number }
  /** Those that differ, the largest difference of errors first. */
  readonly tensors: readonly TensorDifference[]
}

const compressedIn = ({ tensors }: CompressionReport) => tensors.filter(({ action }) => action === 'factorized')
const errorOf = ({ action, relativeError }: TensorOutcome) => (action === 'kept' ? 0 : relativeError)
const worstOf = (outcomes: readonly TensorOutcome[]) =>
  outcomes.reduce((most, { relativeError }) => Math.max(most, relativeError ?? 0), 0)

export function runDifference(a: CompressionReport, b: CompressionReport): RunDifference {
  const inB = new Map(b.tensors.map((tensor) => [tensor.name, errorOf(tensor)]))
  const inA = new Map(a.tensors.map((tensor) => [tensor.name, errorOf(tensor)]))
  const names = new Set([...inA.keys(), ...inB.keys()])
  const tensors = [...names]
    .map((name) => ({ name, a: inA.get(name) ?? null, b: inB.get(name) ?? null }))
    .filter((one) => one.a !== one.b)
    .sort((one, other) => gap(other) - gap(one))
  return {
    bytes: a.bytesAfter - b.bytesAfter,
    error: beyond(a.relativeError - b.relativeError, Math.max(a.resolution ?? 0, b.resolution ?? 0)),
    elapsedMs: a.elapsedMs - b.elapsedMs,
    compressed: { a: compressedIn(a).length, b: compressedIn(b).length },
    worst: { a: worstOf(compressedIn(a)), b: worstOf(compressedIn(b)) },
    tensors,
  }
}

const beyond = (difference: number, resolution: number) => (Math.abs(difference) <= resolution ? 0 : difference)
const gap = ({ a, b }: TensorDifference) => Math.abs((a ?? 0) - (b ?? 0))
