/**
 * What a fine-tune added to its base, as an adapter: pairs by name -> one pass that compares them -> a run over the file of their differences, by the
 * very machinery of a compression (compress.ts), with an adapter as its output -> a verdict from the numbers.
 */
import { type DifferenceFile, type PairModel, pairModel, withTuned, withUnfit } from '../adapters/difference-model.ts'
import type { Pair } from '../adapters/pair.ts'
import type { ExtractionReport, JobOf } from '../contract.ts'
import { differenceNoise, isMostlyNoise, type NoiseJudged } from '../curves/noise-line.ts'
import { AppError } from '../errors.ts'
import type { JobContext } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import { inFileOrder } from '../plan/entries.ts'
import { wholeRun } from '../plan/parts.ts'
import { type Choices, isFactorized, planByNames } from '../plan/plan.ts'
import { refusalOfAdapter } from '../plan/refusal.ts'
import type { TensorInfo } from '../tensor.ts'
import { plannedCompression } from '../write/compression.ts'
import { recipeHash } from '../write/recipe-hash.ts'
import { sourceHash } from '../write/source-hash.ts'
import { adapterStyle } from '../write/styles/adapter.ts'
import type { OutputStyle } from '../write/styles/style.ts'
import type { FilesOf } from './files.ts'
import { ofThisCut, type PairFacts, pairFacts } from './steps/pair-facts.ts'
import { leftOut, ownParams, unfitFor } from './steps/pair-pieces.ts'
import { differencesOf, type Verdict, verdictOf } from './steps/pair-verdict.ts'
import { planRun } from './steps/planned-run.ts'
import { pinnedByRule } from './steps/ruled-ranks.ts'
import { type WholeDifferences, wholeDifferences } from './steps/whole-differences.ts'
import { withStatistics } from './steps/with-statistics.ts'
import { writeRun } from './steps/write-run.ts'

type ExtractJob = JobOf<'extract'>

/** @throws AppError `bad-request` for models that have nothing in common or nothing to extract; as a compression */
export async function extractAdapter(
  { base, tuned, statistics, target }: FilesOf<'extract'>,
  job: ExtractJob,
  host: JobContext,
): Promise<ExtractionReport> {
  const started = performance.now()
  const refusal = refusalOfAdapter(job.params, { ...job, ofPair: true })
  if (refusal) throw refusal
  const model = await pairModel(base, tuned, job.form, job.convRank !== null)
  const bare = ofThisCut(host, model)
  const { pairs, onlyBase, onlyTuned, family } = model.difference
  const compared = await pairFacts(model, bare)
  const whole = wholeDifferences(model, compared, job)
  const marked = withUnfit(model, (pair) => unfitFor(pair, compared.get(pair.name)))
  const file = job.form === 'peft' ? withTuned(marked, whole.names) : marked
  const context = await withStatistics({ model: file, statistics }, undefined, bare)
  const verdict = verdictOf(pairs, compared)
  const style = styleOf(file, job, whole)
  const params = ownParams(job.params, file.difference)
  const choices = { ...job, params, convRank: job.convRank ?? undefined }
  if (verdict.identical || !planByNames(file, choices, style).some(isFactorized))
    throw new AppError('bad-request', [...verdict.said, say('extract.nothing'), ...some(pairs)])
  const { include, exclude, pins, convRank, oneRank, form, rule } = job
  const options = { convRank, whole: job.whole, oneRank, ...(rule && { rule }) }
  const weighedBy = context.outputNorm?.hash
  const asked = {
    job: 'extract',
    output: form,
    params,
    include,
    exclude,
    pins,
    statistics: weighedBy,
    options,
  } as const
  const recipe = recipeHash(asked, context)
  const run = { style, recipe, sourceHash: await sourceHash({ base, tuned }, context) }
  const ruled = rule ? await pinnedByRule(file, choices, style, rule, context) : choices
  const { part } = job
  const ofWhole = part && part.of > 1 ? await withMetadataOfWhole(file, ruled, style, context) : style
  const report = await writeRun(file, target, { ...run, style: ofWhole }, { ...ruled, part }, context, started)
  return withVerdict(report, {
    pairs,
    compared,
    verdict,
    job,
    family: family?.label ?? null,
    onlyBase,
    onlyTuned,
    base,
    whole: whole.names,
  })
}

function styleOf({ difference }: DifferenceFile<PairModel>, job: ExtractJob, { names, modules }: WholeDifferences) {
  const { architecture } = difference
  const oneRank = job.oneRank ? job.params.rank : null
  const takesConvolutions = job.convRank !== null
  const written = { modules: difference.modules, whole: names, saved: modules }
  return adapterStyle(job.form, { ...written, architecture, oneRank, takesConvolutions })
}

/** What loaders look for in the header is of all modules: each part says it, so that parts join to the bytes of one run. */
async function withMetadataOfWhole(
  file: DifferenceFile<PairModel>,
  choices: Choices,
  style: OutputStyle,
  context: JobContext,
): Promise<OutputStyle> {
  const { plans } = await planRun(plannedCompression(file, style, wholeRun, context), choices)
  const whole = inFileOrder(plans, style).filter(isFactorized)
  return { ...style, metadata: () => style.metadata?.(whole) ?? new Map() }
}

/** Why the first of them are no matrices to factorize. */
function some(pairs: readonly Pair[]): Message[] {
  return pairs
    .flatMap(({ name, unfit }) => (unfit ? [say('extract.for-one', { name: quoted(name), why: unfit })] : []))
    .slice(0, 3)
}

interface Extracted {
  readonly pairs: readonly Pair[]
  readonly compared: ReadonlyMap<string, PairFacts>
  readonly verdict: Verdict
  readonly job: ExtractJob
  readonly family: string | null
  readonly onlyBase: readonly TensorInfo[]
  readonly onlyTuned: readonly TensorInfo[]
  readonly base: PairModel['base']
  readonly whole: ReadonlyMap<string, string>
}

function withVerdict(
  report: Awaited<ReturnType<typeof writeRun>>,
  { pairs, compared, verdict, job, family, onlyBase, onlyTuned, base, whole }: Extracted,
): ExtractionReport {
  const errors = new Map(
    report.tensors.flatMap(({ name, action, relativeError, weightError, rank }) =>
      // Shares and noise lines are of weights, whatever the errors are of.
      action === 'factorized' ? [[name, { error: weightError ?? relativeError ?? 1, rank: rank ?? 0 }] as const] : [],
    ),
  )
  let [all, kept, tunedSquares] = [0, 0, 0]
  const written: NoiseJudged[] = []
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
    written.push({ rows, cols, norm: Math.sqrt(facts.difference), ...found })
  }
  const retained = all === 0 ? 0 : kept / all
  const said = [...verdict.said]
  const noise = differenceNoise(written)
  if (isMostlyNoise(noise)) said.push(say('extract.no-structure', { share: noise }))
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
    differences: differencesOf(pairs, compared),
    notices: [
      names,
      ...leftOut({ onlyBase, onlyTuned, pairs, compared, written: whole }).filter(
        ({ key }) => job.whole !== 'skip' || key !== 'extract.whole-left',
      ),
      ...report.notices,
    ],
  }
}
