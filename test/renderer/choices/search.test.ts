import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { isCompressed } from '../../../renderer/choices/rules.ts'
import { nameMatcher, visibleTensors } from '../../../renderer/choices/search.ts'
import type { SelectionState } from '../../../renderer/choices/selection.ts'
import { someWords } from '../../core/messages/words.ts'

const tensor = (name: string, changes: Partial<TensorReport> = {}): TensorReport => ({
  name,
  dtype: 'BF16',
  shape: [128, 64],
  byteLength: 128 * 64 * 2,
  matrix: [128, 64],
  kind: 'linear',
  plan: 'factorize',
  reason: someWords(''),
  ...changes,
})
const file = [
  tensor('layers.10.mlp.weight', { byteLength: 300 }),
  tensor('layers.2.attn.weight', { byteLength: 500 }),
  tensor('model.embed_tokens.weight', { kind: 'embedding', plan: 'keep', reason: someWords('An embedding.') }),
  tensor('norm.weight', { shape: [64], matrix: null, kind: null, plan: 'keep', byteLength: 128 }),
  tensor('conv1.weight', { shape: [64, 64, 3, 3], matrix: [64, 576], kind: 'conv' }),
]
const all: SelectionState = {
  tensor: null,
  search: '',
  chips: [],
  sort: 'file',
  tab: 'tensor',
  lens: 'error',
  included: new Set(),
  excluded: new Set(),
  written: null,
  pins: new Map(),
  whatIf: null,
}
const names = (selection: Partial<SelectionState>, errors: Record<string, number> = {}) =>
  visibleTensors(file, { ...all, ...selection }, ({ name }) => errors[name]).map(({ name }) => name)

test('text is found inside a name, with a glob as well, slashes make a regular expression', () => {
  expect(names({ search: 'MLP' })).toEqual(['layers.10.mlp.weight'])
  expect(names({ search: 'layers.*' })).toHaveLength(2)
  expect(names({ search: '10.*weight' })).toEqual(['layers.10.mlp.weight'])
  expect(names({ search: '10.*attn' })).toEqual([])
  expect(names({ search: '/^(norm|conv)/' })).toEqual(['norm.weight', 'conv1.weight'])
  expect(names({ search: 'layers.?.attn.weight' })).toEqual(['layers.2.attn.weight'])
})

test('a glob is one of rules, in any case, and takes no time whatever it is', () => {
  expect(names({ search: 'LAYERS.{2,10}.*' })).toHaveLength(2)
  const started = performance.now()
  expect(nameMatcher('*e*e*e*e*e*e*e*e*q')?.('e'.repeat(500))).toBe(false)
  expect(performance.now() - started).toBeLessThan(5000)
})

test('a dot in a glob is a dot, and a backslash at the end of what is typed one too', () => {
  expect(nameMatcher('a.b*')?.('axb1')).toBe(false)
  expect(nameMatcher('a*b\\')?.('xacb\\d')).toBe(true)
})

test('a half typed regular expression finds nothing and says so', () => {
  expect(nameMatcher('/layers.(')).toBeNull()
  expect(names({ search: '/layers.(' })).toEqual([])
})

test('chips add up; kept follows what the user changed', () => {
  expect(names({ chips: ['conv'] })).toEqual(['conv1.weight'])
  expect(names({ chips: ['conv', 'embedding'] })).toEqual(['model.embed_tokens.weight', 'conv1.weight'])
  expect(names({ chips: ['kept'] })).toEqual(['model.embed_tokens.weight', 'norm.weight'])
  expect(names({ chips: ['kept'], excluded: new Set(['conv1.weight']) })).toContain('conv1.weight')
})

test('sorting by name counts layers, by size and error puts the largest first', () => {
  expect(names({ sort: 'name' }).slice(1, 3)).toEqual(['layers.2.attn.weight', 'layers.10.mlp.weight'])
  expect(names({ sort: 'size' }).at(-1)).toBe('norm.weight')
  expect(names({ sort: 'error' }, { 'norm.weight': 0.1, 'layers.2.attn.weight': 0.5 })[0]).toBe('layers.2.attn.weight')
})

test('what is no matrix is never compressed', () => {
  expect(isCompressed(file[3]!, { included: new Set(['norm.weight']), excluded: new Set() })).toBe(false)
  expect(isCompressed(file[2]!, { included: new Set(['model.embed_tokens.weight']), excluded: new Set() })).toBe(true)
})

test('10,000 tensors are filtered and sorted within a frame or two', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => tensor(`layers.${i}.mlp.weight`))
  const shown = visibleTensors(many, { ...all, search: 'layers.*', sort: 'name' }, () => undefined)
  expect(shown).toHaveLength(10_000)
  expect(shown[9_999]?.name).toBe('layers.9999.mlp.weight')
})
