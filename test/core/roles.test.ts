/**
 * What names say: the table. Names are those of published models, converted or not; the source is the tool or model that writes them.
 */
import { describe, expect, it } from 'vitest'
import { axesOf, isExpertPath, type Role, roleOf } from '../../core/roles.ts'
import { elementCount, matrixView } from '../../core/tensor.ts'

const table: Record<Role | 'none', readonly string[]> = {
  embedding: [
    'model.embed_tokens.weight', // LLaMA
    'transformer.wte.weight', // GPT-2
    'transformer.wpe.weight',
    'bert.embeddings.word_embeddings.weight', // BERT
    'bert/embeddings/word_embeddings:0',
    'bert/embeddings/token_type_embeddings',
    'tok_embeddings.weight', // Meta
    'token_embd.weight', // GGUF
    'shared.weight', // T5
    'transformer.word_embeddings.weight', // BLOOM
    'gpt_neox.embed_in.weight', // GPT-NeoX
    'model.decoder.embed_positions.weight', // OPT
    'params/token_embedder/embedding', // T5X, MaxText
    'params/embedder/input_embedding', // Gemma
    'params/Embed_0/embedding', // Flax
    'model/wte', // OpenAI's GPT-2
    'model/transformer/word_embedding/lookup_table', // XLNet
    'layers/attn/relpos_bias/rel_embedding', // T5X
    'tf_bert_model/bert/embeddings/weight:0',
    'emb.weight', // RWKV
  ],
  head: [
    'lm_head.weight', // LLaMA
    'lm_head/kernel', // Flax
    'params/lm_head/kernel',
    'embed_out.weight', // GPT-NeoX
    'output.weight', // Meta, InternLM 2, GGUF
    'head.weight', // RWKV
    'params/head/kernel', // big_vision
    'img/head/kernel',
    'decoder.output_projection.weight', // fairseq
    'transformer.output_layer.weight', // ChatGLM
    'language_model.output_layer.weight', // Megatron
    'model.transformer.ff_out.weight', // OLMo
    'cls.predictions.decoder.weight', // BERT
    'cls/predictions/output_weights',
    'lm_head.decoder.weight', // RoBERTa
    'lm_head.linear.weight', // Phi
    'proj_out.weight', // Whisper
    'params/decoder/logits_dense/kernel', // T5X
    'lm_loss.weight', // XLNet
    'generator_lm_head.weight', // ELECTRA
  ],
  router: [
    'model.layers.0.block_sparse_moe.gate.weight', // Mixtral
    'model.layers.0.mlp.gate.weight', // Qwen, DeepSeek
    'model.layers.0.mlp.shared_expert_gate.weight',
    'model.layers.0.mlp.router.weight', // gpt-oss
    'model.layers.0.feed_forward.router.weight', // LLaMA 4
    'transformer.blocks.0.ffn.router.layer.weight', // DBRX
    'model.layers.0.block_sparse_moe.router.layer.weight', // Granite
    'encoder.block.1.layer.1.mlp.router.classifier.weight', // Switch
    'model.decoder.layers.3.ffn.router.classifier.weight', // NLLB
    'decoder/layers_1/mlp/router/router_weights/w/kernel', // T5X
    'Encoder/encoderblock_1/Moe/Router/dense/kernel', // V-MoE
    'blk.0.ffn_gate_inp.weight', // GGUF
    'blk.0.ffn_gate_inp_shexp.weight',
    'layers.0.mlp.deepspeed_moe.gate.wg.weight', // DeepSpeed
    'model.layers.0.mlp.gate.wg.weight', // Hunyuan
  ],
  optimizer: [
    'optimizer.state.0.exp_avg', // torch
    'optimizer_states.0.state.5.exp_avg_sq', // Lightning
    'optimizer.state.model.layers.0.mlp.up.weight.exp_avg', // torch distributed
    'state.3.momentum_buffer',
    'base_optimizer_state.state.0.exp_avg', // DeepSpeed
    'optimizer_state_dict.fp32_flat_groups.0',
    'opt_state/0/mu/decoder/layers/mlp/wi/kernel', // optax
    'opt_state.0.nu.decoder.mlp.kernel',
    'state/param_states/decoder/mlp/wi/kernel/v_row', // T5X
    'bert/encoder/layer_0/output/dense/kernel/adam_m', // BERT
    'bert/encoder/layer_0/output/dense/kernel/adam_v:0',
    'dense/kernel/Adam_1', // TensorFlow 1
    'dense/kernel/Momentum',
    'dense/kernel/RMSProp_1',
    'layer/kernel/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE', // TensorFlow 2
    'optimizer/variables/3', // Keras
    'optimizer_weights/Adam/dense/kernel/m:0',
    'linear_0.w_0_moment1_0', // Paddle
    'linear_0.w_0_beta1_pow_acc_0',
    'grads.layers.0.weight',
  ],
  mask: [
    'model.l.weight_mask', // torch.nn.utils.prune
    'layers.0.blocks.1.attn_mask', // Swin
    'dense/kernel/mask:0', // TensorFlow Model Optimization
    'dense/kernel/pruning_mask',
    'h.0.attn.causal_mask',
  ],
  positions: [
    'model.layers.0.self_attn.rotary_emb.inv_freq',
    'model.layers.0.self_attn.rotary_emb.cos_cached',
    'freqs_cis', // Meta
    'blocks.0.attn.rope_cos',
    'layers.0.blocks.0.attn.relative_position_index', // Swin
    'embeddings.position_ids',
  ],
  factor: [
    'lora_unet_b_0_q.lora_down.weight', // kohya
    'lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight',
    'base_model.model.layers.0.self_attn.q_proj.lora_A.weight', // PEFT
    'base_model.model.layers.0.self_attn.q_proj.lora_B.default.weight',
    'base_model.model.embed_tokens.lora_embedding_A',
    'transformer.blocks.0.attn.to_q.lora.down.weight', // diffusers
    'down_blocks.0.attentions.0.processor.to_k_lora.up.weight',
    'unet.to_q.lora_linear_layer.down.weight',
    'model.layers.0.self_attn.q_proj.lora_a', // MLX
    'lycoris_b_0_q.hada_w1_a', // LoHa
    'lycoris_b_0_q.lokr_w2_b', // LoKr
    'lycoris_b_0_q.dora_scale', // DoRA
    'lora_unet_b_0_q.oft_blocks',
    'blk.0.attn_q.weight.lora_a', // GGUF
    'blocks.0.q.weight.lowrank_A', // ours
    'blocks.0.q.weight.lowrank_B_scale',
    'blocks.0.q.weight.Vt',
  ],
  none: [
    'model.layers.0.self_attn.q_proj.weight',
    'model.layers.0.mlp.gate_proj.weight',
    'model.layers.0.mlp.up_proj.weight',
    'model.transformer.blocks.0.ff_out.weight', // OLMo's MLP
    'down_blocks.0.attentions.0.proj_out.weight', // Stable Diffusion
    'model.decoder.layers.0.output_layer.weight',
    'lm_head.dense.weight', // RoBERTa: hidden to hidden
    'cls.predictions.transform.dense.weight',
    'context_embedder.weight', // SD3: a projection
    'time_embed.0.weight', // a projection of angles
    'time_embedding.linear_1.weight',
    'x_embedder.proj.weight',
    'decoder.mask.0.weight', // predicts masks
    'mask_decoder.transformer.layers.0.mlp.lin1.weight', // SAM
    'params/encoder/layers_0/mlp/wi_0/kernel',
    'bert/encoder/layer_0/attention/self/query/kernel:0',
    'encoder.layer.0.output.dense.weight',
    'blk.0.attn_output.weight',
    'blk.0.ffn_gate.weight',
    'model.layers.0.self_attn.value/kernel',
    'unet.lora_friendly.weight',
    'model.U',
    'h.0.attn.c_attn.weight',
  ],
}

describe.each(Object.entries(table))('%s', (role, names) => {
  it.each(names)('%s', (name) => expect(roleOf(name) ?? 'none').toBe(role))
})

describe('three axes', () => {
  const stacks = [
    'blk.0.ffn_gate_exps.weight', // GGUF
    'blk.0.ffn_gate_up_exps.weight',
    'blk.0.ffn_down_chexps.weight',
    'model.layers.0.mlp.experts.gate_up_proj', // gpt-oss, LLaMA 4, Qwen
    'model.layers.0.mlp.experts.down_proj',
    'model.layers.0.block_sparse_moe.input_linear.weight', // Granite
    'model.layers.0.mlp.switch_mlp.up_proj.weight', // MLX
    'decoder/layers_1/mlp/expert/wi/kernel', // T5X
    'Encoder/encoderblock_1/Moe/Mlp/Dense_0/kernel', // V-MoE
    'params/decoder/layers/MoeBlock_0/wi_0', // MaxText
    'layers.0.moe_layer.experts.batched_fc1_w', // tutel
    'experts:w',
  ]
  it.each(stacks)('%s is a stack of experts', (name) => {
    expect(isExpertPath(name)).toBe(true)
    expect(axesOf(name, [70, 8, 16])).toBe('experts')
    expect(axesOf(name, [2, 70, 8, 16])).toBe('unknown')
  })

  it.each([
    ['encoder.conv1.weight', [512, 80, 3]], // Whisper
    ['wav2vec2.encoder.pos_conv_embed.conv.weight_v', [768, 48, 128]],
    ['encoder.layers.0.conv_module.depthwise_conv.weight', [512, 1, 31]],
    ['dec.ups.0.weight', [512, 256, 16]], // HiFi-GAN
    ['middle_block.1.qkv.weight', [1536, 512, 1]], // OpenAI's attention of 1 x 1
    ['block.3.weight', [256, 128, 7]],
    ['encoder/layer_0/attention/query/kernel', [768, 12, 64]], // Flax
  ])('%s %j is one matrix', (name, shape) => expect(axesOf(name, shape)).toBe('matrix'))

  it.each([
    ['params/Conv_0/kernel', [3, 3, 64, 128]], // Flax
    ['params/stem_conv/kernel', [7, 64, 128]],
    ['resnet_v1_50/block1/unit_1/bottleneck_v1/conv2/weights', [3, 3, 64, 64]], // TensorFlow 1
    ['conv2d_3/kernel:0', [1, 1, 64, 256]], // Keras
    ['layer_with_weights-2/kernel/.ATTRIBUTES/VARIABLE_VALUE', [3, 3, 32, 64]], // TensorFlow 2
    ['params/conv3d/kernel', [3, 3, 3, 64, 64]],
    ['layers/conv2d/vars/0', [3, 3, 64, 128]], // Keras 3
  ])('%s %j has its taps first', (name, shape) => {
    expect(axesOf(name, shape)).toBe('taps first')
    const last = shape.at(-1)!
    expect(matrixView({ name, shape })).toMatchObject({ rows: elementCount(shape) / last, cols: last, count: 1 })
  })

  it.each([
    ['params/Conv_0/kernel', [3, 3, 64, 1]], // of one output each
    ['conv1.weight', [64, 3, 3, 3]],
    ['conv.weights', [3, 3, 64, 64]],
    ['encoder/layer_0/attention/query/kernel', [12, 12, 64, 64]],
  ])('%s %j has not', (name, shape) => expect(axesOf(name, shape)).toBe('matrix'))

  it.each([
    ['blk.0.something.weight', [70, 8, 16]],
    ['layers.attention.wq', [32, 4096, 4096]], // a scan over layers
    ['onnx::LSTM_230', [2, 256, 64]],
    ['conv.weight', [64, 4096, 4096]],
  ])('%s %j is nobody knows what', (name, shape) => expect(axesOf(name, shape)).toBe('unknown'))
})

it('what was found for a name is that of the same name in another layer, and of no other', () => {
  for (const role of Object.keys(table) as (Role | 'none')[])
    for (const name of table[role]) {
      const elsewhere = name.replace(/(?<=[./])\d+(?=[./])/g, (number) => String(Number(number) + 41))
      expect([name, roleOf(elsewhere) ?? 'none']).toEqual([name, role])
      expect([name, roleOf(name) ?? 'none']).toEqual([name, role])
    }
  // The first of Keras' variables is a kernel, whichever layer it is of.
  const ofVariable = (layer: number, variable: number) =>
    axesOf(`layers/${layer}/vars/${variable}/.ATTRIBUTES/VARIABLE_VALUE`, [3, 3, 64, 128])
  expect([ofVariable(0, 0), ofVariable(7, 0), ofVariable(0, 1), ofVariable(7, 1)]).toEqual(
    [0, 0, 1, 1].map((variable) => (variable === 0 ? 'taps first' : 'matrix')),
  )
})
