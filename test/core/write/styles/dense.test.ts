import { describe, expect, it } from 'vitest'
import { decodeFloat64 } from '../../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import type { Params } from '../../../../core/params.ts'
import { type ComputableDType, isComputable } from '../../../../core/tensor.ts'
import { compressJob, openTensors, outcomeOf, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'

const rows = 96
const cols = 128
const rank = 9

async function run(
  output: 'factors' | 'dense',
  params: Partial<Params>,
  stack = false,
  dtype: ComputableDType = 'F32',
) {
  const folder = memoryFolder('out')
  const tensor = stack ? weights('x.experts.w', [2, rows, cols], dtype) : weights('w', [rows, cols], dtype)
  const job = compressJob({ rank, ...params }, { output })
  const report = await compressFile(
    { model: await openTensors(tensor), target: { folder, name: 'o' } },
    job,
    testContext(),
  )
  const file = await openWeightFile({ folder, entry: 'o' })
  const read = async (suffix: string) => {
    const found = file.tensors.find(({ name }) => name === `${tensor.name}${suffix}`)
    if (!found) return null
    const bytes = await file.read(found)
    if (found.dtype === 'I8') return Float64Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    if (found.dtype === 'I64') return Float64Array.from(new BigInt64Array(bytes.slice().buffer), Number)
    if (!isComputable(found.dtype)) throw new Error(found.dtype)
    return decodeFloat64(found.dtype, bytes)
  }
  return { outcome: outcomeOf(report.tensors, tensor.name), read, matrices: stack ? 2 : 1 }
}

/** What a file of factors says, by the convention alone, in f64. */
async function multipliedOut({ read, matrices }: Awaited<ReturnType<typeof run>>): Promise<Float64Array> {
  const what = new Float64Array(matrices * rows * cols)
  const [U, S, Vt] = [await read('.U'), await read('.S'), await read('.Vt')]
  const A = (await read('.lowrank_A')) ?? Vt!
  const B = (await read('.lowrank_B')) ?? U!.map((value, i) => value * S![i % rank]!)
  const [scaleA, scaleB] = [await read('.lowrank_A_scale'), await read('.lowrank_B_scale')]
  const byRow = scaleB?.length === rows
  for (let i = 0; i < what.length; i++) {
    const matrix = Math.floor(i / (rows * cols))
    const [row, col] = [Math.floor(i / cols) % rows, i % cols]
    for (let k = 0; k < rank; k++) {
      const a = A[(matrix * rank + k) * cols + col]! * (scaleA ? scaleA[byRow ? col : k]! : 1)
      const b = B[(matrix * rows + row) * rank + k]! * (scaleB ? scaleB[byRow ? row : k]! : 1)
      what[i]! += a * b
    }
  }
  const [index, value] = [await read('.sparse_index'), await read('.sparse_value')]
  for (const [i, at] of (index ?? []).entries()) what[at]! += value![i]!
  return what
}

/** Of products of `rank` terms in f32, and of one sum. */
function toleranceOf(expected: Float64Array): number {
  return 4 * rank * 2 ** -24 * expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

describe('output dense', () => {
  it.each<[string, Partial<Params>, boolean?]>([
    ['as they come', {}],
    ['BF16', { factorDType: 'BF16' }],
    ['F16 as U, S and Vt', { factorDType: 'F16', factorLayout: 'usv' }],
    ['INT8', { factorDType: 'INT8' }],
    ['with a sparse part', { sparseDensity: 0.02 }],
    ['INT8 with a sparse part', { factorDType: 'INT8', sparseDensity: 0.02 }],
    ['of a stack of experts, with a sparse part', { factorDType: 'BF16', sparseDensity: 0.02 }, true],
  ])('is what the factors say: %s', async (_, params, stack) => {
    const factors = await run('factors', params, stack)
    const dense = await run('dense', params, stack)
    const expected = await multipliedOut(factors)
    const found = (await dense.read(''))!
    const tolerance = toleranceOf(expected)
    expect(found.every((value, i) => Math.abs(value - expected[i]!) <= tolerance)).toBe(true)
    expect(dense.outcome.relativeError).toBeCloseTo(factors.outcome.relativeError!, 5)
    for (const part of ['truncation', 'rounding', 'sparseGain'] as const)
      expect(dense.outcome.split![part], part).toBeCloseTo(factors.outcome.split![part], 3)
  })

  it('rounds twice where the tensor is of half precision, and says so', async () => {
    const factors = await run('factors', { sparseDensity: 0.02 }, false, 'BF16')
    const dense = await run('dense', { sparseDensity: 0.02 }, false, 'BF16')
    const expected = await multipliedOut(factors)
    const found = (await dense.read(''))!
    // Half a unit of BF16's last place, and the product's own rounding.
    for (const [i, value] of found.entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(
        2 ** -8 * Math.abs(expected[i]!) + toleranceOf(expected),
      )
    expect(dense.outcome.split!.rounding).toBeGreaterThan(factors.outcome.split!.rounding)
  })
})
