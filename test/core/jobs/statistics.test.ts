import { expect, test } from 'vitest'
import type { StatisticsLook } from '../../../core/contract.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { runJob } from '../../../core/jobs/registry.ts'
import { memoryFolder } from '../memory-folder.ts'
import { fileBytes, plain, testContext, weights } from './harness.ts'

const numbers = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
const opened = (name: string, bytes: Uint8Array) =>
  openWeightFile({ folder: memoryFolder('in', new Map([[name, bytes]])), entry: name })

test('a file of statistics is told by its content, with what it covers and where it is from', async () => {
  const layer = (name: string) => `model.layers.0.self_attn.${name}.weight`
  const model = await opened(
    'm.safetensors',
    fileBytes(['q_proj', 'k_proj', 'o_proj'].map((one) => weights(layer(one), [6, 4]))),
  )
  const sums = [
    plain(`${layer('q_proj')}.sum2`, 'F32', [4], numbers(1, 2, 3, 4)),
    plain(`${layer('q_proj')}.count`, 'F32', [1], numbers(8)),
  ]
  const about = new Map([
    ['ghostsvd.calibration.inputs', 'given'],
    ['ghostsvd.calibration.samples', '8'],
  ])
  const statistics = await opened('s.safetensors', fileBytes(sums, about))
  const job = { kind: 'statistics', files: { model: '', statistics: '' } } as const
  const { report } = await runJob(job, { opened: { model, statistics }, target: null }, testContext())
  expect(report as StatisticsLook).toMatchObject({
    form: 'sums',
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    ...{ total: 3, covered: 2, borrowed: 1 },
    tensors: [
      { name: layer('q_proj'), kind: 'diagonal', from: null },
      { name: layer('k_proj'), kind: 'diagonal', from: layer('q_proj') },
    ],
    calibration: { inputs: 'given', samples: 8 },
  })
})
