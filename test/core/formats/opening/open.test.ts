import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { memorySource } from '../../../../core/io.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { concat, entry, openBytes, openFolder, refusal, safetensorsFile, text } from '../corpus.ts'

const small = safetensorsFile(`{"a":${entry('U8', [1], 0, 1)}}`, 1)

describe('choice by content', () => {
  it('opens a file whatever it is called', async () => {
    for (const name of ['a.safetensors', 'a.npy', 'a.pt', 'a', 'a.jpg'])
      expect((await openBytes(name, small)).format).toBe('safetensors')
  })

  it('takes a damaged safetensors file for what it is, whatever the length of its header looks like', async () => {
    const damaged = safetensorsFile(`{"a":${entry('U8', [1], 0, 1)}}`.padEnd(640), 1)
    damaged[8] = 0xff
    expect([damaged[0], damaged[1]]).toEqual([0x80, 2])
    expect((await refusal(() => openBytes('x.safetensors', damaged))).message).toMatch(
      /^x\.safetensors: header: expected/,
    )
  })

  it('looks at no neighbours of a file that stands alone', async () => {
    const folder = {
      name: '',
      list: () => Promise.reject(new Error('listed')),
      open: async () => memorySource('a.safetensors', small),
      inside: () => memoryFolder('none'),
    }
    expect((await openWeightFile({ folder, entry: 'a.safetensors' })).tensors).toHaveLength(1)
  })

  it('opens the one weight file of a folder', async () => {
    expect((await openFolder({ 'README.md': text('x'), 'model.safetensors': small })).tensors).toHaveLength(1)
    expect((await refusal(() => openFolder({ 'README.md': text('x') }))).code).toBe('not-found')
    expect((await refusal(() => openFolder({ 'a.safetensors': small, 'b.safetensors': small }))).message).toMatch(
      /^\w+ holds 2 models \(a\.safetensors, b\.safetensors\)\. Open one of them\.$/,
    )
  })

  it('passes over what trainers leave beside a model', async () => {
    const files = {
      'pytorch_model.bin': small,
      'training_args.bin': small,
      'optimizer.pt': small,
      'rng_state_0.pth': small,
    }
    expect((await openFolder(files)).shards[0]!.fileName).toBe('pytorch_model.bin')
  })

  const pad = new Uint8Array(600)
  it.each([
    ['lookalike.picture', concat(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), pad)],
    ['lookalike.picture', concat(Uint8Array.of(0x89), text('PNG\r\n'), pad)],
    ['lookalike.packed', concat(Uint8Array.of(0x1f, 0x8b, 8), pad)],
    ['lookalike.web-page', text('<!DOCTYPE html><html><body>404 Not Found</body></html>')],
    ['lookalike.empty', new Uint8Array(0)],
    ['lookalike.lfs-pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n')],
    ['lookalike.text', text('{"weight_map": "x"}')],
    ['lookalike.matlab', concat(text('MATLAB 5.0 MAT-file, Platform: GLNX86'), pad)],
    ['lookalike.text', text('To be, or not to be, that is the question')],
    ['lookalike.zeros', pad],
    ['lookalike.packed', concat(pad.subarray(0, 257), text('ustar'), pad)],
    ['lookalike.unknown', Uint8Array.of(1, 2, 3)],
  ])('names what it looks like: %s', async (key, bytes) => {
    const error = await refusal(() => openBytes('model.bin2', bytes))
    expect(error.code).toBe('bad-file')
    expect(error.said).toMatchObject([{ key, values: { name: 'model.bin2' } }])
  })

  it('a JPEG renamed .safetensors', async () => {
    const error = await refusal(() => openBytes('x.safetensors', concat(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), pad)))
    expect(error.message).toMatch(/^x\.safetensors is a picture \(JPEG\), not weights\./)
  })
})

const weights = new URL('../../../fixtures/weights/', import.meta.url)
describe('published weights', () => {
  const load = (name: string) => new Uint8Array(readFileSync(new URL(name, weights)))

  it('opens silero_vad_16k.safetensors', async () => {
    const file = await openBytes('silero.safetensors', load('silero_vad_16k.safetensors'))
    expect(file.tensors.length).toBeGreaterThan(7)
    expect(file.tensors.every((t) => t.dtype === 'F32')).toBe(true)
  })

  it('opens mlstm_wx.npy', async () => {
    const file = await openBytes('mlstm_wx.npy', load('mlstm_wx.npy'))
    expect(file.tensors).toEqual([{ name: 'array', dtype: 'F32', shape: [64, 4096], byteLength: 1048576 }])
  })
})
