/** What every sentence of both languages must be, tried on all of them with values of every kind. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chinese } from '../../../core/messages/chinese.ts'
import { english, type Key } from '../../../core/messages/english.ts'
import type { Words } from '../../../core/messages/message.ts'

const keys = Object.keys(english) as Key[]

/** Stands for whatever a sentence expects: text that is none of its own words, a number, a list. */
const anything = (number: number): unknown =>
  Object.assign([number, number], {
    [Symbol.toPrimitive]: (hint: string) => (hint === 'number' ? number : '〈v〉'),
    join: () => '〈v〉',
    map: () => anything(number),
    toString: () => '〈v〉',
  })
const valuesOf = (value: unknown) => new Proxy({}, { get: () => value })
const words: Words = {
  place: 'page',
  text: () => '〈m〉',
  act: () => '〈a〉',
  count: () => '〈n〉',
  bytes: () => '〈b〉',
  percent: () => '〈p〉',
  increase: () => '〈p〉',
  shape: () => '〈s〉',
  list: () => '〈l〉',
}

/** A sentence has branches: one value or several, none, equal ones. */
function spoken(catalog: typeof chinese, key: Key): string[] {
  const samples = [valuesOf(anything(2)), valuesOf(anything(1)), valuesOf(1), valuesOf(null)]
  return samples.flatMap((values) => {
    try {
      return [`${catalog[key](values as never, words)}`.replaceAll('null', '')]
    } catch {
      // Not every sentence takes every kind of value; one of the first two it takes.
      return []
    }
  })
}

test.each(keys)('%s is a text in both languages', (key) => {
  for (const catalog of [english, chinese]) {
    const said = spoken(catalog, key)
    expect(said.some((text) => text.trim() !== '')).toBe(true)
    for (const text of said) {
      expect(text).not.toMatch(/undefined|\[object|NaN NaN/)
    }
  }
})

test('every sentence is said somewhere', () => {
  const root = new URL('../../../', import.meta.url)
  const text = globSync('{core,main,renderer}/**/*.{ts,tsx}', { cwd: root })
    .filter((file) => !/messages.(english|chinese)/.test(file))
    .map((file) => readFileSync(new URL(file, root), 'utf8'))
    .join('')
  const beginnings = [...text.matchAll(/say\(`([a-z]+\.)\$\{/g)].map(([, beginning]) => beginning!)
  const isSaid = (key: Key) => text.includes(`'${key}'`) || beginnings.some((beginning) => key.startsWith(beginning))
  expect(keys.filter((key) => !isSaid(key))).toEqual([])
})

/** Names that are the same in every language: of formats, dtypes, methods, programs, units. */
const names = new Set(
  [
    ...[
      'NaN',
      'LoHa',
      'Tucker',
      'LoKr',
      'DoRA',
      'ComfyUI',
      'comfy',
      'alpha',
      'sv',
      'ratio',
      'cumulative',
      'fro',
      'config',
      'json',
      'Inf',
      'SVD',
      'SIGKILL',
      'WebAssembly',
      'SIMD',
      'JavaScript',
      'Node',
      'MB',
      'GhostSVD',
      'GPU',
      'CPU',
      'npm',
      'Vulkan',
      'Metal',
      'Direct3D',
      'Eckart',
      'Young',
    ],
    ...['INT8', 'BF16', 'F8', 'F16', 'F32', 'NumPy', 'Python', 'pickle', 'Git', 'LFS', 'HTTP', 'LoRA', 'rank'],
    ...['PDF', 'zip', 'HDF5', 'Keras', 'MATLAB', 'GGUF', 'GGML', 'TensorFlow', 'Lite', 'SQLite'],
    ...['PyTorch', 'NeMo', 'Zarr', 'onnxruntime', 'MatMul', 'Gemm', 'Conv', 'Gather'],
    ...[
      'Electron',
      'Linux',
      'WebGPU',
      'Chromium',
      'ONNX',
      'PEFT',
      'kohya',
      'Gram',
      'imatrix',
      'Hessian',
      'CorDA',
      'Jacobi',
      'Halko',
      'Martinsson',
      'Tropp',
    ],
    ...['MatMul', 'Gemm', 'Conv', 'Gather'],
    ...['safetensors', 'pt', 'gguf', 'npy', 'npz', 'onnx', 'aguf'],
  ].map((name) => name.toLowerCase()),
)
const foreignIn = (text: string) =>
  (text.replace(/“[^”]*”/g, '').match(/[A-Za-z][A-Za-z0-9]+/g) ?? []).filter((word) => !names.has(word.toLowerCase()))

test.each(keys)('%s has no English in its Chinese but what it quotes', (key) => {
  for (const text of spoken(chinese, key)) expect(foreignIn(text), text).toEqual([])
})

test('English in a Chinese sentence is found', () => {
  expect(foreignIn('无法读取 w：permission denied。')).toEqual(['permission', 'denied'])
  expect(foreignIn('无法读取（“permission denied”）。')).toEqual([])
})
