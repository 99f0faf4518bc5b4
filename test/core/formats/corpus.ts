/** Files in memory, and what every reader's tests ask of them. */
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { memoryFolder } from '../memory-folder.ts'

export function openBytes(
  name: string,
  bytes: Uint8Array,
  siblings: Record<string, Uint8Array> = {},
): Promise<WeightFile> {
  const folder = memoryFolder('folder', new Map([[name, bytes], ...Object.entries(siblings)]))
  return openWeightFile({ folder, entry: name })
}

export function openFolder(files: Record<string, Uint8Array>, entry: string | null = null): Promise<WeightFile> {
  return openWeightFile({ folder: memoryFolder('folder', new Map(Object.entries(files))), entry })
}

/** The AppError of opening, and if that succeeds of reading every tensor: one sentence, or the test fails. */
export async function refusal(open: () => Promise<WeightFile>): Promise<AppError> {
  try {
    const file = await open()
    for (const tensor of file.tensors) {
      const bytes = await file.read(tensor)
      if (bytes.byteLength !== tensor.byteLength) throw new Error(`${tensor.name}: ${bytes.byteLength} bytes read`)
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.message.includes('\n')) throw new Error(`more than one line: ${error.message}`)
    if (error.message.length > 500) throw new Error(`no sentence: ${error.message}`)
    return error
  }
  throw new Error('it was accepted')
}

export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true)
  return bytes
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A safetensors file with this header text, whatever it says, and `dataBytes` bytes 0 1 2 ... after it. */
export function safetensorsFile(header: string | Uint8Array, dataBytes: number, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? text(header) : header
  return concat(
    u64(length ?? BigInt(json.byteLength)),
    json,
    Uint8Array.from({ length: dataBytes }, (_, i) => i),
  )
}

export function entry(dtype: string, shape: readonly number[], begin: number, end: number): string {
  return `{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`
}
