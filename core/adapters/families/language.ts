/** Models of language and of pictures as transformers names them, and GGUF's names of the same modules. */
import type { Family, Part, Row } from '../family.ts'
import { clipRows, t5Rows } from './text-encoders.ts'

/** @param adds what names of a checkpoint may lack: it was saved without the module around its layers */
function model(rows: readonly Row[], { gguf = true, adds = '' }: { gguf?: boolean; adds?: string } = {}): Part {
  return {
    id: 'model',
    sources: [
      { prefix: '', scheme: 'native' },
      ...(adds ? [{ prefix: '', adds, scheme: 'native' as const }] : []),
      ...(gguf ? [{ prefix: '', scheme: 'gguf' as const }] : []),
    ],
    targets: {
      kohya: null,
      comfy: null,
      diffusers: null,
      peft: { prefix: 'base_model.model.', scheme: 'native' },
      gguf: gguf ? { prefix: '', scheme: 'gguf' } : null,
    },
    rows,
  }
}

/** Llama and all that were built like it: one decoder layer after another. */
const layer = (tail: string, gguf: string | null, more: Partial<Row> = {}): Row => ({
  native: `model.layers.{i}.${tail}`,
  gguf: gguf === null ? null : `blk.{i}.${gguf}`,
  ...more,
})

const decoder: readonly Row[] = [
  layer('self_attn.q_proj', 'attn_q', { order: 'heads' }),
  layer('self_attn.k_proj', 'attn_k', { order: 'kv' }),
  layer('self_attn.v_proj', 'attn_v'),
  layer('self_attn.{o_proj|dense}', 'attn_{output|output}'),
  layer('self_attn.qkv_proj', 'attn_qkv'),
  layer('mlp.{gate_proj|up_proj|down_proj}', '{ffn_gate|ffn_up|ffn_down}'),
  layer('mlp.gate_up_proj', 'ffn_up'),
  // Phi 1 and 2.
  layer('mlp.{fc1|fc2}', '{ffn_up|ffn_down}'),
  // DeepSeek: latent attention.
  layer('self_attn.{q_a_proj|q_b_proj|kv_a_proj_with_mqa}', '{attn_q_a|attn_q_b|attn_kv_a_mqa}'),
  layer('self_attn.kv_b_proj', null),
  // Experts are one tensor of three axes in GGUF: `stack`.
  layer('mlp.{gate|shared_expert_gate}', '{ffn_gate_inp|ffn_gate_inp_shexp}'),
  layer('mlp.{shared_expert|shared_experts}.{gate_proj|up_proj|down_proj}', 'ffn_{|}{gate|up|down}_shexp'),
  layer('mlp.experts.{i}.{gate_proj|up_proj|down_proj}', null, { stack: 'blk.{i}.ffn_{gate|up|down}_exps' }),
  layer('block_sparse_moe.gate', 'ffn_gate_inp'),
  layer('block_sparse_moe.experts.{i}.{w1|w2|w3}', null, { stack: 'blk.{i}.ffn_{gate|down|up}_exps' }),
  { native: 'model.embed_tokens', gguf: 'token_embd', transposed: 'embedding' },
  { native: 'lm_head', gguf: 'output' },
]

/** Conv1D: matrices in x out. */
const gpt2: readonly Row[] = [
  { native: 'transformer.h.{i}.attn.{c_attn|c_proj}', gguf: 'blk.{i}.{attn_qkv|attn_output}', transposed: 'conv1d' },
  { native: 'transformer.h.{i}.mlp.{c_fc|c_proj}', gguf: 'blk.{i}.{ffn_up|ffn_down}', transposed: 'conv1d' },
  { native: 'transformer.{wte|wpe}', gguf: '{token_embd|position_embd}', transposed: 'embedding' },
  { native: 'lm_head', gguf: 'output' },
]

const vit: readonly Row[] = [
  { native: '{vit.|}encoder.layer.{i}.attention.attention.{query|key|value}' },
  { native: '{vit.|}encoder.layer.{i}.{attention.output|intermediate|output}.dense' },
  { native: '{vit.|}{embeddings.patch_embeddings.projection|pooler.dense}' },
  { native: 'classifier' },
]

const clipModel: readonly Row[] = [
  ...clipRows,
  { native: 'vision_model.encoder.layers.{i}.self_attn.{q_proj|k_proj|v_proj|out_proj}' },
  { native: 'vision_model.encoder.layers.{i}.mlp.{fc1|fc2}' },
  { native: '{visual_projection|text_projection}' },
]

export const transformersModels: readonly Family[] = [
  {
    id: 'decoder',
    label: 'Llama, Mistral, Qwen, Gemma, Phi, DeepSeek, Mixtral',
    parts: [model(decoder, { adds: 'model.' })],
  },
  { id: 'gpt2', label: 'GPT-2', parts: [model(gpt2, { adds: 'transformer.' })] },
  { id: 't5', label: 'T5', parts: [model(t5Rows)] },
  { id: 'clip', label: 'CLIP', parts: [model(clipModel, { gguf: false })] },
  { id: 'vit', label: 'ViT', parts: [model(vit, { gguf: false })] },
]
