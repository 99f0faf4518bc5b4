/** What belongs to packed integers: the table of schemes, each with all its companions. */

import { describe, expect, it } from 'vitest'
import { packings } from '../../../../core/formats/quantized/packed.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { defaultParams } from '../../../../core/params.ts'
import { planFile } from '../../../../core/plan/plan.ts'
import type { DType } from '../../../../core/tensor.ts'
import { openTensors, plain, weights } from '../../jobs/harness.ts'

const integers = (name: string, dtype: DType = 'I32', bytes = 4) =>
  plain(name, dtype, [64, 64], new Uint8Array(4096 * bytes))

/** Values are the same in all of them: only names matter here, and values take most of the time. */
const scaleValues = weights('scale', [80, 96], 'F16')
const floatValues = weights('floats', [80, 96])
const weightValues = weights('weight', [96, 96], 'F16')

describe.each(packings)('$scheme ($packed)', ({ scheme, packed, beside }) => {
  const stem = /^_/.test(packed) ? 'm.layers.0.up' : /^\./.test(packed) ? 'm.layers.0.up' : 'm.layers.0.up.'

  it('keeps the packed tensor and every companion, whatever is included', async () => {
    for (const companion of beside) {
      const file = await openTensors(
        integers(stem + packed),
        { ...scaleValues, name: stem + companion },
        { ...weightValues, name: 'm.layers.1.up.weight' },
      )
      const plans = planFile(file, { ...defaultParams, rank: 8 }, { include: ['*'], exclude: [] })
      const of = (name: string) => plans.find(({ info }) => info.name === name)!
      expect(of(stem + companion)).toMatchObject({ action: 'keep', view: null })
      expect(inEnglish(of(stem + companion).reason)).toContain(`It belongs to the packed values of "${stem + packed}"`)
      expect(of(stem + packed)).toMatchObject({ action: 'keep', view: null })
      expect(of('m.layers.1.up.weight').action).toBe('factorize')
      expect(file.notices).toHaveLength(1)
      expect(inEnglish(file.notices[0]!)).toMatch(/^This file is already quantized \(/)
    }
  })

  it('needs the packed tensor and a companion', async () => {
    for (const companion of beside.slice(0, 1)) {
      const lone = await openTensors({ ...scaleValues, name: stem + companion })
      expect(lone.notices).toEqual([])
      const floats = await openTensors(
        { ...floatValues, name: stem + packed },
        { ...floatValues, name: stem + companion },
      )
      expect(floats.tensors.every(({ unfit }) => unfit === undefined)).toBe(true)
    }
    const alone = await openTensors(integers(stem + packed))
    expect([scheme, alone.notices]).toEqual([scheme, []])
  })
})

it('a scale that no table knows, beside an integer weight', async () => {
  const file = await openTensors(
    integers('a.weight', 'U8', 1),
    weights('a.my_new_scales', [80, 96]),
    weights('a.other', [80, 96]),
  )
  expect(Object.fromEntries(file.tensors.map(({ name, unfit }) => [name, unfit !== undefined]))).toEqual({
    'a.weight': true,
    'a.my_new_scales': true,
    'a.other': false,
  })
})

it('integers that are no weights are no packed ones', async () => {
  const file = await openTensors(
    integers('position_ids', 'I64', 8),
    weights('a.weight', [80, 96]),
    weights('a.scale', [80, 96]),
  )
  expect(file.tensors.every(({ unfit }) => unfit === undefined)).toBe(true)
  expect(file.notices).toEqual([])
})
