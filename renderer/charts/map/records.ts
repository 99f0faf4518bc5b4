/** Every matrix of the map with what is to be expected of it: rows of the table and of the CSV file. */
import type { TensorReport } from '../../../core/contract.ts'
import type { ModelMap } from '../../../core/model-map.ts'
import type { Outlook } from '../../model/figures/outlook.ts'

export interface MapRecord {
  readonly tensor: TensorReport
  readonly layer: string
  readonly role: string
  readonly outlook: Outlook
}

/** In the order of the grid. */
export function mapRecords(
  { layers, roles }: ModelMap<TensorReport>,
  outlookOf: (tensor: TensorReport) => Outlook,
): MapRecord[] {
  return layers.flatMap(({ label, tensors }) =>
    [...tensors]
      .sort(([a], [b]) => a - b)
      .map(([role, tensor]) => ({ tensor, layer: label, role: roles[role]!.label, outlook: outlookOf(tensor) })),
  )
}

export const csvHeader = [
  'tensor',
  'layer',
  'role',
  'kept',
  'rank',
  'relative_error',
  'weight_error',
  'bytes_before',
  'bytes_after',
]

/** Every number as it is; absent ones are empty. */
export function csvRow({ tensor, layer, role, outlook }: MapRecord): (string | number)[] {
  const { kept, rank, error, weightError, bytesAfter } = outlook
  const errors = [error ?? '', weightError ?? '']
  return [tensor.name, layer, role, kept ? 1 : 0, rank ?? '', ...errors, tensor.byteLength, Math.round(bytesAfter)]
}
