/** Names as real models have them, as the grid of the Map. */

import { expect, test } from 'vitest'
import { modelMap } from '../../core/model-map.ts'

/** `row: column, column`, as labels. */
function grid(...names: string[]): string[] {
  const { layers, roles } = modelMap(names.map((name) => ({ name })))
  return layers.map(({ label, tensors }) => {
    const columns = [...tensors.keys()].sort((a, b) => a - b).map((at) => roles[at]!.label)
    return `${label}: ${columns.join(', ')}`
  })
}
const each = (count: number, names: (i: number) => string[]) => Array.from({ length: count }, (_, i) => names(i)).flat()

test('Llama: a row for each layer, a column for each projection, and rows for what has no number', () => {
  const roles = ['self_attn.q_proj', 'self_attn.k_proj', 'mlp.up_proj', 'mlp.down_proj']
  const layers = each(12, (i) => roles.map((role) => `model.layers.${i}.${role}.weight`))
  const shown = grid('model.embed_tokens.weight', ...layers, 'lm_head.weight')
  expect(shown).toHaveLength(14)
  expect(shown.slice(0, 3)).toEqual([
    'lm_head: weight',
    'embed_tokens: weight',
    '0: q_proj, k_proj, up_proj, down_proj',
  ])
  // Numbers are ordered as numbers.
  expect(shown.at(-1)).toMatch(/^11:/)
})

test('a model of one layer is still a layer', () => {
  const { layers, roles } = modelMap([{ name: 'model.layers.0.mlp.up_proj.weight' }])
  expect(layers.map(({ key }) => key)).toEqual(['model.layers.0'])
  expect(roles).toEqual([{ key: 'mlp.up_proj.weight', label: 'up_proj' }])
})

test('GPT-2', () => {
  const layers = each(3, (i) =>
    ['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'].map((r) => `h.${i}.${r}.weight`),
  )
  // Two roles that end alike show what tells them apart.
  expect(grid('wte.weight', 'wpe.weight', ...layers)).toEqual([
    ...[0, 1, 2].map((i) => `${i}: c_attn, attn.c_proj, c_fc, mlp.c_proj`),
    'wpe: weight',
    'wte: weight',
  ])
})

test('BERT', () => {
  const roles = ['attention.self.query', 'attention.output.dense', 'intermediate.dense', 'output.dense']
  const layers = each(2, (i) => roles.map((role) => `bert.encoder.layer.${i}.${role}.weight`))
  expect(grid('bert.embeddings.word_embeddings.weight', ...layers, 'bert.pooler.dense.weight')).toEqual([
    'word_embeddings: weight',
    '0: query, attention.output.dense, intermediate.dense, output.dense',
    '1: query, attention.output.dense, intermediate.dense, output.dense',
    'dense: weight',
  ])
})

test('layers of experts: a row for each layer, and a band of one column an expert for each of their roles', () => {
  const moe = 'block_sparse_moe'
  const layers = each(2, (i) => [
    `model.layers.${i}.self_attn.q_proj.weight`,
    `model.layers.${i}.${moe}.gate.weight`,
    ...each(11, (e) => ['w1', 'w2'].map((w) => `model.layers.${i}.${moe}.experts.${e}.${w}.weight`)),
  ])
  const map = modelMap(layers.map((name) => ({ name })))
  expect(map.layers.map(({ label, tensors }) => [label, tensors.size])).toEqual([
    ['0', 24],
    ['1', 24],
  ])
  expect(map.bands).toEqual([
    { label: `${moe}.experts.*.w1`, first: 2, count: 11 },
    { label: `${moe}.experts.*.w2`, first: 13, count: 11 },
  ])
  // As numbers: 9 before 10.
  expect(map.roles.slice(11, 13).map(({ key }) => key)).toEqual([9, 10].map((e) => `${moe}.experts.${e}.w1.weight`))
})

test('a diffusion UNet: blocks of blocks are layers, places in a sequence are roles', () => {
  const attention = (block: string) =>
    ['attn1.to_q', 'attn1.to_out.0', 'ff.net.0.proj', 'ff.net.2'].map(
      (role) => `${block}.transformer_blocks.0.${role}.weight`,
    )
  const shown = grid(
    'conv_in.weight',
    'time_embedding.linear_1.weight',
    'time_embedding.linear_2.weight',
    ...each(2, (i) => each(2, (j) => attention(`down_blocks.${i}.attentions.${j}`))),
    ...each(2, (i) => each(2, (j) => [`down_blocks.${i}.resnets.${j}.conv1.weight`])),
    'down_blocks.0.downsamplers.0.conv.weight',
    ...attention('mid_block.attentions.0'),
  )
  const roles = 'to_q, to_out.0, proj, net.2'
  expect(shown).toEqual([
    'conv_in: weight',
    'down_blocks.0: conv',
    ...[0, 1].flatMap((i) => [
      `down_blocks.${i}.attentions.0: ${roles}`,
      `down_blocks.${i}.attentions.1: ${roles}`,
      `down_blocks.${i}.resnets.0: conv1`,
      `down_blocks.${i}.resnets.1: conv1`,
    ]),
    `mid_block.attentions.0: ${roles}`,
    'linear_1: weight',
    'linear_2: weight',
  ])
})

test('names without any number, as in the silero file', () => {
  expect(grid('stft_conv.weight', 'conv1.weight', 'lstm_cell.weight_ih', 'lstm_cell.weight_hh')).toEqual([
    'conv1: weight',
    'lstm_cell: weight_ih, weight_hh',
    'stft_conv: weight',
  ])
})

test('kohya’s underscores, a sequence at the top, and a name that is one word', () => {
  const unit = 'lora_unet_down_blocks_0_attentions'
  expect(grid(`${unit}_0_proj_in.lora_up.weight`, `${unit}_1_proj_in.lora_up.weight`)).toEqual([
    'lora_unet_down_blocks_0_attentions_0: lora_up',
    'lora_unet_down_blocks_0_attentions_1: lora_up',
  ])
  expect(grid('0.weight', '2.weight', '10.weight')).toEqual(['0: weight', '2: weight', '10: weight'])
  expect(grid('arr_0')).toEqual(['arr_0: '])
})

test('every matrix has one place and no two share one', () => {
  const names = each(50, (i) => [`a.${i}.w`, `a.${i}.b.${i % 3}.w`, `c${i}.weight`, `d.e${i}`, `f.${i}`])
  const { layers, roles } = modelMap(names.map((name) => ({ name })))
  const placed = layers.flatMap(({ tensors }) => [...tensors.values()].map(({ name }) => name))
  expect(placed.sort()).toEqual(names.sort())
  expect(new Set(roles.map(({ key }) => key)).size).toBe(roles.length)
})

test('more numbers than a call takes arguments are no fault', () => {
  const names = each(130_000, (i) => [`l.0.e.${i}.w`])
  expect(modelMap(names.map((name) => ({ name }))).layers.length).toBeGreaterThan(1)
})
