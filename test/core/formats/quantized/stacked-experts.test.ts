/** Stacks of experts in two axes, which only the model's configuration tells from one matrix. */
import { expect, it } from 'vitest'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { describeFile, viewOf } from '../../../../core/plan/describe.ts'
import { matrixView } from '../../../../core/tensor.ts'
import { compressJob, fileBytes, outcomeOf, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'

const name = 'transformer.blocks.0.ffn.experts.mlp.w1'
const stack = weights(name, [4 * 72, 80])
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

function opened(config: Uint8Array | null) {
  const files = new Map([['model.safetensors', fileBytes([stack, weights('mlp.w1.weight', [288, 80])])]])
  if (config) files.set('config.json', config)
  return openWeightFile({ folder: memoryFolder('in', files), entry: 'model.safetensors' })
}

it('is as many matrices as config.json says, and factorized so; a dense copy has its shape', async () => {
  const file = await opened(text({ model_type: 'dbrx', ffn_config: { moe_num_experts: 4 } }))
  expect(file.tensors.map((tensor) => matrixView(tensor)?.count)).toEqual([4, 1])
  expect(describeFile(file).map((report) => viewOf(report)?.count)).toEqual([4, 1])
  for (const [output, shapes] of [
    ['factors', { [`${name}.lowrank_A`]: [4, 8, 80], [`${name}.lowrank_B`]: [4, 72, 8] }],
    ['dense', { [name]: [288, 80] }],
  ] as const) {
    const folder = memoryFolder('out')
    const target = { folder, name: 'o.safetensors' }
    const report = await compressFile({ model: file, target }, compressJob({ rank: 8 }, { output }), testContext())
    expect(outcomeOf(report.tensors, name)).toMatchObject({ action: 'factorized', rank: 8 })
    const written = await openWeightFile({ folder, entry: 'o.safetensors' })
    expect(Object.fromEntries(written.tensors.map((each) => [each.name, each.shape]))).toMatchObject(shapes)
  }
})

it.each([
  ['none', null],
  ['no JSON', text('x').slice(1)],
  ['one of another model', text({ num_experts: 4 })],
  ['a number that does not divide it', text({ ffn_config: { moe_num_experts: 5 } })],
  ['no number', text({ ffn_config: { moe_num_experts: 'four' } })],
  ['a number below two', text({ ffn_config: { moe_num_experts: -4 } })],
])('is one matrix beside a config.json that is: %s', async (_, config) => {
  expect((await opened(config)).tensors.map((tensor) => matrixView(tensor)?.count)).toEqual([1, 1])
})
