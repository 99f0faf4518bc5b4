import { expect, it } from 'vitest'
import { layOut } from '../../../core/plan/output-files.ts'
import { outputStyle } from '../../../core/write/styles/registry.ts'

it('gives shards that differ in their endings alone files of their own', () => {
  const names = [
    'a.bin',
    'a.pt',
    'A.safetensors',
    'a-2.ckpt',
    'model-00001-of-00002.bin',
    'pytorch_model-00001-of-00002.bin',
  ]
  const shards = names.map((fileName) => ({ fileName, tensorNames: [] }))
  const { files } = layOut({ totalBytes: 0, tensors: [], shards }, [], outputStyle('dense'), 'out')
  const found = files.map(({ name }) => name)
  expect(new Set(found.map((name) => name.toLowerCase())).size).toBe(names.length)
  expect(found.slice(0, 4)).toEqual(['a.safetensors', 'a-3.safetensors', 'A-4.safetensors', 'a-2.safetensors'])
  expect(found[4]).toBe('model-00001-of-00002.safetensors')
})
