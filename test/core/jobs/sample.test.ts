import { describe, expect, it } from 'vitest'
import { decodeFloat32 } from '../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { sampleSpectrum, sampleTensors, writeSample } from '../../../core/jobs/sample.ts'
import { exactSingularValues } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import { memoryFolder } from '../memory-folder.ts'
import { testContext } from './harness.ts'

const job = {
  kind: 'sample',
  files: {},
  target: 't',
  layers: 2,
  hidden: 40,
  dtype: 'F32',
  seed: 1,
  force: false,
} as const

async function sample(changes: Partial<{ dtype: 'F32' | 'BF16'; seed: number }> = {}) {
  const folder = memoryFolder('out')
  const context = testContext()
  const report = await writeSample({ target: { folder, name: 's.safetensors' } }, { ...job, ...changes }, context)
  return { report, bytes: folder.files.get('s.safetensors')!, folder, context }
}

describe('writeSample', () => {
  it.each(['F32', 'BF16'] as const)('has the singular values it says, in %s', async (dtype) => {
    const { folder, context, report } = await sample({ dtype })
    const file = await openWeightFile({ folder, entry: 's.safetensors' })
    expect(file.tensors.length).toBe(report.tensors)
    for (const tensor of sampleTensors(job)) {
      const info = file.tensors.find(({ name }) => name === tensor.name)!
      const values = decodeFloat32(dtype, await file.read(info))
      if (!tensor.spectrum) {
        expect(values.every((value) => value === 1)).toBe(true)
        continue
      }
      const [rows = 0, cols = 0] = tensor.shape
      const data = context.kernels.allocateBytes(4 * values.length)
      data.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      const operand = residentOperand(context.kernels, { rows, cols, dtype: 'F32', data, scale: 1 })
      const exact = await exactSingularValues(context.kernels, operand, {
        phase: () => {},
        iteration: () => {},
        checkCancelled: () => {},
      })
      const known = sampleSpectrum(tensor)
      const norm = 0.02 * Math.sqrt(rows * cols)
      // The docstring's bound: every stage rounds once to f32, and BF16 once more at the end.
      const stages = Math.ceil(Math.log2(rows)) + Math.ceil(Math.log2(cols))
      const bound = ((stages + 1) * 2 ** -24 + (dtype === 'BF16' ? 2 ** -9 : 0)) * norm
      for (const [i, s] of known.entries()) expect(Math.abs(exact[i]! - s), `${tensor.name} s${i}`).toBeLessThan(bound)
    }
  })

  it('makes the same bytes for the same seed and others for another', async () => {
    const [a, b, c] = [await sample(), await sample(), await sample({ seed: 2 })]
    expect(a.bytes).toEqual(b.bytes)
    expect(a.bytes).not.toEqual(c.bytes)
    expect(c.bytes.byteLength).toBe(a.bytes.byteLength)
    expect(a.report.bytes).toBe(a.bytes.byteLength)
  })

  it('is the same file on every machine', async () => {
    const { bytes, context } = await sample()
    const hash = context.sha256()
    hash.update(bytes)
    const hex = Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('')
    expect(hex).toBe('dee8c9ebaffdae3af0cafc094c63b779bbd77f5ff0fa532b8d50da9029099645')
  })

  it('refuses to overwrite, and sizes it cannot hold', async () => {
    const { folder } = await sample()
    const target = { folder, name: 's.safetensors' }
    await expect(writeSample({ target }, job, testContext())).rejects.toMatchObject({ code: 'would-overwrite' })
    await expect(
      writeSample({ target: { folder, name: 'x' } }, { ...job, hidden: 65536 }, testContext()),
    ).rejects.toMatchObject({
      code: 'over-limit',
    })
  })
})
