import { describe, expect, it } from 'vitest'
import { type AppError, toErrorReport } from '../../../core/errors.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { candidateOf } from '../../../core/plan/candidate.ts'
import { withRanks } from '../../../core/plan/goals.ts'
import { isFactorized, planFile } from '../../../core/plan/plan.ts'
import { bytesForError, errorAtSize, tradeOffOf } from '../../../core/plan/trade-off.ts'
import { noRules } from '../../../core/rules.ts'
import { styles } from '../../../core/styles.ts'
import { elementCount, encodedBytes, type TensorInfo } from '../../../core/tensor.ts'

interface Matrix {
  readonly side: number
  /** Squared relative error at a rank, of `side`. */
  readonly error: (rank: number, side: number) => number
}

/** Singular values that are all alike: nothing is bought cheaper than whole. */
const noise = (rank: number, side: number) => 1 - rank / side
const falling = (power: number) => (rank: number) => (1 + rank) ** -power

/** What a goal is settled with, of matrices with these spectra; the header of the output is a constant. */
function modelOf(matrices: readonly Matrix[], changes: Partial<Params>) {
  const tensors = matrices.map(
    ({ side }, i): TensorInfo => ({
      name: `layers.${i}.w.weight`,
      dtype: 'F32',
      shape: [side, side],
      byteLength: 4 * side * side,
    }),
  )
  const totalBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const params = { ...defaultParams, minRank: 1, ...changes, goalSize: totalBytes } as Params
  const open = planFile({ tensors }, params, noRules)
  const weighing = {
    predict: (plans: typeof open) =>
      plans.reduce(
        (sum, plan) =>
          sum + (isFactorized(plan) ? factorBytes(plan.info.name, plan.params.rank) : encodedBytes(plan.info)),
        500,
      ),
    stored: (dtype: never) => dtype,
    isDifference: false,
  }
  const candidates = open.filter(isFactorized).map((plan, i) => {
    const { side, error } = matrices[i]!
    const truncation = Array.from({ length: plan.sketch.rank + 1 }, (_, rank) => error(rank, side))
    const none = truncation.map(() => 0)
    return candidateOf(
      plan,
      1,
      { frobeniusNorm: 1, truncation, rounding: { BF16: none, F16: none, INT8: none } },
      params,
      weighing,
    )
  })
  const byName = new Map(candidates.map((candidate) => [candidate.name, candidate]))
  const factorBytes = (name: string, rank: number) => byName.get(name)!.bytesAt(rank)
  const entries = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  const planAt = (goalSize: number) => {
    const plans = withRanks(open, candidates, { ...params, goalSize }, { totalBytes }, weighing, 0)
    const squared = plans.reduce(
      (sum, plan) =>
        sum +
        (isFactorized(plan)
          ? elementCount(plan.info.shape) * byName.get(plan.info.name)!.squaredErrors[plan.params.rank]!
          : 0),
      0,
    )
    return { bytes: weighing.predict(plans), error: Math.sqrt(squared / entries) }
  }
  const choice = {
    open,
    candidates,
    keptError: 0,
    multipliesOut: styles.factors.multipliesOut,
    bytesOf: weighing.predict,
  }
  return { totalBytes, params, planAt, tradeOff: tradeOffOf(choice, params) }
}

const large: readonly Matrix[] = [
  { side: 1024, error: noise },
  { side: 768, error: noise },
  { side: 1024, error: falling(0.1) },
  { side: 512, error: noise },
]
const small: readonly Matrix[] = Array.from({ length: 300 }, (_, i) => ({
  side: 64 << (i % 2),
  error: i % 7 === 0 ? noise : falling(0.1 + 0.004 * i),
}))

describe('the curve of sizes', () => {
  it.each([
    ['few large matrices', large, {}],
    ['many small ones', small, {}],
    ['noise alone', large.map(({ side }) => ({ side, error: noise })), {}],
    ['greedy ranks', large, { allocation: 'greedy' }],
    ['half-precision factors', small.slice(0, 40), { factorDType: 'BF16' }],
  ] as [string, readonly Matrix[], Partial<Params>][])(
    'of %s says what the plan for each size comes to',
    (_, matrices, changes) => {
      const { totalBytes, planAt, tradeOff } = modelOf(matrices, changes)
      for (let share = 0.02; share < 1; share += 0.0237) {
        const goal = Math.round(share * totalBytes)
        const least = tradeOff[0]![0]
        if (goal < least) {
          expect(errorAtSize(tradeOff, goal)).toBeNull()
          continue
        }
        const plan = planAt(goal)
        // On the line, or where a step is as wide as the finest part, on either side of it.
        const width = totalBytes / 1300
        const [before, after] = [errorAtSize(tradeOff, plan.bytes - width) ?? 1, errorAtSize(tradeOff, goal + width)!]
        const off = 0.007 * plan.error + 0.0007
        expect(plan.error).toBeLessThanOrEqual(before + off)
        expect(plan.error).toBeGreaterThanOrEqual(after - off)
        if (before - after < off) expect(Math.abs(errorAtSize(tradeOff, goal)! - plan.error)).toBeLessThan(2 * off)
      }
    },
  )

  it('promises no error at a size at which no plan has it', () => {
    const { totalBytes, tradeOff, planAt } = modelOf(
      large.map(({ side }) => ({ side, error: noise })),
      {},
    )
    // All but one matrix whole is what comes next after all: far above the line from none to all.
    const nearlyAll = planAt(Math.round(0.99 * totalBytes))
    expect(errorAtSize(tradeOff, 0.99 * totalBytes)).toBeCloseTo(nearlyAll.error, 3)
    expect(nearlyAll.error).toBeGreaterThan(0.2)
    expect(tradeOff.at(-1)).toEqual([totalBytes + 500, 0])
    const bytes = bytesForError(tradeOff, 0.1)
    // To the width of the finest part: a step is somewhere in it.
    expect(planAt(Math.ceil(bytes + totalBytes / 1300)).error).toBeLessThan(0.1)
    expect(planAt(Math.floor(bytes - totalBytes / 1300)).error).toBeGreaterThan(0.1)
  })

  it('begins at the smallest plan', () => {
    const { tradeOff, planAt } = modelOf(large, {})
    const [least, error] = tradeOff[0]!
    expect(planAt(least)).toEqual({ bytes: least, error: expect.closeTo(error, 9) })
    const refused = (() => {
      try {
        return planAt(least - 1)
      } catch (fault) {
        return toErrorReport(fault as AppError).said[0]!.key
      }
    })()
    expect(refused).toBe('request.goal-too-small')
  })
})
