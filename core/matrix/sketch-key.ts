/** What a sketch's bits depend on, as the key it is kept under: the weights, the parameters of the factorization, the arithmetic class. */
import type { KernelInfo } from '../kernels/kernels.ts'
import { type FittedParams, type ParamKey, paramEntries } from '../params.ts'

/** Parameters that choose among ranks or say how factors are stored. Whatever else there is, or will be, belongs to the key. */
const notOfTheSketch: ReadonlySet<string> = new Set<ParamKey>([
  'goalSize',
  'goalError',
  'goalEnergy',
  'goalScope',
  'goalWeight',
  'allocation',
  'minRank',
  'maxRank',
  'factorDType',
  'factorLayout',
  'int8Always',
  'sparseDensity',
])

/** Raised whenever what is kept beside a sketch changes its shape. */
const VERSION = 2

export function sketchKey(source: string, name: string, fitted: FittedParams, { arithmetic }: KernelInfo): string {
  const keys = (Object.keys(paramEntries) as ParamKey[]).filter(
    (key) => !('recipe' in paramEntries[key]) && !notOfTheSketch.has(key),
  )
  return JSON.stringify([VERSION, source, name, keys.sort().map((key) => [key, fitted[key]]), arithmetic])
}
