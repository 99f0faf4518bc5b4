import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../../core/formats/registry.ts'
import { memoryFolder } from '../../../../core/io.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, fileBytes, openTensors, outcomeOf, plain, testContext, weights } from '../../jobs/harness.ts'

const up = weights('layers.0.up.weight', [96, 128])
const narrow = weights('layers.1.up.weight', [64, 72])
const conv = weights('down.conv.weight', [64, 32, 3, 3])
const experts = weights('layers.0.experts.up', [3, 64, 80])
const norm = weights('norm.weight', [128])

async function adapterOf(output: 'peft' | 'kohya', name: string) {
  const folder = memoryFolder('out')
  const job = compressJob({ rank: 8 }, { output })
  const file = await openTensors(up, narrow, conv, experts, norm)
  const report = await compressFile({ model: file, target: { folder, name } }, job, testContext())
  return { folder, report, of: (tensor: string) => outcomeOf(report.tensors, tensor) }
}

const shapesOf = async (folder: ReturnType<typeof memoryFolder>, entry: string) => {
  const file = await openWeightFile({ folder, entry })
  return { file, shapes: Object.fromEntries(file.tensors.map(({ name, shape }) => [name, shape])) }
}

describe('output peft', () => {
  it('is a folder of weights and configuration, field by field', async () => {
    const { folder, report } = await adapterOf('peft', 'adapter')
    const inner = folder.folders.get('adapter')!
    expect([...inner.files.keys()].sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
    const { shapes, file } = await shapesOf(inner, 'adapter_model.safetensors')
    expect(shapes).toEqual({
      'base_model.model.layers.0.up.lora_A.weight': [8, 128],
      'base_model.model.layers.0.up.lora_B.weight': [96, 8],
      'base_model.model.layers.1.up.lora_A.weight': [8, 72],
      'base_model.model.layers.1.up.lora_B.weight': [64, 8],
      'base_model.model.down.conv.lora_A.weight': [8, 32, 3, 3],
      'base_model.model.down.conv.lora_B.weight': [64, 8, 1, 1],
    })
    expect(file.metadata.get('format')).toBe('pt')
    expect(JSON.parse(new TextDecoder().decode(inner.files.get('adapter_config.json')))).toEqual({
      peft_type: 'LORA',
      task_type: null,
      base_model_name_or_path: null,
      inference_mode: true,
      target_modules: expect.arrayContaining(['layers.0.up', 'layers.1.up', 'down.conv']),
      r: 8,
      lora_alpha: 8,
      rank_pattern: {},
      alpha_pattern: {},
      lora_dropout: 0,
      bias: 'none',
      fan_in_fan_out: false,
    })
    const bytes = [...inner.files.values()].reduce((sum, each) => sum + each.byteLength, 0)
    expect(report.bytesAfter).toBe(bytes)
  })

  it('leaves to the base model what it cannot hold, and says so', async () => {
    const { of } = await adapterOf('peft', 'adapter')
    expect(of(norm.name)).toMatchObject({ action: 'kept', bytesAfter: 0 })
    expect(of(experts.name)).toMatchObject({
      action: 'kept',
      reason: expect.stringMatching(/stack of experts.*Not part of the adapter/),
    })
  })
})

describe('output kohya', () => {
  it('names, shapes, alpha and metadata', async () => {
    const { folder } = await adapterOf('kohya', 'lora.safetensors')
    const { shapes, file } = await shapesOf(folder, 'lora.safetensors')
    expect(shapes).toEqual({
      'lora_unet_layers_0_up.lora_down.weight': [8, 128],
      'lora_unet_layers_0_up.lora_up.weight': [96, 8],
      'lora_unet_layers_0_up.alpha': [],
      'lora_unet_layers_1_up.lora_down.weight': [8, 72],
      'lora_unet_layers_1_up.lora_up.weight': [64, 8],
      'lora_unet_layers_1_up.alpha': [],
      'lora_unet_down_conv.lora_down.weight': [8, 32, 3, 3],
      'lora_unet_down_conv.lora_up.weight': [64, 8, 1, 1],
      'lora_unet_down_conv.alpha': [],
    })
    expect(file.metadata.get('ss_network_dim')).toBe('8')
    const alpha = file.tensors.find(({ name }) => name === 'lora_unet_down_conv.alpha')!
    expect(new DataView((await file.read(alpha)).buffer).getFloat32(0, true)).toBe(8)
  })
})

describe('output dense of a sharded model', () => {
  it('has the same shards and an index that names them', async () => {
    const ids = plain('ids', 'I64', [2], new Uint8Array(16))
    const source = memoryFolder('model')
    source.files.set('model-00001-of-00002.safetensors', fileBytes([up, norm]))
    source.files.set('model-00002-of-00002.safetensors', fileBytes([narrow, ids]))
    const weightMap = { [up.name]: 1, [norm.name]: 1, [narrow.name]: 2, ids: 2 }
    const shard = (number: number) => `model-0000${number}-of-00002.safetensors`
    const index = {
      metadata: {},
      weight_map: Object.fromEntries(Object.entries(weightMap).map(([name, n]) => [name, shard(n)])),
    }
    source.files.set('model.safetensors.index.json', new TextEncoder().encode(JSON.stringify(index)))

    const folder = memoryFolder('out')
    const file = await openWeightFile({ folder: source, entry: null })
    const report = await compressFile(
      { model: file, target: { folder, name: 'dense' } },
      compressJob({ rank: 8 }, { output: 'dense' }),
      testContext(),
    )
    const inner = folder.folders.get('dense')!
    expect([...inner.files.keys()].sort()).toEqual([shard(1), shard(2), 'model.safetensors.index.json'])
    const written = await openWeightFile({ folder: inner, entry: null })
    const outline = (tensors: typeof file.tensors) =>
      new Set(tensors.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`))
    expect(outline(written.tensors)).toEqual(outline(file.tensors))
    expect(report.tensors).toHaveLength(4)
  })
})
