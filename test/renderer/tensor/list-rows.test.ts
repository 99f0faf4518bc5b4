import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { groupsOf, layerCount } from '../../../renderer/choices/layers.ts'
import { areOneStack, labelOf, layerNumber, listRows, rowLabel } from '../../../renderer/tensor/list-rows.ts'

const tensor = (name: string) => ({ name }) as TensorReport
const layers = [0, 10, 2, 1].flatMap((i) =>
  ['q_proj', 'o_proj'].map((role) => tensor(`model.layers.${i}.attn.${role}.weight`)),
)
const model = [tensor('model.embed.weight'), ...layers, tensor('lm_head.weight')]

test('layers stand as they are counted, what no layer has above them', () => {
  expect([...groupsOf(model).keys()]).toEqual(['', ...[0, 1, 2, 10].map((i) => `model.layers.${i}`)])
  expect([...groupsOf(model).values()].map((members) => members.length)).toEqual([2, 2, 2, 2, 2])
})

test('layers are counted as they are grouped, whatever a model calls them', () => {
  expect(layerCount(model)).toBe(4)
  expect(layerCount([0, 1].map((i) => tensor(`blk.${i}.attn_q.weight`)))).toBe(2)
  expect(layerCount(['encoder', 'decoder'].map((side) => tensor(`${side}.layer.0.q.weight`)))).toBe(2)
})

test('a closed layer is one row, and every tensor is in one place', () => {
  const open = listRows(model, true, new Set())
  expect(open).toHaveLength(5 + model.length)
  const rows = listRows(model, true, new Set(['model.layers.10']))
  expect(rows.at(-1)).toMatchObject({ kind: 'group', key: 'model.layers.10', collapsed: true })
  expect(rows.filter(({ kind }) => kind === 'tensor')).toHaveLength(model.length - 2)
  // Sorted by size or error there are no layers.
  expect(listRows(model, false, new Set()).map(({ kind }) => kind)).toEqual(model.map(() => 'tensor'))
})

test('the numbers of a name are in the parts that are not cut', () => {
  expect(labelOf('model.layers.10.self_attn.q_proj.weight', true)).toEqual({
    layer: '',
    path: 'self_attn.',
    leaf: 'q_proj',
    tail: 6,
  })
  expect(labelOf('model.layers.10.self_attn.q_proj.weight', false).layer).toBe('10')
  expect(labelOf('model.layers.3.mlp.experts.127.up_proj.weight', true)).toEqual({
    layer: '',
    path: 'mlp.experts.',
    leaf: '127.up_proj',
    tail: 11,
  })
  expect(labelOf('h.0.attn.q_proj.weight.lowrank_A', true)).toEqual({
    layer: '',
    path: 'attn.',
    leaf: 'q_proj.lowrank_A',
    tail: 12,
  })
  // Of a part no number is torn: "1.bias" would be of anything.
  expect(labelOf('block.conv1.bias', true)).toEqual({ layer: '', path: 'block.', leaf: 'conv1.bias', tail: 10 })
  expect(labelOf('lm_head.weight', true)).toEqual({ layer: '', path: '', leaf: 'lm_head', tail: 7 })
  expect(labelOf('weight', false)).toEqual({ layer: '', path: '', leaf: 'weight', tail: 6 })
})

test('layers of one stack are called by their number, those of several by their path', () => {
  expect(areOneStack(['', 'model.layers.3', 'model.layers.4'])).toBe(true)
  expect(areOneStack(['down_blocks.0', 'up_blocks.0'])).toBe(false)
  expect(layerNumber('model.layers.3')).toBe('3')
})

test('ten thousand experts are grouped by layer', () => {
  const many = Array.from({ length: 10_000 }, (_, i) =>
    tensor(`model.layers.${i % 400}.mlp.experts.${i}.up_proj.weight`),
  )
  expect(listRows(many, true, new Set())).toHaveLength(10_400)
})

test('within a layer a row shows no more than tells it from the others', () => {
  const names = ['attn.q_proj', 'attn.proj', 'mlp.proj'].map((role) => tensor(`h.0.${role}.weight`))
  const rows = listRows([...names, tensor('wte.weight')], true, new Set())
  const shown = rows.flatMap((row) => (row.kind === 'tensor' ? [rowLabel(row).path + rowLabel(row).leaf] : []))
  expect(shown).toEqual(['wte', 'q_proj', 'attn.proj', 'mlp.proj'])
})

test('what tells a name from the others is not cut: its end, or its beginning where they end alike', () => {
  const shown = (names: readonly string[]) =>
    listRows([...names.map((name) => tensor(`h.0.${name}`)), tensor('wte')], true, new Set()).flatMap((row) => {
      if (row.kind === 'group' || row.tensor.name === 'wte') return []
      const { leaf, tail } = rowLabel(row)
      return [tail === 0 ? `${leaf.slice(0, 8)}…` : `…${leaf.slice(-tail)}`]
    })
  expect(shown(['lstm_cell_recurrent_weight_ih', 'lstm_cell_recurrent_weight_hh'])).toEqual([
    '…nt_weight_ih',
    '…nt_weight_hh',
  ])
  expect(shown(['q_projection_with_a_long_end', 'k_projection_with_a_long_end'])).toEqual(['q_projec…', 'k_projec…'])
})
