/** Whatever reads files that others have written: every format of weights, and what else is brought along with a model. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adapterModel } from '../../../core/adapters/difference-model.ts'
import { parseRecipe, recipeText } from '../../../core/contract.ts'
import { decodeText } from '../../../core/decode-text.ts'
import { defaultParams } from '../../../core/params.ts'
import { decodeSketch, encodeSketch } from '../../../core/sketch-cache/codec.ts'
import { readStatistics } from '../../../core/statistics/entries.ts'
import { openFolder } from '../../core/formats/corpus.ts'
import { contents, orRefused } from '../../core/formats/damage.ts'
import { type Seed, seeds } from '../../core/formats/seeds.ts'
import { fileBytes, plain, weights } from '../../core/jobs/harness.ts'

export interface Reader {
  /** Honest files to begin with. */
  readonly seeds: readonly Seed[]
  /** Reads all of it. Whether it was taken: else it was refused in a sentence. @throws whatever a reader owes to nobody */
  read(files: Record<string, Uint8Array>, name: string): Promise<boolean>
}

const formats = Object.entries(seeds).map(([format, each]): readonly [string, Reader] => [
  format,
  {
    seeds: each,
    read: async (files, name) => (await contents(() => openFolder(files, name), files[name]!.byteLength)) !== null,
  },
])

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const alone = (name: string, bytes: Uint8Array): Seed => ({ name, files: { [name]: bytes } })

const statistics = join(import.meta.dirname, '../../fixtures/statistics')
const loaded = (path: string) => new Uint8Array(readFileSync(join(statistics, path)))
const hessians = Object.fromEntries(readdirSync(join(statistics, 'hessians')).map((n) => [n, loaded(`hessians/${n}`)]))
/** Moments of more inputs are larger than any damaged fixture has values for. */
const widest = 256

const alpha = (value: number) => new Uint8Array(Float32Array.of(value).buffer)
const unet = 'lora_unet_down_blocks_0_attentions_0_proj_in'
const kohya = fileBytes([
  ...[weights(`${unet}.lora_down.weight`, [4, 12]), weights(`${unet}.lora_up.weight`, [10, 4])],
  plain(`${unet}.alpha`, 'F32', [], alpha(2)),
  ...['w1_a', 'w2_a'].map((part) => weights(`lora_unet_mid_block_attentions_0_proj_in.hada_${part}`, [10, 3])),
  ...['w1_b', 'w2_b'].map((part) => weights(`lora_unet_mid_block_attentions_0_proj_in.hada_${part}`, [3, 12])),
  weights('lora_unet_mid_block_attentions_0_proj_out.lokr_w1', [2, 3]),
  weights('lora_unet_mid_block_attentions_0_proj_out.lokr_w2', [5, 4]),
])
const layer = 'base_model.model.model.layers.0.self_attn.q_proj'
const peft = {
  'adapter_model.safetensors': fileBytes([
    ...[weights(`${layer}.lora_A.weight`, [4, 12]), weights(`${layer}.lora_B.weight`, [10, 4])],
    plain(`${layer}.lora_magnitude_vector.weight`, 'F32', [10], new Uint8Array(40)),
  ]),
  'adapter_config.json': text({
    ...{ peft_type: 'LORA', r: 4, lora_alpha: 8, use_rslora: true, target_modules: ['q_proj'] },
    ...{ alpha_pattern: { 'model.layers.0.self_attn.q_proj': 3, '^q_proj': 5 }, rank_pattern: { q_proj: 4 } },
  }),
}

const recipe = recipeText({
  ...{ output: 'factors', params: { ...defaultParams, rank: 8, goalSize: 0.5 }, statistics: 'a'.repeat(64) },
  ...{ include: ['model.*', '{a,b}?'], exclude: ['lm_head'], pins: [{ match: 'a.*', rank: 3 }] },
})
const sketch = encodeSketch({
  factorization: {
    ...{ rows: 6, cols: 5, rank: 2, U: new Float32Array(12).fill(1) },
    ...{ s: Float64Array.of(2, 1), Vt: new Float32Array(10).fill(1) },
  },
  facts: { spectrum: [2, 1] },
})

export const readers: Readonly<Record<string, Reader>> = {
  ...Object.fromEntries(formats),
  statistics: {
    seeds: [
      ...['imatrix.gguf', 'imatrix.dat', 'sums.safetensors', 'corda.pt', 'profile.pt'].map((name) =>
        alone(name, loaded(name)),
      ),
      { name: '0_qkv.pt', files: hessians },
    ],
    read: async (files, name) => {
      const found = await orRefused(async () => {
        const file = await openFolder(files, name)
        const known = readStatistics(file)
        for (const entry of known?.entries ?? []) {
          const width = entry.width ?? entry.length
          if (width > widest || (await entry.samples(0)) === 0) continue
          await entry.load(0, width)
        }
        return known
      })
      return found !== null
    },
  },
  adapter: {
    seeds: [alone('kohya.safetensors', kohya), ...Object.keys(peft).map((name) => ({ name, files: peft }))],
    read: async (files, name) => {
      const opened = name.endsWith('.json') ? 'adapter_model.safetensors' : name
      const values = await contents(async () => adapterModel(await openFolder(files, opened), null), 1e9)
      return values !== null
    },
  },
  recipe: {
    seeds: [alone('recipe.json', new TextEncoder().encode(recipe))],
    read: async (files, name) => (await orRefused(async () => parseRecipe(decodeText(files[name]!), name))) !== null,
  },
  sketch: {
    seeds: [alone('sketch', sketch)],
    read: async (files, name) => (await decodeSketch(files[name]!)) !== null,
  },
}
