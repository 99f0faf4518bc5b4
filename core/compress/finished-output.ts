/** An output that an earlier run of the same recipe on the same source has finished: its report, from its header alone. */
import type { TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { openWeightFile } from '../formats/registry.ts'
import type { SafetensorsOutline } from '../formats/safetensors.ts'
import { tensorBytes } from '../formats/safetensors.ts'
import { bytesInFile } from '../tensor.ts'
import type { Compression } from './compress-tensor.ts'
import type { CompressionTarget } from './weights-file.ts'

export interface FinishedOutput {
  readonly files: number
  readonly bytesAfter: number
  readonly relativeError: number
  readonly outcomes: TensorOutcome[]
}

/** null where the file is another one. */
export async function finishedOutput(
  { file, recipe, source }: Compression,
  { folder, name }: CompressionTarget,
): Promise<FinishedOutput | null> {
  const output = await openOrNull({ folder, name })
  if (!output) return null
  try {
    const { metadata } = output
    if (metadata.get('ghostsvd.recipe') !== recipe || metadata.get('ghostsvd.source') !== source) return null
    const errors = JSON.parse(metadata.get('ghostsvd.errors') ?? '{}') as Record<string, string>
    const outcomes = file.tensors.map((info): TensorOutcome => {
      const entries = entriesOf(output, info.name)
      const written = entries.reduce((sum, entry) => sum + tensorBytes(entry.dtype, entry.shape), 0)
      const error = errors[info.name]
      const bytes = { bytesBefore: bytesInFile(info), bytesAfter: written }
      if (error === undefined) {
        return {
          name: info.name,
          action: 'kept',
          reason: entries.length > 0 ? 'Kept by the finished run.' : 'Not written by the finished run.',
          rank: null,
          relativeError: 0,
          ...bytes,
        }
      }
      const reason = 'Factorized by the finished run.'
      return {
        name: info.name,
        action: 'factorized',
        reason,
        rank: rankOf(entries),
        relativeError: Number(error),
        ...bytes,
      }
    })
    return { files: 1, bytesAfter: output.totalBytes, relativeError: Number(metadata.get('ghostsvd.error')), outcomes }
  } finally {
    await output.close()
  }
}

async function openOrNull({ folder, name }: CompressionTarget): Promise<WeightFile | null> {
  try {
    return await openWeightFile({ folder, entry: name })
  } catch (error) {
    if (error instanceof AppError && error.code !== 'cancelled') return null
    throw error
  }
}

const SUFFIXES = [
  '',
  '.lowrank_A',
  '.lowrank_B',
  '.lowrank_A_scale',
  '.lowrank_B_scale',
  '.U',
  '.S',
  '.Vt',
  '.sparse_index',
  '.sparse_value',
]

function entriesOf(output: WeightFile, name: string): SafetensorsOutline[] {
  const names = new Set(SUFFIXES.map((suffix) => `${name}${suffix}`))
  return output.tensors.filter((tensor) => names.has(tensor.name))
}

/** The dimension that both factors share; null for a dense copy, which does not show it. */
function rankOf(entries: readonly SafetensorsOutline[]): number | null {
  const right = entries.find(({ name }) => name.endsWith('.lowrank_A') || name.endsWith('.Vt'))
  return right?.shape.at(-2) ?? null
}
