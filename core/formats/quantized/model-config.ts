/** What a model's `config.json`, beside its weights, says about how they are stored. It may be missing, or anything. */
import { AppError } from '../../errors.ts'
import type { SourceFolder } from '../../io.ts'
import { readRange } from '../reading/range.ts'
import { type Json, type JsonLimits, visitStrictJson } from '../reading/strict-json.ts'

/** Honest ones have a few KB; those of many labels 2 MB. */
export const maxConfigBytes = 8_000_000
const limits: JsonLimits = { maxDepth: 32, maxArrayLength: 1_000_000, maxKeys: 1_000_000 }

/**
 * The block of an F8 model's scales: `quantization_config.weight_block_size` (DeepSeek, transformers), or the `block_structure` of
 * compressed-tensors. null where none is declared.
 */
export async function declaredBlock(folder: SourceFolder): Promise<readonly number[] | null> {
  try {
    const source = await folder.open('config.json')
    try {
      if (source.byteLength > maxConfigBytes) return null
      let found: readonly number[] | null = null
      visitStrictJson(await readRange(source, 0, source.byteLength, 'config'), source.name, limits, (key, value) => {
        if (key === 'quantization_config' || key === 'compression_config') found = blockIn(value, 4)
      })
      return found
    } finally {
      await source.close()
    }
  } catch (error) {
    // Missing or no JSON: nothing is declared.
    if (error instanceof AppError) return null
    throw error
  }
}

function blockIn(value: Json, depth: number): readonly number[] | null {
  if (!(value instanceof Map) || depth === 0) return null
  for (const key of ['weight_block_size', 'block_structure']) {
    const block = value.get(key)
    if (
      Array.isArray(block) &&
      block.length === 2 &&
      block.every((size) => Number.isInteger(size) && (size as number) > 0)
    )
      return block as number[]
  }
  for (const each of value.values()) {
    const inner = blockIn(each, depth - 1)
    if (inner) return inner
  }
  return null
}
