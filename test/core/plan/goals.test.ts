import { describe, expect, it } from 'vitest'
import { say } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { candidateOf, refusalAt } from '../../../core/plan/candidate.ts'
import { breakEvenRank, hasUsefulRank, largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { leastRank, withRanks } from '../../../core/plan/goals.ts'
import { type FactorizedTensor, planFile } from '../../../core/plan/plan.ts'
import { type Storable, storedAs, worthless } from '../../../core/plan/verdict.ts'
import { noRules } from '../../../core/rules.ts'
import { styles } from '../../../core/styles.ts'
import { type ComputableDType, dtypeBits, matrixView } from '../../../core/tensor.ts'

const matrixOf = (dtype: ComputableDType, shape: readonly [number, number], params: Params = defaultParams) => {
  const [rows, cols] = shape
  const info = { name: 'w', dtype, shape, byteLength: (rows * cols * dtypeBits[dtype]) / 8 }
  return {
    info,
    view: matrixView({ name: 'w', shape })!,
    stored: storedAs(dtype, params, styles.factors),
  } satisfies Storable
}
/** Falls like a spectrum 1 / i^2. */
const curve = Array.from({ length: 513 }, (_, rank) => 1 / Math.sqrt(1 + rank))

describe('break-even', () => {
  it('is at m n / (m + n) where nothing stands beside factors of the same dtype', () => {
    const at = (rows: number, cols: number) => {
      const { info, view, stored } = matrixOf('BF16', [rows, cols])
      return breakEvenRank(info, view, stored)
    }
    expect(at(4096, 4096)).toBe(2048)
    expect(at(64, 4096)).toBe(63)
    expect(at(1, 1)).toBe(0)
  })

  it('counts dtypes, scales, singular values and the sparse part', () => {
    const at = (changes: Partial<Params>) => {
      const { info, view, stored } = matrixOf('BF16', [4096, 4096], { ...defaultParams, ...changes })
      return breakEvenRank(info, view, stored)
    }
    expect(at({ factorDType: 'F32' })).toBe(1024)
    expect(at({ factorDType: 'INT8' })).toBe(4092)
    expect(at({ factorLayout: 'usv' })).toBe(2047)
    expect(at({ sparseDensity: 0.01 })).toBe(1925)
  })

  it('is the first rank that saves nothing', () => {
    const { info, view, stored } = matrixOf('F32', [1024, 1024])
    expect(breakEvenRank(info, view, stored)).toBe(512)
    expect(largestUsefulRank(info, view, stored)).toBe(511)
  })

  it('is there where one of two ranks is smaller', () => {
    for (const factorDType of ['keep', 'F32', 'INT8'] as const)
      for (const factorLayout of ['ab', 'usv'] as const)
        for (const rows of [1, 2, 3, 4, 5, 64, 99, 100, 101, 4096])
          for (const cols of [1, 2, 3, 8, 100, 101, 4096])
            for (const dtype of ['BF16', 'F8_E4M3'] as const) {
              const { info, view, stored } = matrixOf(dtype, [rows, cols], {
                ...defaultParams,
                factorDType,
                factorLayout,
              })
              const largest = largestUsefulRank(info, view, stored)
              expect(hasUsefulRank(info, view, stored), `${rows} x ${cols} ${factorDType}`).toBe(largest > 0)
            }
  })
})

describe('factors that miss by more than the matrix', () => {
  const asked = { ...defaultParams, factorDType: 'INT8', int8Always: true, sparseDensity: 0.01 } as const
  const { info } = matrixOf('F32', [1024, 1024])
  const [plan] = planFile({ tensors: [info] }, asked, noRules) as [FactorizedTensor]
  const candidate = (truncation: number, rounding: number) => {
    const flat = (value: number) => curve.map(() => value)
    const spectrum = {
      frobeniusNorm: 1,
      truncation: flat(truncation),
      rounding: { BF16: flat(0), F16: flat(0), INT8: flat(rounding) },
    }
    return candidateOf(plan, 1, spectrum, asked, { stored: (dtype) => dtype, isDifference: false })
  }

  it('are refused for what they miss before a sparse part is added, as the run refuses them', () => {
    const found = candidate(0.5, 0.505)
    expect(found.squaredErrors[8]).toBeLessThan(1)
    expect(refusalAt(found, 8, 0)).toEqual(say('overflow.worthless', { dtype: 'INT8', error: Math.sqrt(1.005) }))
    expect(refusalAt(candidate(0.1, 0.8), 8, 0)).toBeNull()
  })

  it('are refused where truncation is the larger part and rounding lifts it over the matrix', () => {
    expect(refusalAt(candidate(0.8, 0.6), 8, 0)).not.toBeNull()
    expect(worthless('INT8', { total: 1.2, truncation: 0.9, rounding: 0.8 })).not.toBeNull()
  })

  it('are left to the internal check where rounding does not explain it', () => {
    expect(worthless('BF16', { total: 1.2, truncation: 0.9, rounding: 0.01 })).toBeNull()
  })
})

describe('the least rank of a tensor on its own', () => {
  const params = (changes: Partial<Params>) => ({ ...defaultParams, ...changes })

  it.each(['F64', 'F32'] as const)('is the one a run gives it: %s', (dtype) => {
    for (const goalError of [0.9, 0.5, 0.3, 0.1, 0.06, 0.05, 0.0447, 0.004])
      for (const changes of [{}, { maxRank: 16 }, { minRank: 40 }]) {
        const asked = params({ goalError, ...changes })
        const matrix = matrixOf(dtype, [1024, 1024], asked)
        const [plan] = planFile({ tensors: [matrix.info] }, asked, noRules) as [FactorizedTensor]
        const none = curve.map(() => 0)
        const rounding = { BF16: none, F16: none, INT8: none }
        const spectrum = { frobeniusNorm: 1, truncation: curve.map((error) => error ** 2), rounding }
        const weighing = { predict: () => 0, stored: (written: typeof dtype) => written } as never
        const candidate = candidateOf(plan, 1, spectrum, asked, weighing)
        const [run] = withRanks([plan], [candidate], asked, { totalBytes: 0 }, weighing, 0)
        const expected = run!.action === 'factorize' ? run!.params.rank : null
        expect(leastRank(matrix, curve, asked), `${goalError} ${JSON.stringify(changes)}`).toBe(expected)
      }
  })

  it('is unknown where the curve ends before the ranks that may be chosen do', () => {
    const asked = params({ goalError: 0.2 })
    const matrix = matrixOf('F32', [1024, 1024], asked)
    expect(leastRank(matrix, curve.slice(0, 10), asked)).toBeUndefined()
    expect(leastRank(matrix, curve.slice(0, 100), asked)).toBe(25)
  })

  it('is unknown where more than its own curve decides', () => {
    for (const changes of [
      { goalScope: 'model' },
      { factorDType: 'INT8' },
      { factorDType: 'BF16' },
      { sparseDensity: 0.01 },
      { goalError: 0, goalSize: 0.5 },
    ] as const) {
      const asked = params({ goalError: 0.2, ...changes })
      expect(leastRank(matrixOf('F32', [1024, 1024], asked), curve, asked)).toBeUndefined()
    }
  })
})
