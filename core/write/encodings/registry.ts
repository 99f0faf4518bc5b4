/** The containers. */
import type { Style } from '../../styles.ts'
import { agufEncoding } from './aguf-output.ts'
import { ggufEncoding } from './gguf-output.ts'
import { npzEncoding } from './npz-output.ts'
import { safetensorsEncoding } from './safetensors-output.ts'
import type { Encoding } from './weights-output.ts'

const encodings: { readonly [id in Style['encoding']]: Encoding } = {
  safetensors: safetensorsEncoding,
  npz: npzEncoding,
  aguf: agufEncoding,
  gguf: ggufEncoding,
}

export function encodingOf({ encoding }: Pick<Style, 'encoding'>): Encoding {
  return encodings[encoding]
}
