/** Which tensors of a file can be factorized, and why not the others. */
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import {
  type ComputableTensor,
  hasComputableDType,
  type Magnitudes,
  type MatrixView,
  matrixView,
  tensorNamed,
} from '../tensor.ts'
import type { JobContext } from './context.ts'
import { hasNonFinite, scanValues } from './scan.ts'

/**
 * The tensor as something to factorize.
 * @throws AppError `bad-request` for a name the file lacks or a tensor that is no matrix, `unsupported` for its dtype or NaN and Inf
 */
export async function factorizable(
  file: WeightFile,
  name: string,
  context: JobContext,
): Promise<{ tensor: ComputableTensor; view: MatrixView; magnitudes?: readonly Magnitudes[] | undefined }> {
  const tensor = tensorNamed(file.tensors, name)
  if (!tensor) {
    throw new AppError('bad-request', noTensor(file, name))
  }
  if (tensor.unfit !== undefined)
    throw new AppError('unsupported', say('tensor.unfit', { name: foreign(name), why: tensor.unfit }))
  const view = matrixView(tensor)
  if (!view) throw new AppError('bad-request', say('tensor.no-matrix', { name: foreign(name), shape: tensor.shape }))
  if (!hasComputableDType(tensor))
    throw new AppError('unsupported', say('tensor.dtype', { name: foreign(name), dtype: foreign(tensor.dtype) }))
  const found = await scanValues(file, tensor, context)
  if (hasNonFinite(found))
    throw new AppError(
      'unsupported',
      say('tensor.non-finite', { name: foreign(name), nan: found.nanCount, inf: found.infCount }),
    )
  return { tensor, view, magnitudes: found.magnitudes }
}

export function noTensor({ tensors }: WeightFile, name: string): Message {
  const some = tensors.slice(0, 3).map((each) => foreign(each.name))
  return say('tensor.unknown', { name: quoted(name), count: tensors.length, some })
}
