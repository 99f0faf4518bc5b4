/** What the page says of the whole model: nothing of a part, nothing of other settings as of these, and a price for what is not known. */
import { describe, expect, it, test } from 'vitest'
import type { AnalysisReport, PlanReport } from '../../../../core/contract.ts'
import { AppError, toErrorReport } from '../../../../core/errors.ts'
import { defaultParams, type Params, sketchKeyOf } from '../../../../core/params.ts'
import { planReach } from '../../../../core/plan/analysis-rank.ts'
import { styles } from '../../../../core/styles.ts'
import type { FileEstimate } from '../../../../renderer/model/figures/estimate.ts'
import {
  canCompress,
  expectedBytes,
  outcomeOf,
  outcomeOfRun,
  verdictOn,
} from '../../../../renderer/model/figures/outcome.ts'
import type { PlanAnswer, PlanState, Question } from '../../../../renderer/model/planning/plan.ts'
import { paceOf } from '../../../../renderer/model/planning/price.ts'
import { someReport, someRun } from '../../../core/contract/some-run.ts'
import { someWords } from '../../../core/messages/words.ts'

const estimate: FileEstimate = {
  bytesAfter: 400_000,
  factorBytes: 300_000,
  compressed: 8,
  wouldGrow: 2,
  kept: 3,
  rounded: 0,
  factorNames: 240,
  keptNames: 100,
}
const sized = { ...defaultParams, goalSize: 0.4 }
const question = (params: Params): Question => ({
  recipe: JSON.stringify(params),
  output: 'factors',
  params,
  include: [],
  exclude: [],
})
const answer = (params: Params, relativeError = 0.43): PlanAnswer => ({
  question: question(params),
  report: { bytesBefore: 1100, bytesAfter: 440, relativeError, errorIsLeast: false } as PlanReport,
  tensors: new Map(),
  compressed: 7,
  aroundValues: 40,
})
const state = (params: Params, answers: readonly PlanAnswer[], analyzed: readonly Params[] = []): PlanState => ({
  question: question(params),
  late: false,
  analyzed: Object.fromEntries(analyzed.map((one) => [sketchKeyOf(one), planReach(one)])),
  curves: new Map(),
  curvesKey: null,
  answers,
  failure: null,
})
const outcome = (plan: PlanState, more: Partial<Parameters<typeof outcomeOf>[0]> = {}) =>
  outcomeOf({
    ...{
      estimate,
      plan,
      running: null,
      refusal: null,
      measured: null,
      byRank: false,
      style: styles.factors,
      totalBytes: 1_000_000,
    },
    ...more,
  })
const long = { long: true, waiting: false, tensor: 'a', share: 0.4 }

describe('the outcome of the choices', () => {
  it('is no number before the model was analyzed, and a goal is not run blindly', () => {
    const unknown = outcome(state(sized, []))
    expect(unknown).toMatchObject({ state: 'unknown', bytesAfter: null, compressed: null, candidates: 10 })
    expect(unknown).not.toHaveProperty('error')
    expect(canCompress(unknown)).toBe(false)
  })

  it('knows the size at a rank that is given, and still no error', () => {
    const byRank = outcome(state(defaultParams, []), { byRank: true })
    // Of the file, not of its values: what a plan, a run and the file system say too, with about what its header takes.
    expect(byRank).toMatchObject({ state: 'unknown', bytesBefore: 1_000_000, sizeIsExact: false, compressed: 8 })
    expect(byRank.bytesAfter).toBe(400_000 + 500 + 3 * 240 + 190 * 8 + 100 + 75 * (2 + 3))
    expect(byRank).not.toHaveProperty('error')
    expect(canCompress(byRank)).toBe(true)
    expect(outcome(state(defaultParams, []), { byRank: true, style: styles.dense }).bytesAfter).toBe(1_000_000)
  })

  it('is what a run of the same choices measured, until a plan says it', () => {
    const result = { ...someReport, bytesBefore: 1_000_000, bytesAfter: 410_000, relativeError: 0.43 }
    const measured = { ...someRun({}), result, target: 'small.safetensors' }
    const known = outcome(state(defaultParams, []), { byRank: true, measured })
    const counts = { compressed: 8, candidates: 10 }
    expect(known).toMatchObject({ state: 'planned', isCurrent: true, measuredIn: 'small.safetensors', ...counts })
    expect(known).toMatchObject({ bytesAfter: 410_000, sizeIsExact: true, error: 0.43, verdict: 'large' })
    expect(canCompress(known)).toBe(true)
    const planned = outcome(state(sized, [answer(sized)], [sized]), { measured })
    expect(planned).toMatchObject({ measuredIn: null, bytesAfter: 440 })
  })

  it('may be written where no matrix is factorized and weights are rounded to INT8', () => {
    const whole = { ...estimate, compressed: 0, wouldGrow: 0 }
    const byRank = { byRank: true, style: styles.onnx }
    expect(canCompress(outcome(state(defaultParams, []), { ...byRank, estimate: whole }))).toBe(false)
    const rounded = outcome(state(defaultParams, []), { ...byRank, estimate: { ...whole, rounded: 4 } })
    expect(rounded).toMatchObject({ compressed: 0, rounded: 4 })
    expect(canCompress(rounded)).toBe(true)
  })

  it('shows no total of a part while the analysis is at work', () => {
    const analyzing = outcome(state(sized, []), { running: long })
    expect(analyzing).toMatchObject({ state: 'analyzing', bytesAfter: null })
    expect(analyzing).not.toHaveProperty('error')
    expect(canCompress(analyzing)).toBe(false)
  })

  it('is the plan of the choices, to the byte', () => {
    const planned = outcome(state(sized, [answer(sized)], [sized]))
    expect(planned).toMatchObject({
      state: 'planned',
      isCurrent: true,
      bytesBefore: 1100,
      bytesAfter: 440,
      error: 0.43,
    })
    expect(canCompress(planned)).toBe(true)
  })

  it('is for a moment the plan before, which is not run', () => {
    const before = outcome(state({ ...sized, goalSize: 0.5 }, [answer(sized)], [sized]))
    expect(before).toMatchObject({ state: 'planned', isCurrent: false, sizeIsExact: false })
    expect(canCompress(before)).toBe(false)
  })

  it('stays, as one of other settings, when the speed changes', () => {
    const slower = { ...sized, nIter: 4 }
    const stale = outcome(state(slower, [answer(sized)], [sized]))
    expect(stale).toMatchObject({ state: 'stale', error: 0.43, bytesAfter: 440 })
    expect(canCompress(stale)).toBe(false)
    // Of another goal it says nothing, nor of other rules, dtypes or weights.
    expect(outcome(state({ ...slower, goalSize: 0.6 }, [answer(sized)], [sized])).state).toBe('unknown')
    for (const other of [{ maxRank: 7 }, { factorDType: 'INT8' }, { goalWeight: 'norm' }] as const)
      expect(outcome(state({ ...slower, ...other }, [answer(sized)], [sized])).state, JSON.stringify(other)).toBe(
        'unknown',
      )
    const ruled = { ...answer(sized), question: { ...question(sized), exclude: ['w'] } }
    expect(outcome(state(slower, [ruled], [sized])).state).toBe('unknown')
    expect(outcome(state(slower, [ruled, answer(sized, 0.3)], [sized]))).toMatchObject({ state: 'stale', error: 0.3 })
  })

  it('is a refusal where no run can do it', () => {
    const refusal = toErrorReport(new AppError('bad-request', someWords('too small')))
    const refused = outcome(state(sized, [answer(sized)], [sized]), { refusal })
    expect(refused).toMatchObject({ state: 'refused', bytesAfter: null, compressed: null })
    expect(canCompress(refused)).toBe(false)
  })
})

it('says of quality only that a change is large: no weight error earns praise', () => {
  expect([0, 0.05, 0.1].map(verdictOn)).toEqual(['untested', 'untested', 'untested'])
  expect([0.1001, 0.43].map(verdictOn)).toEqual(['large', 'large'])
  expect(outcomeOfRun({ bytesBefore: 9, bytesAfter: 3, relativeError: 0.2 }, 'compress')).toMatchObject({
    state: 'measured',
    verdict: 'large',
  })
  const missed = { bytesBefore: 9, bytesAfter: 3, relativeError: 0.4, absoluteError: 0.3 }
  expect(outcomeOfRun(missed, 'extract')).toMatchObject({ error: 0.3, verdict: 'untested', isDifference: true })
})

test('what stands around the values is expected to take about what it takes', () => {
  // Ten thousand small tensors: what it takes decides there whether the output is larger than its source.
  const names = Array.from({ length: 1000 }, (_, i) => `model.layers.${i}.mlp.down_proj.weight`)
  const entry = (name: string, i: number) => [name, { dtype: 'F32', shape: [32, 40], data_offsets: [i * 5e3, i * 6e3] }]
  const lengthOf = (written: readonly string[]) => JSON.stringify(Object.fromEntries(written.map(entry))).length
  const whole = { ...estimate, bytesAfter: 0, factorBytes: 0, wouldGrow: 0, compressed: 0, kept: 0, factorNames: 0 }
  const keptNames = names.join('').length
  const checksums = 8 * names.length
  const kept = expectedBytes({ ...whole, kept: names.length, keptNames }, styles.factors)
  expect(kept / (lengthOf(names) + checksums)).toBeCloseTo(1, 1)
  const halves = names.flatMap((name) => [`${name}.lowrank_A`, `${name}.lowrank_B`])
  const errors = JSON.stringify(Object.fromEntries(names.map((name) => [name, '4.810935e-01'])))
  const around = { ...whole, compressed: names.length, factorNames: keptNames, keptNames: 0 }
  const taken = lengthOf(halves) + JSON.stringify(errors).length + 2 * checksums
  expect(expectedBytes(around, styles.factors) / taken).toBeCloseTo(1, 1)
})

describe('the pace of this machine', () => {
  const report = (more: Partial<AnalysisReport>) =>
    ({
      method: 'randomized',
      nIter: 2,
      rank: 64,
      phasesMs: { read: 500, sketch: 20, lift: 5 },
      ...more,
    }) as AnalysisReport
  const size = { kind: 'linear', count: 1, rows: 2048, cols: 2048 } as const
  const params = defaultParams

  it('counts what was computed, not what was read or kept from before', () => {
    const pace = paceOf([{ report: report({}), params, size }])
    expect(pace).toBeGreaterThan(0)
    expect(paceOf([{ report: report({ phasesMs: { read: 9000, sketch: 20, lift: 5 } }), params, size }])).toBe(pace)
    expect(paceOf([{ report: report({ reused: true }), params, size }])).toBeNull()
    expect(paceOf([])).toBeNull()
  })
})
