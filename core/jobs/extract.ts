/**
 * What a fine-tune added to its base, as an adapter: pairs by name -> one pass that compares them -> a run over the file of their differences, by the
 * very machinery of a compression (compress.ts), with an adapter as its output -> a verdict from the numbers.
 */
import { differenceFile } from '../adapters/difference.ts'
import { type ModelFacts, modelFacts } from '../adapters/model-facts.ts'
import { familyOfTensors } from '../adapters/names.ts'
import { bareName, isDifferent, type Pair, pairTensors } from '../adapters/pairs.ts'
import type { ExtractionReport, JobOf } from '../contract.ts'
import { noiseError } from '../curves/noise-line.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import type { Params } from '../params.ts'
import { hasGoal } from '../plan/goal.ts'
import { hasKernel } from '../plan/plan.ts'
import { SketchCache } from '../sketch-cache/sketch-cache.ts'
import { type ComputableDType, hasComputableDType, type TensorInfo } from '../tensor.ts'
import { recipeHash } from '../write/recipe-hash.ts'
import { sourceHash } from '../write/source-hash.ts'
import { adapterStyle, factorsOwnDType } from '../write/styles/adapter.ts'
import { writeRun } from './compress.ts'
import type { FilesOf } from './files.ts'
import { type PairFacts, pairFacts } from './steps/pair-facts.ts'

type ExtractJob = JobOf<'extract'>

/** @throws AppError `bad-request` for models that have nothing in common or nothing to extract; as a compression */
export async function extractAdapter(
  { base, tuned, target }: FilesOf<'extract'>,
  job: ExtractJob,
  host: JobContext,
): Promise<ExtractionReport> {
  const started = performance.now()
  refuse(job)
  // What the first pass finds has to last until the run asks for it.
  const sketches = host.sketches ?? { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: '' }
  const context: JobContext = { ...host, sketches }
  const facts = await factsOfEither(base, tuned)
  const family = familyOfTensors(matrixNames(tuned)) ?? familyOfTensors(matrixNames(base))
  const { pairs, onlyBase, onlyTuned } = pairTensors(base.tensors, tuned.tensors, {
    family,
    form: job.form,
    heads: facts.heads,
    interleaved: facts.interleaved ?? false,
  })
  if (pairs.length === 0) throw new AppError('bad-request', say('extract.no-pairs'))
  const compared = await pairFacts(differenceFile(base, tuned, pairs), context)
  const difference = differenceFile(base, tuned, pairs, (pair) => unfitFor(pair, compared.get(pair.name), job))
  const verdict = verdictOf(pairs, compared)
  const usable = pairs.filter(
    (pair) => pair.module !== null && !difference.file.tensors.find(({ name }) => name === pair.name)?.unfit,
  )
  if (usable.every(({ shape }) => shape.length < 2) || verdict.identical)
    throw new AppError('bad-request', [...verdict.said, say('extract.nothing'), ...some(pairs)])
  const whole = wholeNames(pairs, compared, job)
  const style = adapterStyle(job.form, {
    modules: new Map(
      pairs.flatMap(({ name, module, transposed }) => (module === null ? [] : [[name, { name: module, transposed }]])),
    ),
    whole,
    architecture: facts.architecture,
    oneRank: job.oneRank ? job.params.rank : null,
  })
  const params = withOwnDType(job.params, tuned)
  const { include, exclude, convRank, oneRank, form } = job
  const options = { convRank, whole: job.whole, oneRank }
  const recipe = recipeHash({ job: 'extract', output: form, params, include, exclude, options }, context)
  const run = { style, recipe, sourceHash: await sourceHash({ base, tuned }, context) }
  const writing = { ...job, params, convRank: convRank ?? undefined, part: null }
  const report = await writeRun(difference.file, target, run, writing, context, started)
  return withVerdict(report, {
    pairs,
    compared,
    verdict,
    job,
    family: family?.label ?? null,
    onlyBase,
    onlyTuned,
    base,
    whole,
  })
}

function refuse({ params, form, whole, oneRank }: ExtractJob): void {
  if (params.factorDType === 'INT8') throw new AppError('bad-request', say('adapter.int8'))
  if (oneRank && hasGoal(params)) throw new AppError('bad-request', say('extract.one-rank'))
  if (whole === 'save' && form !== 'comfy') throw new AppError('bad-request', say('extract.no-whole', { form }))
}

function matrixNames({ tensors }: WeightFile): string[] {
  return tensors.filter(({ shape }) => shape.length >= 2).map(({ name }) => name)
}

async function factsOfEither(base: WeightFile, tuned: WeightFile): Promise<ModelFacts> {
  const [one, other] = [await modelFacts(base), await modelFacts(tuned)]
  return {
    architecture: one.architecture ?? other.architecture,
    heads: one.heads ?? other.heads,
    interleaved: one.interleaved ?? other.interleaved,
  }
}

/** Why the first of them are no matrices to factorize. */
function some(pairs: readonly Pair[]): Message[] {
  return pairs
    .flatMap(({ name, unfit }) => (unfit ? [say('extract.for-one', { name: quoted(name), why: unfit })] : []))
    .slice(0, 3)
}

/** Why a pair that has a place in the adapter is no matrix to factorize. */
function unfitFor(pair: Pair, facts: PairFacts | undefined, { convRank }: ExtractJob): Message | null {
  const packed = [...pair.base, ...pair.tuned].find(({ tensor }) => !hasComputableDType(tensor) || tensor.unfit)
  if (packed) return say('extract.packed', { dtype: foreign(packed.tensor.storedAs ?? packed.tensor.dtype) })
  if (!facts) return null
  if (facts.nanCount > 0 || facts.infCount > 0)
    return say('extract.non-finite', { nan: facts.nanCount, inf: facts.infCount })
  if (facts.difference === 0) return say('extract.identical')
  return convRank === null && hasKernel(pair) ? say('extract.conv') : null
}

/** `.diff` of a weight, `.diff_b` of a bias, as ComfyUI has them. */
function wholeNames(
  pairs: readonly Pair[],
  compared: ReadonlyMap<string, PairFacts>,
  job: ExtractJob,
): Map<string, string> {
  if (job.whole !== 'save') return new Map()
  return new Map(
    pairs.flatMap(({ name, shape }): [string, string][] => {
      if (shape.length > 1 || !(compared.get(name)?.difference ?? 0) || !/^(model\.)?diffusion_model\./.test(name))
        return []
      const path = `diffusion_model.${bareName(name)}`
      if (path.endsWith('.weight')) return [[name, path.replace(/\.weight$/, '.diff')]]
      return path.endsWith('.bias') ? [[name, path.replace(/\.bias$/, '.diff_b')]] : []
    }),
  )
}

/** The dtype of most of what was tuned, where none is asked for. */
function withOwnDType(params: Params, { tensors }: WeightFile): Params {
  const dtypes = new Map<ComputableDType, number>()
  for (const tensor of tensors)
    if (hasComputableDType(tensor) && tensor.shape.length > 1) {
      const dtype = tensor.storedAs === undefined ? tensor.dtype : 'BF16'
      dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + tensor.byteLength)
    }
  const factorDType = params.factorDType === 'keep' ? factorsOwnDType(dtypes) : params.factorDType
  return { ...params, factorDType, factorLayout: 'ab', sparseDensity: 0 }
}

interface Verdict {
  readonly identical: boolean
  readonly cosine: number
  readonly differenceShare: number
  readonly said: readonly Message[]
}

/** Above this cosine one is a fine-tune of the other, below the second they are unrelated. */
const FINE_TUNE = 0.9
const UNRELATED = 0.1

function verdictOf(pairs: readonly Pair[], compared: ReadonlyMap<string, PairFacts>): Verdict {
  let [base, tuned, difference] = [0, 0, 0]
  for (const { name, shape } of pairs) {
    const facts = shape.length > 1 ? compared.get(name) : undefined
    if (!facts || facts.nanCount + facts.infCount > 0) continue
    base += facts.base
    tuned += facts.tuned
    difference += facts.difference
  }
  const comparable = base + tuned > 0
  const identical = comparable && difference === 0
  // ||T - B||^2 = ||T||^2 + ||B||^2 - 2 <T, B>
  const norms = Math.sqrt(base) * Math.sqrt(tuned)
  const cosine = identical ? 1 : norms === 0 ? 0 : Math.max(-1, Math.min(1, (base + tuned - difference) / 2 / norms))
  const said = !comparable
    ? say('extract.verdict-none')
    : identical
      ? say('extract.verdict-identical')
      : cosine > FINE_TUNE
        ? say('extract.verdict-fine-tune', { cosine })
        : cosine < UNRELATED
          ? say('extract.verdict-unrelated', { cosine })
          : say('extract.verdict-between', { cosine })
  return { identical, cosine, differenceShare: tuned === 0 ? 0 : Math.sqrt(difference / tuned), said: [said] }
}

interface Extracted {
  readonly pairs: readonly Pair[]
  readonly compared: ReadonlyMap<string, PairFacts>
  readonly verdict: Verdict
  readonly job: ExtractJob
  readonly family: string | null
  readonly onlyBase: readonly TensorInfo[]
  readonly onlyTuned: readonly TensorInfo[]
  readonly base: WeightFile
  readonly whole: ReadonlyMap<string, string>
}

function withVerdict(
  report: Awaited<ReturnType<typeof writeRun>>,
  { pairs, compared, verdict, job, family, onlyBase, onlyTuned, base, whole }: Extracted,
): ExtractionReport {
  const errors = new Map(
    report.tensors.flatMap(({ name, action, relativeError, rank }) =>
      action === 'factorized' ? [[name, { error: relativeError ?? 1, rank: rank ?? 0 }] as const] : [],
    ),
  )
  let [all, kept, noisy, judged, tunedSquares] = [0, 0, 0, 0, 0]
  for (const { name, shape } of pairs) {
    const facts = shape.length > 1 ? compared.get(name) : undefined
    if (!facts || facts.nanCount + facts.infCount > 0) continue
    all += facts.difference
    tunedSquares += facts.tuned
    const found = errors.get(name)
    if (!found) continue
    kept += facts.difference * (1 - Math.min(1, found.error) ** 2)
    const [rows = 1, ...rest] = shape
    const cols = rest.reduce((product, size) => product * size, 1)
    // Close to the full rank everything is small, noise too.
    if (found.rank > Math.min(rows, cols) / 2) continue
    judged += facts.difference
    if (found.error > noiseError(rows, cols, found.rank) - NOISE_MARGIN) noisy += facts.difference
  }
  const retained = all === 0 ? 0 : kept / all
  const said = [...verdict.said]
  if (judged > 0 && noisy / judged > 0.5) said.push(say('extract.no-structure', { share: noisy / judged }))
  if (base.tensors.some(({ storedAs, dtype }) => storedAs !== undefined || dtype.startsWith('F8')) && tunedSquares > 0)
    said.push(
      say('extract.residual', {
        without: Math.sqrt(all / tunedSquares),
        with: Math.sqrt(Math.max(0, all - kept) / tunedSquares),
        model: base.totalBytes,
        adapter: report.bytesAfter,
      }),
    )
  const names =
    family === null
      ? say('adapter.family-unknown', { form: job.form })
      : say('adapter.family', { family: foreign(family) })
  return {
    ...report,
    bytesBefore: base.totalBytes,
    form: job.form,
    family,
    cosine: verdict.cosine,
    differenceShare: verdict.differenceShare,
    retained,
    verdict: said,
    differences: pairs.flatMap(({ name, module }) => {
      const facts = compared.get(name)
      if (!facts) return []
      const share = facts.tuned === 0 ? 0 : Math.sqrt(facts.difference / facts.tuned)
      return [{ name, module, share, norm: Math.sqrt(facts.difference) }]
    }),
    notices: [names, ...left(onlyBase, onlyTuned, pairs, compared, job, whole), ...report.notices],
  }
}

/** Closer to the noise line than this is noise: two points, as for any matrix (curves/noise-line.ts). */
const NOISE_MARGIN = 0.02

function left(
  onlyBase: readonly TensorInfo[],
  onlyTuned: readonly TensorInfo[],
  pairs: readonly Pair[],
  compared: ReadonlyMap<string, PairFacts>,
  job: ExtractJob,
  written: ReadonlyMap<string, string>,
): Message[] {
  const some = (items: readonly { readonly name: string }[]) => ({
    count: items.length,
    some: items.slice(0, 3).map(({ name }) => quoted(name)),
  })
  const whole = pairs.filter(
    (pair) =>
      pair.shape.length < 2 &&
      isDifferent(pair) &&
      (compared.get(pair.name)?.difference ?? 0) > 0 &&
      !written.has(pair.name),
  )
  return [
    ...(onlyBase.length > 0 ? [say('extract.only-base', some(onlyBase))] : []),
    ...(onlyTuned.length > 0 ? [say('extract.only-tuned', some(onlyTuned))] : []),
    ...(whole.length > 0 && job.whole !== 'skip' ? [say('extract.whole-left', some(whole))] : []),
  ]
}
