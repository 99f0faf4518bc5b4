/** `ghostsvd resize`: an adapter, or every adapter of a folder, at other ranks. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { CONFIGURATION } from '../../../core/adapters/scales.ts'
import type { RankRule, ResizeReport } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import { fileName, foreign } from '../../../core/messages/text.ts'
import { type Params, rankKeys } from '../../../core/params.ts'
import type { Pin } from '../../../core/rules.ts'
import type { AdapterForm } from '../../../core/styles.ts'
import { adapterStyles } from '../../../core/styles.ts'
import { endsLikeWeights, weightEndings, withoutWeightEnding } from '../../../core/weight-formats.ts'
import { readFault, writeFault } from '../../files/file-errors.ts'
import { fileIdentity, sourceFolder } from '../../files/files.ts'
import { assertNoneOf } from '../../files/ownership.ts'
import { pathKey } from '../../files/paths.ts'
import { errno } from '../../system/errno.ts'
import { makeFolder } from '../../system/make-folder.ts'
import { addRuleFlags, formOption, type RuleOptions, ruleFrom } from '../adapter-flags.ts'
import { addParamFlags, collect, paramsFrom } from '../flags.ts'
import { type CommandEngine, withEngine } from '../job.ts'
import { duration, formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { pinOf } from '../request.ts'
import { commandRuns } from '../run.ts'

interface Options extends RuleOptions {
  readonly out: string
  readonly to?: AdapterForm
  readonly relativeTo?: string
  readonly oneRank?: boolean
  readonly include: string[]
  readonly exclude: string[]
  readonly pin: Pin[]
  readonly force?: boolean
  readonly json?: boolean
}

export interface ResizeRequest {
  readonly form: AdapterForm | null
  readonly params: Params
  readonly rule: RankRule | null
  readonly keepRanks: boolean
  readonly oneRank: boolean
  readonly include: string[]
  readonly exclude: string[]
  readonly pins: Pin[]
  readonly force: boolean
}

export function resizeCommand(): Command {
  const command = new Command('resize')
    .description(
      'write an adapter (LoRA, LoCon, LoHa, LoKr; a file, a PEFT folder, or a folder of them) at other ranks',
    )
    .argument('<adapter|folder>')
    .requiredOption('--out <file|folder>', 'where to write; never the source')
    .addOption(formOption('--to', 'another form than it has'))
    .option('--relative-to <base>', 'measure errors beside the weights of this model; GGUF needs it for its heads')
    .option('--one-rank', 'pad all modules to the largest rank, for loaders that know one for all (vLLM)')
  return addParamFlags(addRuleFlags(command), rankKeys)
    .option('--include <glob>', 'only matching modules, by their names in the output; repeatable', collect, [])
    .option('--exclude <glob>', 'not the matching modules; repeatable', collect, [])
    .option('--pin <glob=rank>', 'rank of matching modules, whatever the goal; repeatable', pinOf, [])
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const { out, to = null, relativeTo, oneRank = false, force = false } = options
      const rule = ruleFrom(options)
      const { include, exclude, pin: pins } = options
      const rules = { include, exclude, pins }
      const request = { form: to, params: paramsFrom(self, rankKeys), rule, keepRanks: false, oneRank, ...rules, force }
      const resized = await withEngine((engine) => resizeAll(engine, path, out, relativeTo, request))
      printResized(resized, options.json)
    })
}

interface Resized {
  /** The path was a folder of adapters, with however many in it. */
  readonly isBatch: boolean
  readonly reports: readonly ResizeReport[]
}

export async function resizeAll(
  engine: CommandEngine,
  path: string,
  out: string,
  relativeTo: string | undefined,
  request: ResizeRequest,
): Promise<Resized> {
  const runs = commandRuns(engine)
  const resizeOne = (adapter: string, to: string) =>
    runs.run<'resize'>({ kind: 'resize', ...request }, { adapter, base: relativeTo }, to)
  if (!(await isBatch(path))) return { isBatch: false, reports: [await resizeOne(path, out)] }
  const found = await adaptersIn(path)
  if (found.length === 0)
    throw new AppError(
      'not-found',
      say('formats.no-weight-file', { name: fileName(path), looked: foreign(adapterEndings.join(' ')) }),
    )
  const batch = found.map((name) => ({ name, from: join(path, name), to: join(out, outputName(name, request.form)) }))
  await refuseClashes(batch)
  await makeOutputFolder(out)
  const reports: ResizeReport[] = []
  for (const { from, to } of batch) reports.push(await resizeOne(from, to))
  return { isBatch: true, reports }
}

/** An array of a folder of adapters, also where it has but one. */
export function printResized({ isBatch, reports }: Resized, json: boolean | undefined): void {
  if (json) printJson(isBatch ? reports : reports[0])
  else for (const report of reports) printResize(report, reports.length > 1)
}

/** What adapters are written as. */
const adapterEndings = [...weightEndings.safetensors, ...weightEndings.gguf, ...weightEndings.pytorch]

interface BatchMember {
  readonly name: string
  readonly from: string
  readonly to: string
}

/** @throws AppError `would-overwrite` where an output is another adapter of the batch, read already or not, or that of another */
async function refuseClashes(batch: readonly BatchMember[]): Promise<void> {
  const sources = batch.map(({ from }) => from)
  const outputs = new Map<string, BatchMember>()
  for (const member of batch) {
    const other = outputs.get(pathKey(member.to))
    if (other)
      throw new AppError(
        'would-overwrite',
        say('files.one-output', {
          first: fileName(other.name),
          second: fileName(member.name),
          target: fileName(member.to),
        }),
      )
    outputs.set(pathKey(member.to), member)
    await assertNoneOf(member.to, sources)
  }
}

async function makeOutputFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
  } catch (error) {
    // A file of that name.
    if (errno(error) !== 'EEXIST') throw writeFault(error, basename(path))
    const why = say('system.ENOTDIR')
    const said = say('files.cannot-write', { name: fileName(path), why, written: null })
    throw new AppError('cannot-write', [said, say('files.choose-folder')])
  }
}

/** A folder that is no PEFT adapter itself. */
async function isBatch(path: string): Promise<boolean> {
  const identity = await fileIdentity(path)
  return identity !== null && !identity.regular && !(await sourceFolder(path).list()).includes(CONFIGURATION)
}

async function adaptersIn(folder: string): Promise<string[]> {
  const found: string[] = []
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw readFault(error, basename(folder))
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) {
      const inside = await sourceFolder(join(folder, entry.name)).list()
      if (inside.includes(CONFIGURATION)) found.push(entry.name)
    } else if (endsLikeWeights(entry.name, adapterEndings)) found.push(entry.name)
  }
  return found
}

/** The name it had, with the ending of its new form. */
function outputName(name: string, form: AdapterForm | null): string {
  if (form === null) return name
  const stem = withoutWeightEnding(basename(name))
  return adapterStyles[form].container === 'adapter' ? stem : `${stem}.${adapterStyles[form].encoding}`
}

function printResize(report: ResizeReport, short: boolean): void {
  const rows = report.modules.map(({ name, matrix, rankBefore, rank, scale, norm, toBase, relativeError }) => [
    safe(name),
    matrix.join(' x '),
    String(rankBefore),
    String(rank),
    scale === 1 ? '' : scale.toPrecision(4),
    norm.toPrecision(4),
    ...(report.modules.some((module) => module.toBase !== null) ? [toBase === null ? '' : percent(toBase)] : []),
    percent(relativeError),
  ])
  const relative = report.modules.some((module) => module.toBase !== null) ? ['of base'] : []
  if (!short)
    print(
      table(
        [['module', 'matrix', 'rank', 'now', 'scale was', 'norm', ...relative, 'error'], ...rows],
        [2, 3, 4, 5, 6, 7],
      ),
    )
  const form = report.form === report.formBefore ? report.form : `${report.formBefore} to ${report.form}`
  print(
    `${short ? '' : '\n'}${safe(report.output)}: ${report.modules.length} modules, ${form}, ${ranksOf(report, 'rankBefore')} to ${ranksOf(report, 'rank')}, ${formatBytes(report.bytesBefore)} -> ${formatBytes(report.bytesAfter)}, error ${percent(report.relativeError)}, ${duration(report.elapsedMs)}.`,
  )
  if (report.verified && !short) print('Saved and checked: every module was read back with its rank and scale 1.')
  for (const notice of report.notices) print(safe(inEnglish(notice)))
}

function ranksOf({ modules }: ResizeReport, key: 'rank' | 'rankBefore'): string {
  const least = modules.reduce((rank, module) => Math.min(rank, module[key]), Number.POSITIVE_INFINITY)
  const most = modules.reduce((rank, module) => Math.max(rank, module[key]), 0)
  return least === most ? `rank ${least}` : `ranks ${least} to ${most}`
}
