/** What a sketch's bits depend on, as the key it is kept under: the weights, the parameters of the factorization, the arithmetic class. */
import { errorToReach, type FittedParams, sketchKeys } from '../params.ts'

/** Raised whenever what is kept beside a sketch changes its shape, or a sketch its bits: of F64 sources and of rank-deficient matrices by block Krylov with 3. */
const VERSION = 3

export function sketchKey(sourceHash: string, name: string, fitted: FittedParams, arithmetic: string): string {
  const keys = [...sketchKeys, 'rank' as const].sort()
  return JSON.stringify([
    VERSION,
    sourceHash,
    name,
    keys.map((key) => [key, fitted[key]]),
    arithmetic,
    errorToReach(fitted),
  ])
}
