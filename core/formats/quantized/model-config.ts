/** What a model's `config.json`, beside its weights, says about how they are stored. It may be missing, or anything. */
import { AppError } from '../../errors.ts'
import type { SourceFolder } from '../../io.ts'
import { readRange } from '../reading/range.ts'
import { type Json, type JsonLimits, visitStrictJson } from '../reading/strict-json.ts'

/** Honest ones have a few KB; those of many labels 2 MB. */
const maxConfigBytes = 8_000_000
const limits: JsonLimits = {
  maxDepth: 32,
  maxArrayLength: 1_000_000,
  maxElements: 1_000_000,
  maxKeys: 300_000,
  maxTextBytes: maxConfigBytes,
}

/**
 * The block of an F8 model's scales: `quantization_config.weight_block_size` (DeepSeek, transformers), or the `block_structure` of
 * compressed-tensors. null where none is declared.
 */
export async function declaredBlock(folder: SourceFolder): Promise<readonly number[] | null> {
  let found: readonly number[] | null = null
  await visitConfig(folder, (key, value) => {
    if (key === 'quantization_config' || key === 'compression_config') found = blockIn(value, 4)
  })
  return found
}

/** Experts of a model that stacks them in two axes: `ffn_config.moe_num_experts` (DBRX). null where none are declared. */
export async function declaredExperts(folder: SourceFolder): Promise<number | null> {
  let found: number | null = null
  await visitConfig(folder, (key, value) => {
    if (key !== 'ffn_config' || !(value instanceof Map)) return
    const count = value.get('moe_num_experts')
    if (Number.isSafeInteger(count) && (count as number) > 1) found = count as number
  })
  return found
}

async function visitConfig(folder: SourceFolder, visit: (key: string, value: Json) => void): Promise<void> {
  try {
    const source = await folder.open('config.json')
    try {
      if (source.byteLength > maxConfigBytes) return
      visitStrictJson(await readRange(source, 0, source.byteLength, 'config'), source.name, limits, visit)
    } finally {
      await source.close()
    }
  } catch (error) {
    // Missing or no JSON: nothing is declared.
    if (!(error instanceof AppError)) throw error
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
