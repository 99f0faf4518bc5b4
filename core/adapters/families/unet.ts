/** The UNets of Stable Diffusion: `input_blocks`, `middle_block` and `output_blocks` of their own checkpoints, `down_blocks` ... of diffusers. */
import type { Family, Part, Row } from '../family.ts'
import { clip, openClip } from './text-encoders.ts'

/** Resnets, and attentions, of a block; a sampler follows them. */
const PER_BLOCK = 2

const resnet = '{in_layers.2|emb_layers.1|out_layers.3|skip_connection}'
const resnetOfDiffusers = '{conv1|time_emb_proj|conv2|conv_shortcut}'
/** The same in both schemes. */
const attention = [
  '{proj_in|proj_out}',
  'transformer_blocks.{i}.{attn1|attn2}.{to_q|to_k|to_v|to_out.0}',
  'transformer_blocks.{i}.ff.net.{0.proj|2}',
]

/** @param attends which of the blocks, going down, have attentions */
function blocks(attends: readonly boolean[]): Row[] {
  const rows: Row[] = []
  const resnets = (native: string, diffusers: string) =>
    rows.push({ native: `${native}.${resnet}`, diffusers: `${diffusers}.${resnetOfDiffusers}` })
  const attentions = (native: string, diffusers: string) => {
    for (const tail of attention) rows.push({ native: `${native}.${tail}`, diffusers: `${diffusers}.${tail}` })
  }
  for (const [b, attending] of attends.entries()) {
    const first = 1 + (PER_BLOCK + 1) * b
    for (let l = 0; l < PER_BLOCK; l++) {
      resnets(`input_blocks.${first + l}.0`, `down_blocks.${b}.resnets.${l}`)
      if (attending) attentions(`input_blocks.${first + l}.1`, `down_blocks.${b}.attentions.${l}`)
    }
    if (b + 1 < attends.length)
      rows.push({
        native: `input_blocks.${first + PER_BLOCK}.0.op`,
        diffusers: `down_blocks.${b}.downsamplers.0.conv`,
      })
  }
  resnets('middle_block.0', 'mid_block.resnets.0')
  attentions('middle_block.1', 'mid_block.attentions.0')
  resnets('middle_block.2', 'mid_block.resnets.1')
  for (const [b, attending] of attends.toReversed().entries()) {
    const first = (PER_BLOCK + 1) * b
    for (let l = 0; l <= PER_BLOCK; l++) {
      resnets(`output_blocks.${first + l}.0`, `up_blocks.${b}.resnets.${l}`)
      if (attending) attentions(`output_blocks.${first + l}.1`, `up_blocks.${b}.attentions.${l}`)
    }
    if (b + 1 < attends.length)
      rows.push({
        native: `output_blocks.${first + PER_BLOCK}.${attending ? 2 : 1}.conv`,
        diffusers: `up_blocks.${b}.upsamplers.0.conv`,
      })
  }
  return rows
}

/** What stands outside the blocks: sd-scripts builds no modules there. */
const outside: readonly Row[] = [
  { native: 'time_embed.{0|2}', diffusers: 'time_embedding.{linear_1|linear_2}', kohya: null },
  { native: 'label_emb.0.{0|2}', diffusers: 'add_embedding.{linear_1|linear_2}', kohya: null },
  { native: 'input_blocks.0.0', diffusers: 'conv_in', kohya: null },
  { native: 'out.2', diffusers: 'conv_out', kohya: null },
]

function unet(attends: readonly boolean[], kohya: 'native' | 'diffusers'): Part {
  const rows = [...blocks(attends), ...outside].map((row) =>
    row.kohya === null ? row : { ...row, kohya: row[kohya] as string },
  )
  return {
    id: 'unet',
    sources: [
      { prefix: 'model.diffusion_model.', scheme: 'native' },
      { prefix: 'diffusion_model.', scheme: 'native' },
      { prefix: 'unet.', scheme: 'diffusers' },
      { prefix: '', scheme: 'native' },
      { prefix: '', scheme: 'diffusers' },
    ],
    targets: {
      kohya: { prefix: 'lora_unet_', scheme: 'kohya' },
      comfy: { prefix: 'diffusion_model.', scheme: 'native' },
      diffusers: { prefix: 'unet.', scheme: 'diffusers' },
      peft: { prefix: 'base_model.model.', scheme: 'diffusers' },
      gguf: null,
    },
    rows,
  }
}

const deep = [true, true, true, false]
const wide = [false, true, true]

export const unets: readonly Family[] = [
  {
    id: 'sdxl',
    label: 'SDXL',
    signs: [
      /(^|\.)label_emb\.0\.0\.weight$/,
      /(^|\.)add_embedding\.linear_1\.weight$/,
      // Of an adapter: attentions of ten blocks, and a second text encoder.
      /transformer_blocks[._][2-9]/,
      /(^lora_te2_|^text_encoder_2\.|\.clip_g\.)/,
    ],
    parts: [
      unet(wide, 'native'),
      clip('te1', ['conditioner.embedders.0.transformer.', 'text_encoder.'], 'lora_te1_', 'text_encoder.', 'clip_l'),
      openClip('te2', ['conditioner.embedders.1.model.'], 'text_encoder_2.', 'lora_te2_', 'clip_g'),
    ],
  },
  {
    id: 'sd2',
    label: 'Stable Diffusion 2',
    signs: [/^cond_stage_model\.model\.transformer\.resblocks\.0\./],
    parts: [
      unet(deep, 'diffusers'),
      openClip('te1', ['cond_stage_model.model.'], 'text_encoder.', 'lora_te_', 'clip_h'),
    ],
  },
  {
    id: 'sd1',
    label: 'Stable Diffusion 1',
    parts: [
      unet(deep, 'diffusers'),
      clip('te1', ['cond_stage_model.transformer.', 'text_encoder.'], 'lora_te_', 'text_encoder.', 'clip_l'),
    ],
  },
]
