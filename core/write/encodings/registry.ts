/** The containers. */
import type { WeightFile } from '../../formats/format.ts'
import type { Style } from '../../styles.ts'
import { agufEncoding } from './aguf-output.ts'
import { ggufEncoding } from './gguf-output.ts'
import { npzEncoding } from './npz-output.ts'
import { onnxEncoding } from './onnx-output.ts'
import { safetensorsEncoding } from './safetensors-output.ts'
import type { Encoding } from './weights-output.ts'

const encodings: { readonly [id in Exclude<Style['encoding'], 'onnx'>]: Encoding } = {
  safetensors: safetensorsEncoding,
  npz: npzEncoding,
  aguf: agufEncoding,
  gguf: ggufEncoding,
}

/** @param file whose graph a graph is written from; nothing else asks for it */
export function encodingOf(
  { encoding }: Pick<Style, 'encoding'>,
  file: Pick<WeightFile, 'read' | 'graph'> | null,
): Encoding {
  if (encoding !== 'onnx') return encodings[encoding]
  if (!file?.graph) throw new Error('A graph is written from a graph')
  return onnxEncoding({ read: file.read, graph: file.graph })
}
