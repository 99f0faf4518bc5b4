/** The text encoders of image models: CLIP as transformers names it, OpenCLIP's own names, T5. */
import type { Part, Row } from '../family.ts'

export const clipRows: readonly Row[] = [
  { native: 'text_model.encoder.layers.{i}.self_attn.{q_proj|k_proj|v_proj|out_proj}' },
  { native: 'text_model.encoder.layers.{i}.mlp.{fc1|fc2}' },
]

/** q, k and v in one matrix, by thirds: a module of no loader, which names each of them. */
const openClipRows: readonly Row[] = [
  {
    native: 'transformer.resblocks.{i}.attn.in_proj',
    diffusers: [
      'text_model.encoder.layers.{i}.self_attn.q_proj',
      'text_model.encoder.layers.{i}.self_attn.k_proj',
      'text_model.encoder.layers.{i}.self_attn.v_proj',
    ],
  },
  {
    native: 'transformer.resblocks.{i}.attn.out_proj',
    diffusers: 'text_model.encoder.layers.{i}.self_attn.out_proj',
  },
  { native: 'transformer.resblocks.{i}.mlp.{c_fc|c_proj}', diffusers: 'text_model.encoder.layers.{i}.mlp.{fc1|fc2}' },
]

/** @param comfy its name among ComfyUI's text encoders */
export function clip(
  id: Part['id'],
  prefixes: readonly string[],
  kohya: string,
  diffusers: string,
  comfy: string,
): Part {
  return {
    id,
    sources: prefixes.map((prefix) => ({ prefix, scheme: 'native' })),
    targets: {
      kohya: { prefix: kohya, scheme: 'native' },
      comfy: { prefix: `text_encoders.${comfy}.transformer.`, scheme: 'native' },
      diffusers: { prefix: diffusers, scheme: 'native' },
      peft: null,
      gguf: null,
    },
    rows: clipRows,
  }
}

/** @param diffusers what a checkpoint of diffusers and an adapter for it put before names */
export function openClip(
  id: Part['id'],
  prefixes: readonly string[],
  diffusers: string,
  kohya: string,
  comfy: string,
): Part {
  return {
    id,
    sources: [
      ...prefixes.map((prefix) => ({ prefix, scheme: 'native' as const })),
      { prefix: diffusers, scheme: 'diffusers' },
    ],
    targets: {
      kohya: { prefix: kohya, scheme: 'diffusers' },
      comfy: { prefix: `text_encoders.${comfy}.transformer.`, scheme: 'diffusers' },
      diffusers: { prefix: diffusers, scheme: 'diffusers' },
      peft: null,
      gguf: null,
    },
    rows: openClipRows,
  }
}

const blockOfT5 = (stack: 'encoder' | 'decoder', short: string, last: number): readonly Row[] => [
  {
    native: `${stack}.block.{i}.layer.0.SelfAttention.{q|k|v|o}`,
    gguf: `${short}.blk.{i}.attn_{q|k|v|o}`,
  },
  {
    native: `${stack}.block.{i}.layer.${last}.DenseReluDense.{wi_0|wi_1|wi|wo}`,
    gguf: `${short}.blk.{i}.{ffn_gate|ffn_up|ffn_up|ffn_down}`,
  },
]

export const t5Rows: readonly Row[] = [
  ...blockOfT5('encoder', 'enc', 1),
  ...blockOfT5('decoder', 'dec', 2),
  {
    native: 'decoder.block.{i}.layer.1.EncDecAttention.{q|k|v|o}',
    gguf: 'dec.blk.{i}.cross_attn_{q|k|v|o}',
  },
  { native: 'shared', gguf: 'token_embd', transposed: 'embedding' },
  { native: 'lm_head', gguf: 'output' },
]

/** T5 beside an image model. */
export function t5(kohya: string, diffusers: string): Part {
  return {
    id: 'te3',
    sources: [
      { prefix: 'text_encoders.t5xxl.transformer.', scheme: 'native' },
      { prefix: diffusers, scheme: 'native' },
    ],
    targets: {
      kohya: { prefix: kohya, scheme: 'native' },
      comfy: { prefix: 'text_encoders.t5xxl.transformer.', scheme: 'native' },
      diffusers: { prefix: diffusers, scheme: 'native' },
      peft: null,
      gguf: null,
    },
    rows: t5Rows.filter(({ native }) => native.startsWith('encoder.')),
  }
}
