import { describe, expect, it } from 'vitest'
import { formats } from '../../core/formats/registry.ts'
import { entryName, isWeightName, weightEndings, withoutWeightEnding } from '../../core/weight-formats.ts'

describe('formats of weight files', () => {
  it('has a reader for each', () => {
    expect(formats.map(({ id }) => id)).toEqual(Object.keys(weightEndings))
  })

  it('offers what they end in, and the indexes that name them', () => {
    for (const endings of Object.values(weightEndings))
      for (const ending of endings) expect(isWeightName(`MODEL${ending.toUpperCase()}`)).toBe(true)
    expect(isWeightName('pytorch_model.bin.index.json')).toBe(true)
    expect(isWeightName('config.json')).toBe(false)
  })

  it('opens the one of several files that names the others', () => {
    expect(entryName(['a-00001-of-00002.safetensors', 'a.safetensors.index.json'])).toBe('a.safetensors.index.json')
    expect(entryName(['A-1.SAFETENSORS', 'A.SAFETENSORS.INDEX.JSON'])).toBe('A.SAFETENSORS.INDEX.JSON')
    expect(entryName(['a.fp16-1.safetensors', 'a.safetensors.index.fp16.json'])).toBe('a.safetensors.index.fp16.json')
    expect(entryName(['model.ckpt.data-00000-of-00001', 'model.ckpt.index'])).toBe('model.ckpt.index')
    expect(entryName(['README.md', 'model.nemo'])).toBe('model.nemo')
    expect(entryName(['README.md'])).toBe('README.md')
    expect(entryName([])).toBeUndefined()
  })

  it('takes an ending off a name, and never the whole name', () => {
    expect(
      ['a.nemo', 'a.Safetensors', 'a.bin.index.json', 'a.bin.index.fp16.json', 'config.json', '.metadata'].map(
        withoutWeightEnding,
      ),
    ).toEqual(['a', 'a', 'a', 'a', 'config.json', '.metadata'])
  })
})
