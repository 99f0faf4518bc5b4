/** What a run leaves beside its output when asked: its recipe, which replays to the same bytes, and its report. */
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import {
  type CompressionReport,
  parseRecipe,
  type Recipe,
  type RecipeSource,
  recipeFile,
  reportCsv,
  reportJson,
} from '../../core/contract.ts'
import { readFault } from '../files/file-errors.ts'
import { outputFolder } from '../files/outputs.ts'

/** @throws AppError `not-found`, `bad-file` */
export async function readRecipe(path: string): Promise<Recipe> {
  const name = basename(path)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw readFault(error, name)
  })
  return parseRecipe(text, name)
}

export function writeRecipe(path: string, recipe: RecipeSource): Promise<void> {
  return writeText(path, recipeFile(recipe))
}

/** A table of the tensors for a name that ends in .csv, else everything as JSON. */
export function writeReport(path: string, recipe: RecipeSource, report: CompressionReport): Promise<void> {
  return writeText(path, path.toLowerCase().endsWith('.csv') ? reportCsv(report) : reportJson(recipe, report))
}

/** Whole or not at all, in place of an earlier one. */
async function writeText(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text)
  const sink = await outputFolder(dirname(path), { overwrite: true, sources: [] }).create(
    basename(path),
    bytes.byteLength,
  )
  try {
    await sink.write(bytes)
    await sink.close()
  } catch (error) {
    await sink.abort()
    throw error
  }
}
