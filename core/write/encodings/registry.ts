/** The containers. */
import type { Style } from '../../styles.ts'
import { agufEncoding } from './aguf-output.ts'
import { ggufEncoding } from './gguf-output.ts'
import { npzEncoding } from './npz-output.ts'
import { onnxEncoding } from './onnx-output.ts'
import { safetensorsEncoding } from './safetensors-output.ts'
import type { Encoding, SourceFile } from './weights-output.ts'

const encodings: { readonly [id in Style['encoding']]: (file: SourceFile | null) => Encoding } = {
  safetensors: () => safetensorsEncoding,
  npz: () => npzEncoding,
  aguf: () => agufEncoding,
  gguf: () => ggufEncoding,
  onnx: onnxEncoding,
}

/** @param file whose graph a graph is written from; nothing else asks for it */
export function encodingOf({ encoding }: Pick<Style, 'encoding'>, file: SourceFile | null): Encoding {
  return encodings[encoding](file)
}
