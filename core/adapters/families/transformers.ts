/** Diffusion transformers: SD 3, Flux, Wan, Qwen-Image. */
import type { Family, Part, Row } from '../family.ts'
import { clip, t5 } from './text-encoders.ts'

function transformer(rows: readonly Row[], kohya: 'native' | 'diffusers' = 'native'): Part {
  return {
    id: 'unet',
    sources: [
      { prefix: 'model.diffusion_model.', scheme: 'native' },
      { prefix: 'diffusion_model.', scheme: 'native' },
      { prefix: 'transformer.', scheme: 'diffusers' },
      { prefix: '', scheme: 'native' },
      { prefix: '', scheme: 'diffusers' },
    ],
    targets: {
      kohya: { prefix: 'lora_unet_', scheme: 'kohya' },
      comfy: { prefix: 'diffusion_model.', scheme: 'native' },
      diffusers: { prefix: 'transformer.', scheme: 'diffusers' },
      peft: { prefix: 'base_model.model.', scheme: 'diffusers' },
      gguf: null,
    },
    rows: rows.map((row) => (row.kohya === null ? row : { ...row, kohya: row[kohya] as string })),
  }
}

const qkv = (q: string) => ['q', 'k', 'v'].map((letter) => q.replace('?', letter))

const flux: readonly Row[] = [
  { native: 'double_blocks.{i}.img_attn.qkv', diffusers: qkv('transformer_blocks.{i}.attn.to_?') },
  { native: 'double_blocks.{i}.txt_attn.qkv', diffusers: qkv('transformer_blocks.{i}.attn.add_?_proj') },
  {
    native: 'double_blocks.{i}.{img|txt}_attn.proj',
    diffusers: 'transformer_blocks.{i}.attn.{to_out.0|to_add_out}',
  },
  { native: 'double_blocks.{i}.{img|txt}_mlp.0', diffusers: 'transformer_blocks.{i}.{ff|ff_context}.net.0.proj' },
  { native: 'double_blocks.{i}.{img|txt}_mlp.2', diffusers: 'transformer_blocks.{i}.{ff|ff_context}.net.2' },
  { native: 'double_blocks.{i}.{img|txt}_mod.lin', diffusers: 'transformer_blocks.{i}.{norm1|norm1_context}.linear' },
  {
    native: 'single_blocks.{i}.linear1',
    diffusers: [...qkv('single_transformer_blocks.{i}.attn.to_?'), 'single_transformer_blocks.{i}.proj_mlp'],
    shares: [1, 1, 1, 4],
  },
  { native: 'single_blocks.{i}.linear2', diffusers: 'single_transformer_blocks.{i}.proj_out' },
  { native: 'single_blocks.{i}.modulation.lin', diffusers: 'single_transformer_blocks.{i}.norm.linear' },
  { native: 'img_in', diffusers: 'x_embedder' },
  { native: 'txt_in', diffusers: 'context_embedder' },
  {
    native: '{time_in|vector_in|guidance_in}.{in_layer|out_layer}',
    diffusers: 'time_text_embed.{timestep_embedder|text_embedder|guidance_embedder}.{linear_1|linear_2}',
  },
  { native: 'final_layer.linear', diffusers: 'proj_out', kohya: null },
  {
    native: 'final_layer.adaLN_modulation.1',
    diffusers: 'norm_out.linear',
    order: 'swapped',
    kohya: null,
  },
]

const sd3: readonly Row[] = [
  { native: 'joint_blocks.{i}.x_block.attn.qkv', diffusers: qkv('transformer_blocks.{i}.attn.to_?') },
  { native: 'joint_blocks.{i}.x_block.attn2.qkv', diffusers: qkv('transformer_blocks.{i}.attn2.to_?') },
  { native: 'joint_blocks.{i}.context_block.attn.qkv', diffusers: qkv('transformer_blocks.{i}.attn.add_?_proj') },
  {
    native: 'joint_blocks.{i}.{x_block|context_block}.attn.proj',
    diffusers: 'transformer_blocks.{i}.attn.{to_out.0|to_add_out}',
  },
  { native: 'joint_blocks.{i}.x_block.attn2.proj', diffusers: 'transformer_blocks.{i}.attn2.to_out.0' },
  {
    native: 'joint_blocks.{i}.{x_block|context_block}.mlp.{fc1|fc2}',
    diffusers: 'transformer_blocks.{i}.{ff|ff_context}.net.{0.proj|2}',
  },
  {
    native: 'joint_blocks.{i}.{x_block|context_block}.adaLN_modulation.1',
    diffusers: 'transformer_blocks.{i}.{norm1|norm1_context}.linear',
  },
  { native: 'context_embedder', diffusers: 'context_embedder' },
  {
    native: '{t_embedder|y_embedder}.mlp.{0|2}',
    diffusers: 'time_text_embed.{timestep_embedder|text_embedder}.{linear_1|linear_2}',
  },
  { native: 'x_embedder.proj', diffusers: 'pos_embed.proj' },
  { native: 'final_layer.linear', diffusers: 'proj_out', kohya: null },
  { native: 'final_layer.adaLN_modulation.1', diffusers: 'norm_out.linear', order: 'swapped', kohya: null },
]

const wan: readonly Row[] = [
  { native: 'blocks.{i}.self_attn.{q|k|v|o}', diffusers: 'blocks.{i}.attn1.{to_q|to_k|to_v|to_out.0}' },
  {
    native: 'blocks.{i}.cross_attn.{q|k|v|o|k_img|v_img}',
    diffusers: 'blocks.{i}.attn2.{to_q|to_k|to_v|to_out.0|add_k_proj|add_v_proj}',
  },
  { native: 'blocks.{i}.ffn.{0|2}', diffusers: 'blocks.{i}.ffn.net.{0.proj|2}' },
  { native: 'text_embedding.{0|2}', diffusers: 'condition_embedder.text_embedder.{linear_1|linear_2}', kohya: null },
  { native: 'time_embedding.{0|2}', diffusers: 'condition_embedder.time_embedder.{linear_1|linear_2}', kohya: null },
  { native: 'time_projection.1', diffusers: 'condition_embedder.time_proj', kohya: null },
  { native: 'img_emb.proj.{1|3}', diffusers: 'condition_embedder.image_embedder.ff.net.{0.proj|2}', kohya: null },
  { native: 'patch_embedding', diffusers: 'patch_embedding', kohya: null },
  { native: 'head.head', diffusers: 'proj_out', kohya: null },
]

/** The same names everywhere. */
const qwenImage: readonly Row[] = [
  'transformer_blocks.{i}.attn.{to_q|to_k|to_v|to_out.0|add_q_proj|add_k_proj|add_v_proj|to_add_out}',
  'transformer_blocks.{i}.{img_mlp|txt_mlp}.net.{0.proj|2}',
  'transformer_blocks.{i}.{img_mod|txt_mod}.1',
  '{img_in|txt_in|proj_out|norm_out.linear}',
  'time_text_embed.timestep_embedder.{linear_1|linear_2}',
].map((native, i) => (i < 3 ? { native, diffusers: native } : { native, diffusers: native, kohya: null }))

export const diffusionTransformers: readonly Family[] = [
  {
    id: 'flux',
    label: 'Flux',
    parts: [
      transformer(flux),
      clip('te1', ['text_encoders.clip_l.transformer.', 'text_encoder.'], 'lora_te1_', 'text_encoder.', 'clip_l'),
      t5('lora_te3_', 'text_encoder_2.'),
    ],
  },
  {
    id: 'sd3',
    label: 'Stable Diffusion 3',
    parts: [
      transformer(sd3),
      clip('te1', ['text_encoders.clip_l.transformer.', 'text_encoder.'], 'lora_te1_', 'text_encoder.', 'clip_l'),
      clip('te2', ['text_encoders.clip_g.transformer.', 'text_encoder_2.'], 'lora_te2_', 'text_encoder_2.', 'clip_g'),
      t5('lora_te3_', 'text_encoder_3.'),
    ],
  },
  { id: 'wan', label: 'Wan', parts: [transformer(wan)] },
  { id: 'qwen-image', label: 'Qwen-Image', parts: [transformer(qwenImage)] },
]
