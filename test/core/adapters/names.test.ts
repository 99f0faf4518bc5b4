import { describe, expect, it } from 'vitest'
import { familyOfModules, familyOfTensors, namesOf, placeModule, placeTensor } from '../../../core/adapters/names.ts'
import { pattern } from '../../../core/adapters/patterns.ts'
import { type AdapterForm, adapterForms } from '../../../core/styles.ts'
import { checkpoints, familyIds } from './checkpoints.ts'

type Model = keyof typeof checkpoints
const models = Object.keys(checkpoints) as Model[]

/** Modules of an adapter of the whole model. */
function written(model: Model, form: AdapterForm): string[] {
  const family = familyOfTensors(checkpoints[model])!
  const names = checkpoints[model].flatMap((name) => {
    const placed = placeTensor(family, name)
    return placed ? (namesOf(placed, form) ?? []).map((each) => each.name) : []
  })
  return [...new Set(names)]
}

describe('a pattern', () => {
  it('says what another matches, hole by hole', () => {
    const from = pattern('double_blocks.{i}.{img|txt}_attn.proj')
    const to = pattern('transformer_blocks.{i}.attn.{to_out.0|to_add_out}')
    expect(to.fill(from.match('double_blocks.17.txt_attn.proj')!)).toBe('transformer_blocks.17.attn.to_add_out')
    expect(from.match('double_blocks.17.txt_attn.proj.more')).toBeNull()
  })
  it('takes names apart that were written with underscores', () => {
    const from = pattern('blocks.{i}.cross_attn.{k|k_img}', (text) => text.replaceAll('.', '_'))
    expect(from.match('blocks_3_cross_attn_k_img')).toEqual(['3', 1])
    expect(from.match('blocks_3_cross_attn_k')).toEqual(['3', 0])
  })
})

describe('the table of names', () => {
  it.each(models)('knows the family of %s and every matrix of it', (model) => {
    const family = familyOfTensors(checkpoints[model])!
    expect(family.id).toBe(familyIds[model])
    expect(checkpoints[model].filter((name) => !placeTensor(family, name))).toEqual([])
  })

  /** Of the linear layers and convolutions of each model; sd-scripts says the same numbers of SD 1, SDXL and Flux when it loads. */
  const counts: Readonly<Record<Model, Readonly<Record<AdapterForm, number>>>> = {
    sd1: { kohya: 350, comfy: 354, diffusers: 354, peft: 282, gguf: 0 },
    sd2: { kohya: 416, comfy: 420, diffusers: 420, peft: 282, gguf: 0 },
    sdxl: { kohya: 1052, comfy: 1058, diffusers: 1058, peft: 794, gguf: 0 },
    sd3: { kohya: 675, comfy: 677, diffusers: 773, peft: 341, gguf: 0 },
    flux: { kohya: 552, comfy: 554, diffusers: 744, peft: 504, gguf: 0 },
    wan: { kohya: 300, comfy: 307, diffusers: 307, peft: 307, gguf: 0 },
    'qwen-image': { kohya: 840, comfy: 846, diffusers: 846, peft: 846, gguf: 0 },
    llama: { kohya: 0, comfy: 0, diffusers: 0, peft: 226, gguf: 226 },
    mixtral: { kohya: 0, comfy: 0, diffusers: 0, peft: 118, gguf: 22 },
    deepseek: { kohya: 0, comfy: 0, diffusers: 0, peft: 173, gguf: 26 },
    gpt2: { kohya: 0, comfy: 0, diffusers: 0, peft: 50, gguf: 50 },
    t5: { kohya: 0, comfy: 0, diffusers: 0, peft: 86, gguf: 86 },
    clip: { kohya: 0, comfy: 0, diffusers: 0, peft: 74, gguf: 0 },
    vit: { kohya: 0, comfy: 0, diffusers: 0, peft: 74, gguf: 0 },
  }
  it.each(models)('counts the modules of %s in each form', (model) => {
    const found = Object.fromEntries(adapterForms.map((form) => [form, written(model, form).length]))
    expect(found).toEqual(counts[model])
  })

  it.each(models)('reads back what it writes for %s, in every form', (model) => {
    const family = familyOfTensors(checkpoints[model])!
    for (const form of adapterForms) {
      const names = written(model, form)
      if (names.length === 0) continue
      expect(names.filter((name) => !placeModule(family, form, name))).toEqual([])
      // A family is told by what sets it apart; two generations of one may share all their names.
      const told = familyOfModules(form, names)!.id
      expect(told === family.id || (family.id === 'sd2' && told === 'sd1')).toBe(true)
    }
  })

  it('names what the issue of each loader is known by', () => {
    const name = (model: Model, tensor: string, form: AdapterForm) =>
      namesOf(placeTensor(familyOfTensors(checkpoints[model])!, tensor)!, form)?.map((each) => each.name)
    const to = 'model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight'
    expect(name('sd1', to, 'kohya')).toEqual(['lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q'])
    expect(name('sdxl', to, 'kohya')).toEqual(['lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q'])
    expect(name('flux', 'model.diffusion_model.double_blocks.0.img_attn.qkv.weight', 'kohya')).toEqual([
      'lora_unet_double_blocks_0_img_attn_qkv',
    ])
    expect(name('sdxl', 'conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight', 'kohya')).toEqual(
      ['q', 'k', 'v'].map((letter) => `lora_te2_text_model_encoder_layers_0_self_attn_${letter}_proj`),
    )
    expect(name('gpt2', 'h.0.attn.c_attn.weight', 'peft')).toEqual(['base_model.model.transformer.h.0.attn.c_attn'])
    expect(name('llama', 'model.layers.0.mlp.gate_proj.weight', 'gguf')).toEqual(['blk.0.ffn_gate'])
  })

  it('has no place for a VAE, in any form', () => {
    const family = familyOfTensors(checkpoints.sdxl)!
    expect(placeTensor(family, 'first_stage_model.decoder.up.0.block.0.conv1.weight')).toBeNull()
  })
})
