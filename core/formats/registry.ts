/**
 * The list of formats, and the choice among them by content: a name decides only where the bytes cannot. A file that no reader takes gets a
 * sentence that says what it looks like.
 */

import { AppError } from '../errors.ts'
import type { ByteSource, SourceFolder } from '../io.ts'
import { say } from '../messages/english.ts'
import { fileName, foreign } from '../messages/text.ts'
import { endsLikeWeights, weightEndings } from '../weight-formats.ts'
import { aguf } from './aguf.ts'
import { flax } from './flax.ts'
import type { Format, WeightFile } from './format.ts'
import { gguf } from './gguf/gguf.ts'
import { llamafile } from './gguf/llamafile.ts'
import { imatrix } from './imatrix.ts'
import { keras } from './keras/keras.ts'
import { looksLike } from './lookalikes.ts'
import { npy } from './numpy/npy.ts'
import { npz } from './numpy/npz.ts'
import { onnx } from './onnx/onnx.ts'
import { torchDistributed } from './pytorch/distributed.ts'
import { torchExport } from './pytorch/exported.ts'
import { nemo } from './pytorch/nemo.ts'
import { pytorch } from './pytorch/pytorch.ts'
import { headerSource } from './reading/header-source.ts'
import { readRange } from './reading/range.ts'
import { safetensors } from './safetensors.ts'
import { tensorflow } from './tensorflow.ts'

/** In the order in which they are asked. */
export const formats: readonly Format[] = [
  safetensors,
  npy,
  npz,
  gguf,
  aguf,
  keras,
  torchExport,
  torchDistributed,
  nemo,
  pytorch,
  onnx,
  tensorflow,
  flax,
  llamafile,
  imatrix,
]

const headBytes = 4096

/** Opens one file by the format of its bytes. @throws AppError `bad-file` with what it looks like */
export async function openSource(source: ByteSource, folder: SourceFolder): Promise<WeightFile> {
  const head = await readRange(source, 0, Math.min(headBytes, source.byteLength), 'first bytes')
  const format = formats.find((each) => each.sniff(head, source))
  if (format) return openBy(format, source, folder)
  const name = fileName(source.name)
  const look = looksLike(name, head)
  if (look !== null) throw new AppError('bad-file', look, { byteLength: source.byteLength })
  const named = formats.find((each) => endsLikeWeights(source.name, weightEndings[each.id]))
  // Its own reader says best what is wrong with it.
  if (named) return openBy(named, source, folder)
  const first = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  throw new AppError('bad-file', say('lookalike.unknown', { name, first: foreign(first) }))
}

async function openBy(format: Format, source: ByteSource, folder: SourceFolder): Promise<WeightFile> {
  const headers = headerSource(source, format.maxReads)
  const file = await format.open(headers, folder)
  headers.opened()
  return file
}
