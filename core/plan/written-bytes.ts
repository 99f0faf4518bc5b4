/** What an output holds in bytes: in the dtypes of its container, which are wider than the source's where that has no name for them (BF16 in NPZ). */
import { type Style, writtenDType } from '../styles.ts'
import { type DType, tensorBytes } from '../tensor.ts'
import { type FactorDType, factorBytes, type StoredAs } from './factor-dtype.ts'
import type { Storable } from './verdict.ts'

type Container = Pick<Style, 'encoding'>

/** As the container holds what is stored so. */
export function heldIn(style: Container, stored: StoredAs): StoredAs {
  const { dtype } = stored
  return dtype === 'INT8' ? stored : { ...stored, dtype: writtenDType(style, dtype) as FactorDType }
}

/** Of the factors at a rank, of all matrices of the tensor, with all that is stored beside them. */
export function factorBytesIn(
  style: Container,
  { view, stored }: Pick<Storable, 'view' | 'stored'>,
  rank: number,
): number {
  return factorBytes(view, Math.min(rank, view.rows, view.cols), heldIn(style, stored))
}

/** Of a tensor that is copied. @param byteLength of its values as they are read */
export function keptBytesIn(
  style: Container,
  {
    dtype,
    shape,
    byteLength,
  }: { readonly dtype: DType; readonly shape: readonly number[]; readonly byteLength: number },
): number {
  const held = writtenDType(style, dtype)
  return held === dtype ? byteLength : tensorBytes(held, shape)
}
