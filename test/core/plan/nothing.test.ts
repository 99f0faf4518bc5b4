import { describe, expect, it } from 'vitest'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { nothingCompressed, type Unshrunk } from '../../../core/plan/nothing.ts'
import { storedAs } from '../../../core/plan/verdict.ts'
import { styles } from '../../../core/styles.ts'
import { type ComputableDType, dtypeBits, matrixView } from '../../../core/tensor.ts'

/** Independent entries: each direction holds as much as any other. */
const noise = Array.from({ length: 257 }, (_, rank) => Math.sqrt(1 - rank / 256))
const falling = Array.from({ length: 257 }, (_, rank) => (1 + rank) ** -0.4)

function saidOf(
  curves: readonly (readonly number[])[],
  changes: Partial<Params>,
  dtype: ComputableDType = 'F32',
  weighted = false,
  rounded?: readonly number[],
) {
  const params = { ...defaultParams, ...changes }
  const matrices = curves.map((curve, i): Unshrunk => {
    const info = { name: `w${i}`, dtype, shape: [256, 256], byteLength: (256 * 256 * dtypeBits[dtype]) / 8 }
    return {
      info,
      view: matrixView(info)!,
      stored: storedAs(dtype, params, styles.factors),
      curve,
      ...(rounded && { rounded }),
    }
  })
  const totalBytes = matrices.reduce((sum, { info }) => sum + info.byteLength, 0)
  const asked = { params, style: styles.factors, totalBytes, entries: curves.length * 256 * 256, weighted }
  const { parts, remedy } = nothingCompressed(matrices, asked)
  return { text: inEnglish(parts), remedy }
}

describe('a model of which nothing would be compressed', () => {
  it('names the least error there is, the noise, and INT8 with what it comes to', () => {
    const { text, remedy } = saidOf([noise, noise], { goalError: 0.05 })
    // At rank 127, the last below break-even: sqrt(1 - 127 / 256) = 70.99 %.
    expect(text).toContain('No matrix reaches 5.00 % below break-even: the least is 70.99 %.')
    expect(text).toContain('All 2 have no more structure than random noise')
    expect(text).toMatch(/INT8 factors \(--factor-dtype INT8\) would bring the file to about 5\d\.\d\d %/)
    expect(text).toContain('(--statistics), it may still be compressible')
    expect(remedy).toEqual({ factorDType: 'INT8' })
  })

  it('counts a matrix against the whole model where the goal is of the model', () => {
    const { text } = saidOf([noise, noise, noise, noise], { goalError: 0.05, goalScope: 'model' })
    // One of four: half of 70.99 %.
    expect(text).toContain('Compressing any matrix takes the model error to 35.49 % or more; the goal is 5.00 %.')
  })

  it('offers the largest rank that saves, where a rank is too large', () => {
    const { text, remedy } = saidOf([falling], { rank: 200 })
    expect(text).toContain('At rank 200 no matrix gets smaller. Rank 127 is the largest that makes one smaller.')
    expect(text).not.toContain('noise')
    expect(remedy).toEqual({ rank: 127 })
  })

  it('says nothing of INT8 factors that would be as large, nor of statistics that are there', () => {
    const { text, remedy } = saidOf([noise], { goalError: 0.05 }, 'BF16', true)
    expect(text).toContain('Quantization can make such weights smaller')
    expect(text).not.toMatch(/INT8|--statistics|noise/)
    expect(remedy).toBeNull()
  })

  it('names the limit of ranks where that comes before break-even, and no INT8 that it puts out of reach', () => {
    const { text, remedy } = saidOf([noise], { goalError: 0.05, maxRank: 64 })
    // sqrt(1 - 64 / 256)
    expect(text).toContain(
      'At ranks up to 64, the largest allowed (--max-rank), the least error is 86.60 %; the goal is 5.00 %.',
    )
    expect(text).not.toMatch(/break-even|INT8/)
    expect(remedy).toBeNull()
  })

  it('counts what rounding adds, and names no least error below the goal', () => {
    const small = noise.map((error) => error / 72)
    const rounded = small.map((error) => error + 0.002)
    expect(saidOf([small], { goalError: 0.01 }).text).toContain('with an error of 1.00 % or less')
    expect(saidOf([small], { goalError: 0.01 }, 'F32', false, rounded).text).toContain('the least is 1.19 %')
  })

  it('takes more matrices than a call takes arguments', () => {
    const many = Array.from({ length: 150_000 }, () => [])
    expect(saidOf(many, { goalError: 0.05 }).text).toContain('No matrix gets smaller with an error of 5.00 % or less')
  })

  it('names rules where nothing may be factorized at all', () => {
    expect(saidOf([], {}).text).toContain('left out by choice, or kept for its name or its shape')
  })
})
