/** What docs/scale-out.md says of 70 billion weights is what `estimate` reckons from the whole runs that were measured. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { safetensorsHeader } from '../../../core/formats/safetensors.ts'
import { runCost } from '../../../core/jobs/estimate.ts'
import { sampleTensors } from '../../../core/jobs/sample.ts'
import { isFactorized, planFile } from '../../../core/plan/plan.ts'
import { type DType, elementCount } from '../../../core/tensor.ts'
import { compressJob } from './harness.ts'

interface Outline {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
}

/** A model of which there is the header alone: no value can be read. */
function headerOnly(tensors: readonly Outline[]): Promise<WeightFile> {
  const header = safetensorsHeader(tensors)
  // Headers are read by pages: the last one has some values in it.
  const head = new Uint8Array(header.byteLength + (1 << 20))
  head.set(header)
  const name = 'model.safetensors'
  const source = {
    name,
    byteLength: header.byteLength + tensors.reduce((sum, { shape }) => sum + 2 * elementCount(shape), 0),
    slice: async (start: number, end: number) => {
      if (end > head.byteLength) throw new Error(`bytes ${start} to ${end} of a model that has none`)
      return head.slice(start, end)
    },
    close: async () => {},
  }
  const folder = { name: 'in', list: async () => [name], open: async () => source, inside: () => folder }
  return openWeightFile({ folder, entry: name })
}

/** Llama 3.1 70B. */
function seventyBillion(): Outline[] {
  const [hidden, keys, wide, vocabulary] = [8192, 1024, 28672, 128256]
  const roles = {
    'self_attn.q_proj': [hidden, hidden],
    'self_attn.k_proj': [keys, hidden],
    'self_attn.v_proj': [keys, hidden],
    'self_attn.o_proj': [hidden, hidden],
    'mlp.gate_proj': [wide, hidden],
    'mlp.up_proj': [wide, hidden],
    'mlp.down_proj': [hidden, wide],
  }
  const matrix = (name: string, shape: readonly number[]): Outline => ({ name, dtype: 'BF16', shape })
  return [
    matrix('model.embed_tokens.weight', [vocabulary, hidden]),
    ...Array.from({ length: 80 }, (_, layer) =>
      Object.entries(roles).map(([role, shape]) => matrix(`model.layers.${layer}.${role}.weight`, shape)),
    ).flat(),
    matrix('lm_head.weight', [vocabulary, hidden]),
  ]
}

const document = readFileSync(new URL('../../../docs/scale-out.md', import.meta.url), 'utf8')
/** | machine | rank | layers x hidden | seconds | hours and minutes | */
const rows = [
  ...document.matchAll(/^\|[^|]+\| (\d+) \| (\d+) x (\d+) \| ([\d.]+) s \| (?:(\d+) h )?(\d+) min \|/gm),
].map(([, rank, layers, hidden, seconds, hours = '0', minutes]) => ({
  rank: Number(rank),
  sample: { layers: Number(layers), hidden: Number(hidden) },
  seconds: Number(seconds),
  minutes: 60 * Number(hours) + Number(minutes),
}))

it('estimates the hours of the document from its measured seconds', async () => {
  const large = await headerOnly(seventyBillion())
  expect(large.totalBytes / 2).toBeGreaterThan(70e9)
  expect(new Set(rows.map(({ rank }) => rank))).toEqual(new Set([32, 128, 512]))
  for (const { rank, sample, seconds, minutes } of rows) {
    const job = compressJob({ rank })
    const costOf = ({ tensors }: Pick<WeightFile, 'tensors'>) =>
      planFile({ tensors }, job.params, job)
        .filter(isFactorized)
        .reduce((sum, plan) => sum + runCost(plan, {}), 0)
    const small = await headerOnly(sampleTensors(sample).map((each): Outline => ({ ...each, dtype: 'BF16' })))
    const estimated = (seconds * costOf(large)) / costOf(small) / 60
    // What is said is rounded to a minute.
    expect(Math.abs(estimated - minutes), `rank ${rank}: ${estimated} min`).toBeLessThan(1)
  }
})
