/** The names of modules in checkpoints of each family, as their own code makes them: made here from the architectures, not copied. */

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** @param depths of the transformers at each level going down, 0 for none; the middle has `middle` */
function ldmUnet(depths: readonly number[], middle: number): string[] {
  const resnet = (at: string) => ['in_layers.2', 'emb_layers.1', 'out_layers.3'].map((tail) => `${at}.${tail}`)
  const transformer = (at: string, depth: number) => [
    `${at}.proj_in`,
    `${at}.proj_out`,
    ...range(depth).flatMap((i) => [
      ...['attn1', 'attn2'].flatMap((attn) =>
        ['to_q', 'to_k', 'to_v', 'to_out.0'].map((tail) => `${at}.transformer_blocks.${i}.${attn}.${tail}`),
      ),
      `${at}.transformer_blocks.${i}.ff.net.0.proj`,
      `${at}.transformer_blocks.${i}.ff.net.2`,
    ]),
  ]
  const names = ['time_embed.0', 'time_embed.2', 'input_blocks.0.0', 'out.2']
  let block = 1
  for (const [level, depth] of depths.entries()) {
    for (const first of [true, false]) {
      names.push(...resnet(`input_blocks.${block}.0`))
      // Where the channels change: 1, 2, 4, 4 times those of the first level.
      if (first && (level === 1 || level === 2)) names.push(`input_blocks.${block}.0.skip_connection`)
      if (depth > 0) names.push(...transformer(`input_blocks.${block}.1`, depth))
      block++
    }
    if (level + 1 < depths.length) names.push(`input_blocks.${block++}.0.op`)
  }
  names.push(...resnet('middle_block.0'), ...transformer('middle_block.1', middle), ...resnet('middle_block.2'))
  block = 0
  for (const [level, depth] of [...depths].reverse().entries()) {
    for (const i of range(3)) {
      names.push(...resnet(`output_blocks.${block}.0`), `output_blocks.${block}.0.skip_connection`)
      if (depth > 0) names.push(...transformer(`output_blocks.${block}.1`, depth))
      if (i === 2 && level + 1 < depths.length) names.push(`output_blocks.${block}.${depth > 0 ? 2 : 1}.conv`)
      block++
    }
  }
  return names.map((name) => `model.diffusion_model.${name}`)
}

const clipL = (prefix: string, layers: number) =>
  range(layers).flatMap((i) =>
    [...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((tail) => `self_attn.${tail}`), 'mlp.fc1', 'mlp.fc2'].map(
      (tail) => `${prefix}text_model.encoder.layers.${i}.${tail}`,
    ),
  )

const openClip = (prefix: string, layers: number) =>
  range(layers).flatMap((i) =>
    ['attn.in_proj_weight', 'attn.out_proj.weight', 'mlp.c_fc.weight', 'mlp.c_proj.weight'].map(
      (tail) => `${prefix}transformer.resblocks.${i}.${tail}`,
    ),
  )

const t5Encoder = (prefix: string, layers: number) =>
  range(layers).flatMap((i) =>
    [
      ...['q', 'k', 'v', 'o'].map((tail) => `layer.0.SelfAttention.${tail}`),
      ...['wi_0', 'wi_1', 'wo'].map((tail) => `layer.1.DenseReluDense.${tail}`),
    ].map((tail) => `${prefix}encoder.block.${i}.${tail}`),
  )

const flux = (doubles: number, singles: number) => [
  ...range(doubles).flatMap((i) =>
    ['img', 'txt'].flatMap((side) =>
      ['attn.qkv', 'attn.proj', 'mlp.0', 'mlp.2', 'mod.lin'].map((tail) => `double_blocks.${i}.${side}_${tail}`),
    ),
  ),
  ...range(singles).flatMap((i) =>
    ['linear1', 'linear2', 'modulation.lin'].map((tail) => `single_blocks.${i}.${tail}`),
  ),
  ...['img_in', 'txt_in', 'final_layer.linear', 'final_layer.adaLN_modulation.1'],
  ...['time_in', 'vector_in', 'guidance_in'].flatMap((part) => [`${part}.in_layer`, `${part}.out_layer`]),
]

const sd3 = (blocks: number) => [
  ...range(blocks).flatMap((i) =>
    ['x_block', 'context_block'].flatMap((side) => [
      `joint_blocks.${i}.${side}.attn.qkv`,
      `joint_blocks.${i}.${side}.adaLN_modulation.1`,
      // The last context block ends with its keys and values.
      ...(side === 'context_block' && i === blocks - 1
        ? []
        : ['attn.proj', 'mlp.fc1', 'mlp.fc2'].map((tail) => `joint_blocks.${i}.${side}.${tail}`)),
    ]),
  ),
  ...['context_embedder', 'x_embedder.proj', 'final_layer.linear', 'final_layer.adaLN_modulation.1'],
  ...['t_embedder', 'y_embedder'].flatMap((part) => [`${part}.mlp.0`, `${part}.mlp.2`]),
]

const wan = (blocks: number) => [
  ...range(blocks).flatMap((i) => [
    ...['self_attn', 'cross_attn'].flatMap((attn) => ['q', 'k', 'v', 'o'].map((tail) => `blocks.${i}.${attn}.${tail}`)),
    `blocks.${i}.ffn.0`,
    `blocks.${i}.ffn.2`,
  ]),
  ...['text_embedding.0', 'text_embedding.2', 'time_embedding.0', 'time_embedding.2', 'time_projection.1'],
  ...['patch_embedding', 'head.head'],
]

const qwenImage = (blocks: number) => [
  ...range(blocks).flatMap((i) =>
    [
      ...['to_q', 'to_k', 'to_v', 'to_out.0', 'add_q_proj', 'add_k_proj', 'add_v_proj', 'to_add_out'].map(
        (tail) => `attn.${tail}`,
      ),
      ...['img_mlp', 'txt_mlp'].flatMap((part) => [`${part}.net.0.proj`, `${part}.net.2`]),
      'img_mod.1',
      'txt_mod.1',
    ].map((tail) => `transformer_blocks.${i}.${tail}`),
  ),
  ...['img_in', 'txt_in', 'norm_out.linear', 'proj_out'],
  ...['linear_1', 'linear_2'].map((tail) => `time_text_embed.timestep_embedder.${tail}`),
]

const llama = (layers: number) => [
  'model.embed_tokens',
  'lm_head',
  ...range(layers).flatMap((i) =>
    [
      ...['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((tail) => `self_attn.${tail}`),
      ...['gate_proj', 'up_proj', 'down_proj'].map((tail) => `mlp.${tail}`),
    ].map((tail) => `model.layers.${i}.${tail}`),
  ),
]

const mixtral = (layers: number, experts: number) => [
  'model.embed_tokens',
  'lm_head',
  ...range(layers).flatMap((i) =>
    [
      ...['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((tail) => `self_attn.${tail}`),
      'block_sparse_moe.gate',
      ...range(experts).flatMap((e) => ['w1', 'w2', 'w3'].map((tail) => `block_sparse_moe.experts.${e}.${tail}`)),
    ].map((tail) => `model.layers.${i}.${tail}`),
  ),
]

const deepseek = (layers: number, experts: number) => [
  'model.embed_tokens',
  'lm_head',
  ...range(layers).flatMap((i) =>
    [
      ...['q_a_proj', 'q_b_proj', 'kv_a_proj_with_mqa', 'kv_b_proj', 'o_proj'].map((tail) => `self_attn.${tail}`),
      'mlp.gate',
      ...range(experts).flatMap((e) => ['gate', 'up', 'down'].map((tail) => `mlp.experts.${e}.${tail}_proj`)),
      ...['gate', 'up', 'down'].map((tail) => `mlp.shared_experts.${tail}_proj`),
    ].map((tail) => `model.layers.${i}.${tail}`),
  ),
]

const gpt2 = (layers: number) => [
  'wte',
  'wpe',
  ...range(layers).flatMap((i) =>
    ['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'].map((tail) => `h.${i}.${tail}`),
  ),
]

const vit = (layers: number) => [
  'vit.embeddings.patch_embeddings.projection',
  'classifier',
  ...range(layers).flatMap((i) =>
    [
      ...['query', 'key', 'value'].map((tail) => `attention.attention.${tail}`),
      'attention.output.dense',
      'intermediate.dense',
      'output.dense',
    ].map((tail) => `vit.encoder.layer.${i}.${tail}`),
  ),
]

const weights = (names: readonly string[]) => names.map((name) => (name.endsWith('weight') ? name : `${name}.weight`))
const diffusionModel = (names: readonly string[]) => names.map((name) => `model.diffusion_model.${name}`)

/** Tensors of two axes or more, by family. */
export const checkpoints = {
  sd1: weights([...ldmUnet([1, 1, 1, 0], 1), ...clipL('cond_stage_model.transformer.', 12)]),
  sd2: weights([...ldmUnet([1, 1, 1, 0], 1), ...openClip('cond_stage_model.model.', 23)]),
  sdxl: weights([
    ...ldmUnet([0, 2, 10], 10),
    'model.diffusion_model.label_emb.0.0',
    'model.diffusion_model.label_emb.0.2',
    ...clipL('conditioner.embedders.0.transformer.', 12),
    ...openClip('conditioner.embedders.1.model.', 32),
  ]),
  sd3: weights([
    ...diffusionModel(sd3(24)),
    ...clipL('text_encoders.clip_l.transformer.', 12),
    ...clipL('text_encoders.clip_g.transformer.', 32),
    ...t5Encoder('text_encoders.t5xxl.transformer.', 24),
  ]),
  flux: weights([
    ...diffusionModel(flux(19, 38)),
    ...clipL('text_encoders.clip_l.transformer.', 12),
    ...t5Encoder('text_encoders.t5xxl.transformer.', 24),
  ]),
  wan: weights(wan(30)),
  'qwen-image': weights(qwenImage(60)),
  llama: weights(llama(32)),
  mixtral: weights(mixtral(4, 8)),
  deepseek: weights(deepseek(3, 16)),
  gpt2: weights(gpt2(12)),
  t5: weights(['shared', 'lm_head', ...t5Encoder('', 12)]),
  clip: weights([...clipL('', 12), 'text_projection', 'visual_projection']),
  vit: weights(vit(12)),
} as const satisfies Readonly<Record<string, readonly string[]>>

/** What the table calls the family of each. */
export const familyIds: Readonly<Record<keyof typeof checkpoints, string>> = {
  ...{ sd1: 'sd1', sd2: 'sd2', sdxl: 'sdxl', sd3: 'sd3', flux: 'flux', wan: 'wan', 'qwen-image': 'qwen-image' },
  ...{ llama: 'decoder', mixtral: 'decoder', deepseek: 'decoder', gpt2: 'gpt2', t5: 't5', clip: 'clip', vit: 'vit' },
}
