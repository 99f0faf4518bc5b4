/** What a resize would do to each module, exact in bytes: by the very functions of the run. Spectra are found once, in milliseconds a module. */
import type { AdapterModel } from '../../adapters/difference-model.ts'
import { type ModuleLayout, moduleEntries } from '../../adapters/forms.ts'
import type { TargetModule } from '../../adapters/translate.ts'
import type { JobOf, PlannedTensor, PlanReport } from '../../contract.ts'
import { absoluteError, modelError } from '../../curves/model-error.ts'
import { AppError } from '../../errors.ts'
import { type JobContext, kernelNotices } from '../../matrix/context.ts'
import { findOnce } from '../../matrix/facts.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import { sketchKeyOf } from '../../params.ts'
import { roundingOf } from '../../plan/candidate.ts'
import { judgeBy, type Ruling } from '../../rules.ts'
import type { AdapterForm } from '../../styles.ts'
import { elementCount, tensorBytes } from '../../tensor.ts'
import { type Analyzed, isLora } from './adapter-ranks.ts'
import { moduleSvd } from './adapter-spectra.ts'
import {
  baseNorms,
  chosenModules,
  configurationFile,
  plannedBytes,
  planOf,
  type Resizing,
  ranksOf,
  refuseResize,
} from './resize-plan.ts'

/** @throws AppError `bad-request` as a resize */
export async function planResize(model: AdapterModel, job: JobOf<'plan'>, context: JobContext): Promise<PlanReport> {
  const started = performance.now()
  const { form, adapter, family, facts, base, notices } = model
  if (job.output !== form) throw new AppError('bad-request', say('extract.other-form', { form }))
  const { oneRank = false, rule = null } = job.adapter ?? {}
  const choices = { ...job, oneRank, rule, keepRanks: false }
  refuseResize(choices)
  const modules = chosenModules(model, choices)
  const norms = base ? await baseNorms(base, form, family, context) : new Map<string, number>()
  const resizing: Resizing = { adapter, modules, norms, job: choices, form, context, facts }
  const { found, analyzed } = await findSpectra(resizing, job.knownCurves)
  const ranks = ranksOf(resizing, found)
  const { layouts } = planOf(resizing, ranks)
  const planned = modules.map((module, i) => plannedModule(form, module, layouts[i]!, found[i]!, ranks[i]!))
  const configuration = await configurationFile(resizing, layouts)
  const judge = judgeBy(choices)
  const left = model.targets.filter(({ name }) => !modules.some((module) => module.name === name))
  return {
    bytesBefore: adapter.file.totalBytes,
    bytesAfter: plannedBytes(resizing, ranks) + (configuration?.bytes.byteLength ?? 0),
    relativeError: modelError(
      modules.map(({ shape }, i) => ({ entries: elementCount(shape), error: planned[i]!.relativeError })),
    ),
    absoluteError: absoluteError(
      found.map(({ squares }, i) => ({ norm: Math.sqrt(squares), error: planned[i]!.relativeError })),
    ),
    errorIsLeast: false,
    tensors: [...planned, ...left.map((module) => leftModule(module, judge(module.name)))],
    analyzed,
    elapsedMs: performance.now() - started,
    notices: [...notices, ...kernelNotices(context)],
    ...context.kernels.info,
  }
}

/** Of every module, found once; their curves are told as they come, with `toldAgain` those that were known too. */
async function findSpectra(
  { adapter, modules, form, context, job: { params } }: Resizing,
  toldAgain: boolean,
): Promise<{ readonly found: Analyzed[]; readonly analyzed: number }> {
  let analyzed = 0
  const found: Analyzed[] = []
  for (const [i, module] of modules.entries()) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: module.name, done: i, total: modules.length })
    const sketch = isLora(module) ? 'factors' : `${sketchKeyOf(params)} ${Math.max(params.rank, params.maxRank)}`
    const one = await findOnce(context, ['module', form, module.name, sketch], async () => {
      analyzed++
      const { s, squares, rankBefore } = await moduleSvd(adapter.file, module, params, context)
      return { s: Array.from(s), squares, rankBefore }
    })
    const errorCurve = truncation(one.s, one.squares).map(Math.sqrt)
    if (toldAgain || analyzed > 0) context.report({ type: 'spectrum', tensor: module.name, errorCurve })
    found.push({ ...one, s: Float64Array.from(one.s) })
  }
  return { found, analyzed }
}

function plannedModule(
  form: AdapterForm,
  { name, shape, sources }: TargetModule,
  layout: ModuleLayout,
  { s, squares }: Analyzed,
  asked: number,
): PlannedTensor {
  const rank = Math.min(asked, s.length)
  const left = truncation(Array.from(s), squares)[rank] ?? 0
  const before = sources.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const after = moduleEntries(form, layout).reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  const [rows = 1, ...rest] = shape
  return {
    name,
    action: 'factorize',
    reason: say('plan.rank', { shape: [rows, elementCount(rest)], rank, before, after }),
    rank: layout.rank,
    factorDType: layout.dtype,
    relativeError: squares === 0 ? 0 : Math.sqrt(Math.min(1, left + 2 * roundingOf(layout.dtype) * (1 - left))),
    int8Increase: null,
    bytesBefore: before,
    bytesAfter: after,
  }
}

/** Of a module that the rules leave out: it is not in the output. */
function leftModule({ name, sources }: TargetModule, ruling: Ruling): PlannedTensor {
  const pattern = ruling.says === 'out' ? ruling.pattern : null
  return {
    name,
    action: 'keep',
    reason: pattern === null ? say('plan.not-included') : say('plan.excluded', { pattern: quoted(pattern) }),
    rank: null,
    factorDType: null,
    relativeError: 0,
    int8Increase: null,
    bytesBefore: sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
    bytesAfter: 0,
  }
}

/** Squared relative error at rank 0, 1, ... */
function truncation(s: readonly number[], squares: number): number[] {
  let left = squares
  const curve = [1]
  for (const value of s) {
    left -= value ** 2
    curve.push(squares === 0 ? 0 : Math.max(0, left) / squares)
  }
  return curve
}
