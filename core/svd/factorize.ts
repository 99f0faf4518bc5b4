/** The door of this room: an operand and its parameters in, a Factorization in the units of the stored weights out. */
import { deviceName } from '../kernels/gpu/adapter.ts'
import { DeviceFault } from '../kernels/gpu/fault.ts'
import type { GaussianKey, Kernels } from '../kernels/kernels.ts'
import { applySignRule } from '../kernels/sign-rule.ts'
import type { FittedParams } from '../params.ts'
import { type ExactSvd, exactSvd, exactValues } from './exact.ts'
import { exactSvdByJacobi } from './exact-jacobi.ts'
import type { Factorization } from './factorization.ts'
import { type Observer, stopwatch } from './observer.ts'
import { deviceOf } from './on-device.ts'
import type { Operand } from './operand.ts'
import { randomizedSvd } from './randomized.ts'
import type { Triplets } from './small-svd.ts'

export type { Observer }

export type Factorized = Factorization & {
  /** All min(m, n) singular values, where the method gives them. */
  readonly spectrum?: Float64Array
  /** The device that made the products, with its driver; absent where the kernels did. */
  readonly device?: string
}

/**
 * U, s, Vt of rank `params.rank` by `params.method`. The sign rule holds. The arrays are copies: nothing stays in the kernels' memory.
 * Where a device beside the kernels makes the products and fails, the kernels begin again: a result is of one class of arithmetic.
 * @throws AppError `out-of-memory`, `cancelled`, `engine-died`
 */
export async function factorize(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
  key: GaussianKey,
  observer: Observer,
): Promise<Factorized> {
  const device = await deviceOf(kernels, operand, params)
  if (!device) return factorizeBy(kernels, operand, params, key, observer)
  try {
    const found = await factorizeBy(kernels, operand.by(device.products()), params, key, observer)
    return { ...found, device: deviceName(device.info) }
  } catch (error) {
    if (!(error instanceof DeviceFault)) throw error
    device.leave(error)
    return factorizeBy(kernels, operand, params, key, observer)
  }
}

async function factorizeBy(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
  key: GaussianKey,
  observer: Observer,
): Promise<Factorized> {
  const mark = kernels.mark()
  const watch = stopwatch(observer)
  try {
    if (params.method === 'exact') {
      const solve = params.exactRoute === 'jacobi' ? exactSvdByJacobi : exactSvd
      const exact = await solve(kernels, operand, params.rank, key, observer, watch)
      const found = exact.wide ? wideLift(operand, exact.s, exact.wide) : lift(kernels, operand, exact)
      return { ...found, spectrum: unscaled(exact.spectrum, operand.scale) }
    }
    return lift(kernels, operand, await randomizedSvd(kernels, operand, params, key, observer, watch))
  } finally {
    watch.lap('lift')
    kernels.release(mark)
  }
}

/** All min(m, n) singular values of the stored weights, descending: cheaper than with vectors. */
export async function exactSingularValues(
  kernels: Kernels,
  operand: Operand,
  observer: Observer,
): Promise<Float64Array> {
  return unscaled(await exactValues(kernels, operand, observer, stopwatch(observer)), operand.scale)
}

/** Out of the kernels' memory, with V transposed, prescaling undone and signs fixed. */
export function lift(kernels: Kernels, operand: Operand, { U, s, V }: Triplets): Factorization {
  const { rows, cols, scale } = operand
  const Vt = { rows: s.length, cols, data: kernels.allocateFloat32(s.length * cols) }
  kernels.transpose(V, Vt)
  kernels.fixSigns(U, Vt)
  return { rows, cols, rank: s.length, U: U.data.slice(), s: unscaled(s, scale), Vt: Vt.data.slice() }
}

function wideLift({ rows, cols, scale }: Operand, s: Float64Array, wide: NonNullable<ExactSvd['wide']>): Factorization {
  const factorization = { rows, cols, rank: s.length, s: unscaled(s, scale), ...wide }
  applySignRule(factorization)
  return factorization
}

/** Exact: the scale is a power of two. */
function unscaled(s: Float64Array, scale: number): Float64Array {
  return s.map((value) => value / scale)
}
