/** What a sketch's bits depend on, as the key it is kept under: the weights, the parameters of the factorization, the arithmetic class. */
import type { KernelInfo } from '../kernels/kernels.ts'
import type { FittedParams } from '../params.ts'

export function sketchKey(source: string, name: string, fitted: FittedParams, { arithmetic }: KernelInfo): string {
  const { method, exactRoute, rank, seed, algorithm, oversample, nIter, tolerance } = fitted
  const how =
    method === 'exact' ? { method, exactRoute, rank } : { method, rank, seed, algorithm, oversample, nIter, tolerance }
  return JSON.stringify([source, name, how, arithmetic])
}
