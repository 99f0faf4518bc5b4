/** What a run leaves beside its output when asked: its recipe, which replays to the same bytes, and its report. */

import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type CompressionReport,
  mostRecipeBytes,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  recipeFile,
  reportCsv,
  reportCsvStart,
  reportJson,
  reportJsonStart,
} from '../../core/contract.ts'
import { decodeText } from '../../core/decode-text.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { reportHtmlStart } from '../../core/report/page.ts'
import { weightPaths } from '../engine/driver/opened-files.ts'
import { readFault, writeFault } from '../files/file-errors.ts'
import { assertFileName } from '../files/file-name.ts'
import { fileIdentity, sameFile } from '../files/files.ts'
import { type OutputOptions, outputFolder } from '../files/outputs.ts'
import { partialPath, unfinishedPaths } from '../files/ownership.ts'
import { liesWithin } from '../files/paths.ts'
import { readWhole } from '../files/read-whole.ts'

/** Paths as they were given. */
export interface RecordedRun {
  readonly sourcePath: string
  readonly statistics?: string | undefined
  readonly target?: string
  /** The recipe that it replays. */
  readonly recipe?: string | undefined
  readonly saveRecipe?: string | undefined
  readonly report?: string | undefined
  readonly reportHtml?: string | undefined
  /** Whether what exists may be replaced. */
  readonly force?: boolean | undefined
  /** Whether it resumes an earlier run, whose records it may then replace. */
  readonly resume?: boolean | undefined
}

/** @throws AppError `not-found`, `bad-file` */
export async function readRecipe(path: string): Promise<Recipe> {
  const name = basename(path)
  const bytes = await readWhole(path, mostRecipeBytes).catch((error: unknown) => {
    throw readFault(error, name)
  })
  return parseRecipe(decodeText(bytes), name)
}

/** What each record of a run may replace, by its path: what came there while the run was under way is not among it. */
type PassedRecords = ReadonlyMap<string, OutputOptions>

/**
 * A record replaces nothing that anybody did not ask to replace, and with `force` nothing else of its run. Asked before the run starts, which may take hours.
 * @throws AppError `would-overwrite` for a record that exists, or is the source, the output or a recipe; `cannot-write`
 */
export async function refuseRecords(run: RecordedRun): Promise<PassedRecords> {
  const { sourcePath, statistics, target, recipe, saveRecipe, report, reportHtml } = run
  const records = [saveRecipe, report, reportHtml].filter((path) => path !== undefined)
  const passed = new Map<string, OutputOptions>()
  if (records.length === 0) return passed
  const output = target === undefined ? [] : await placeOf(target).then((place) => [place, ...unfinishedPaths(place)])
  const recipes = await Promise.all([recipe, saveRecipe].filter((path) => path !== undefined).map(placeOf))
  const read = [sourcePath, statistics].filter((path) => path !== undefined)
  const sources = (await Promise.all(read.map(weightPaths))).flat()
  for (const record of records) {
    const name = basename(record)
    const place = await placeOf(record)
    const written = [place, partialPath(place)]
    if (await meets(written, output)) throw refusal(name, 'output')
    if ((record === report || record === reportHtml) && (await meets(written, recipes))) throw refusal(name, 'recipe')
    if (record === reportHtml && report !== undefined && (await meets(written, [await placeOf(report)])))
      throw refusal(name, 'report')
    // What the folder or a source does not allow shows here: the same steps, without a byte.
    const options = { overwrite: await mayReplace(record, run), sources }
    await writeText(record, null, options)
    passed.set(record, options)
  }
  return passed
}

/** Links to its folder resolved. The name itself is not: what is written there replaces a link. */
async function placeOf(path: string): Promise<string> {
  try {
    return join(await realpath(dirname(path)), basename(path))
  } catch (error) {
    throw writeFault(error, basename(path))
  }
}

/** Whether one of these paths is, leads to or lies in one of the others. */
async function meets(paths: readonly string[], others: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    const identity = await fileIdentity(path)
    for (const other of others)
      if (liesWithin(other, path) || sameFile(identity, await fileIdentity(other))) return true
  }
  return false
}

function refusal(name: string, what: 'output' | 'recipe' | 'report'): AppError {
  return new AppError('would-overwrite', say('files.record-in-the-way', { name: fileName(name), of: what }))
}

/** One after another, each whether or not the others could be written. @throws what the first one threw that could not */
export async function writeAll(records: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const record of records) await record().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** Replaces what `refuseRecords` let pass. */
export function writeRecipe(path: string, recipe: RecipeInput, passed: PassedRecords): Promise<void> {
  return writeText(path, recipeFile(recipe), passed.get(path)!)
}

/** A table of the tensors for a name that ends in .csv, else everything as JSON. Replaces what `refuseRecords` let pass. */
export function writeReport(
  path: string,
  recipe: RecipeInput,
  report: CompressionReport,
  passed: PassedRecords,
): Promise<void> {
  const text = path.toLowerCase().endsWith('.csv') ? reportCsv(report) : reportJson(recipe, report)
  return writeText(path, text, passed.get(path)!)
}

/** A report to hand on. Replaces what `refuseRecords` let pass. */
export function writeHtml(path: string, html: string, passed: PassedRecords): Promise<void> {
  return writeText(path, html, passed.get(path)!)
}

function writeText(path: string, text: string | null, options: OutputOptions): Promise<void> {
  return writeNew(path, text === null ? null : new TextEncoder().encode(text), options)
}

/**
 * Whole or not at all; null writes nothing, and finds out what would stand in the way.
 * @throws AppError `would-overwrite`, `cannot-write`
 */
async function writeNew(path: string, content: Uint8Array | null, options: OutputOptions): Promise<void> {
  assertFileName(basename(path))
  const [folder, name] = [outputFolder(dirname(path), options), basename(path)]
  const bytes = content ?? new Uint8Array(0)
  const hold = await folder.hold(name)
  try {
    const sink = await folder.create(name, bytes.byteLength)
    try {
      await sink.write(bytes)
      if (content !== null) await sink.close()
    } finally {
      await sink.abort()
    }
  } finally {
    await hold.release()
  }
}

/** A recipe may replace the one that it replays, and a run that resumes replaces what the earlier one recorded. */
async function mayReplace(record: string, { recipe, saveRecipe, force, resume }: RecordedRun): Promise<boolean> {
  if (force) return true
  if (record === saveRecipe && recipe !== undefined && (await meets([record], [recipe]))) return true
  return resume === true && isRecord(await readWhole(record).then(String, () => ''))
}

/** Whether a file was written by a run, as its recipe or its report. */
function isRecord(text: string): boolean {
  if ([reportJsonStart, reportCsvStart, reportHtmlStart].some((start) => text.startsWith(start))) return true
  try {
    parseRecipe(text, '')
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}
