/**
 * Another container for the same values: every tensor of a file into one safetensors file, or one tensor into an .npy file. Dtypes and
 * bytes stay as they are; what was opened from a pickle becomes a file that cannot carry code.
 */

import type { ConversionReport, JobOf } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { npyHeader } from '../formats/numpy/npy.ts'
import type { JobContext } from '../matrix/context.ts'
import { noTensor } from '../matrix/factorizable.ts'
import { READ_BYTES } from '../matrix/load.ts'
import { say } from '../messages/english.ts'
import { fileName } from '../messages/text.ts'
import { alignedOrder, alignmentOf } from '../plan/entries.ts'
import type { TensorInfo } from '../tensor.ts'
import { copyValues } from '../write/compress-tensor.ts'
import { type CompressionTarget, refuseToReplace, whileHolding } from '../write/compression.ts'
import { createSafetensors } from '../write/encodings/safetensors-output.ts'
import { writeChecked } from '../write/encodings/weights-output.ts'
import { CHECKSUMS } from '../write/metadata.ts'
import type { FilesOf } from './files.ts'

/** @throws AppError `bad-request`, `unsupported`, `would-overwrite`, `cannot-write`, `bad-file`, `source-changed`, `cancelled` */
export async function convertFile(
  { model: file, target }: FilesOf<'convert'>,
  job: JobOf<'convert'>,
  context: JobContext,
): Promise<ConversionReport> {
  const extension = target.name.split('.').at(-1)?.toLowerCase()
  if (extension !== 'safetensors' && extension !== 'npy') {
    throw new AppError('bad-request', say('convert.name', { name: fileName(target.name) }))
  }
  await refuseToReplace(target, job.force)
  const tensors = job.tensor === null ? file.tensors : [tensorNamed(file, job.tensor)]
  const bytesAfter = await whileHolding(target, () =>
    extension === 'npy'
      ? writeNpy(file, onlyOne(tensors), target, context)
      : writeSafetensors(file, tensors, target, context),
  )
  return { output: target.name, tensors: tensors.length, bytesBefore: file.totalBytes, bytesAfter, verified: true }
}

function tensorNamed(file: WeightFile, name: string): TensorInfo {
  const tensor = file.tensors.find((each) => each.name === name)
  if (!tensor) throw new AppError('bad-request', noTensor(file, name))
  return tensor
}

function onlyOne(tensors: readonly TensorInfo[]): TensorInfo {
  const [first, second] = tensors
  if (!first || second) {
    throw new AppError('bad-request', say('convert.one-tensor', { count: tensors.length }))
  }
  return first
}

async function writeSafetensors(
  file: WeightFile,
  tensors: readonly TensorInfo[],
  { folder, name }: CompressionTarget,
  context: JobContext,
): Promise<number> {
  const placed = tensors.map((tensor, place) => ({ tensor, place, alignment: alignmentOf([tensor]) }))
  const ordered = alignedOrder(placed).map(({ tensor }) => tensor)
  // What says of another file how its bytes stand is not true of this one.
  const metadata = new Map([...file.metadata].filter(([key]) => key !== CHECKSUMS))
  const output = await createSafetensors(folder, name, ordered, metadata, context.crc32)
  const total = ordered.reduce((sum, tensor) => sum + tensor.byteLength, 0)
  let done = 0
  try {
    for (const tensor of ordered) {
      context.report({ type: 'progress', phase: 'convert', tensor: tensor.name, done, total })
      await copyValues(file, tensor, output, context)
      done += tensor.byteLength
    }
    await output.complete(metadata)
    return await output.close()
  } catch (error) {
    await output.abort()
    throw error
  }
}

async function writeNpy(
  file: WeightFile,
  tensor: TensorInfo,
  { folder, name }: CompressionTarget,
  context: JobContext,
): Promise<number> {
  const header = npyHeader(tensor.dtype, tensor.shape)
  const sink = await folder.create(name, header.byteLength + tensor.byteLength)
  try {
    await writeChecked(sink, header)
    for (let start = 0; start < tensor.byteLength; start += READ_BYTES) {
      context.checkCancelled()
      context.report({ type: 'progress', phase: 'convert', tensor: tensor.name, done: start, total: tensor.byteLength })
      await writeChecked(sink, await file.read(tensor, start, Math.min(tensor.byteLength, start + READ_BYTES)))
    }
    await sink.close()
    return header.byteLength + tensor.byteLength
  } catch (error) {
    await sink.abort()
    throw error
  }
}
