/**
 * A sketch as bytes for the cold tier: a safetensors file of U, s and Vt with the facts in its metadata. Whether
 * the bytes are those that were written is the store's business; those of another version do not decode, which is a miss, not an error.
 */

import { AppError } from '../errors.ts'
import { decodeFloat32, decodeFloat64, encode } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { badFile } from '../formats/reading/refusal.ts'
import { safetensors, safetensorsHeader } from '../formats/safetensors.ts'
import { memorySource, pickedAlone } from '../io.ts'
import { withEnglish } from '../messages/english.ts'
import type { Factorization } from '../svd/factorization.ts'

/** A factorization and what is known of it, such as its report: JSON-safe. */
export interface Sketch {
  readonly factorization: Factorization
  readonly facts: unknown
}

export function encodeSketch({ factorization: f, facts }: Sketch): Uint8Array {
  const dtype = f.U instanceof Float64Array ? 'F64' : 'F32'
  const header = safetensorsHeader(
    [
      { name: 'U', dtype, shape: [f.rows, f.rank] },
      { name: 's', dtype: 'F64', shape: [f.rank] },
      { name: 'Vt', dtype, shape: [f.rank, f.cols] },
    ],
    new Map([['facts', JSON.stringify(facts, withEnglish)]]),
  )
  const parts = [header, encode(dtype, f.U).bytes, encode('F64', f.s).bytes, encode(dtype, f.Vt).bytes]
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}

/** null where the bytes are not a whole sketch. */
export async function decodeSketch(bytes: Uint8Array): Promise<Sketch | null> {
  try {
    const source = memorySource('sketch', bytes)
    const file = await safetensors.open(source, pickedAlone(source).folder)
    const [rows, rank] = shapeOf(file, 'U')
    const [, cols] = shapeOf(file, 'Vt')
    const isWide = tensorOf(file, 'U').dtype === 'F64'
    const vectors = (values: Uint8Array) => (isWide ? decodeFloat64('F64', values) : decodeFloat32('F32', values))
    return {
      factorization: {
        rows,
        cols,
        rank,
        U: vectors(await valuesOf(file, 'U')),
        s: decodeFloat64('F64', await valuesOf(file, 's')),
        Vt: vectors(await valuesOf(file, 'Vt')),
      },
      facts: JSON.parse(file.metadata.get('facts') ?? 'null'),
    }
  } catch (error) {
    if (error instanceof AppError || error instanceof SyntaxError) return null
    throw error
  }
}

function tensorOf(file: WeightFile, name: string) {
  const tensor = file.tensors.find((each) => each.name === name)
  if (!tensor) throw badFile('sketch', `a tensor ${name}`, 'none')
  return tensor
}

function shapeOf(file: WeightFile, name: string): [number, number] {
  const [first = 0, second = 0] = tensorOf(file, name).shape
  return [first, second]
}

function valuesOf(file: WeightFile, name: string): Promise<Uint8Array> {
  return file.read(tensorOf(file, name))
}
