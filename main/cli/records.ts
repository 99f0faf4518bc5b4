/** What a run leaves beside its output when asked: its recipe, which replays to the same bytes, and its report. */
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type CompressionReport, type Recipe, recipeSchema, recipeText } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { version } from '../../core/version.ts'
import { readFault } from '../file-errors.ts'
import { outputFolder } from '../outputs.ts'

/** @throws AppError `not-found`, `bad-file` */
export async function readRecipe(path: string): Promise<Recipe> {
  const name = basename(path)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw readFault(error, name)
  })
  try {
    return recipeSchema.parse(JSON.parse(text))
  } catch {
    throw new AppError(
      'bad-file',
      `${name} is no recipe of this version. Recipes are written by compress --save-recipe.`,
    )
  }
}

export function writeRecipe(path: string, recipe: Omit<Recipe, 'recipe'>): Promise<void> {
  return writeText(path, `${JSON.stringify(JSON.parse(recipeText(recipe)), null, 2)}\n`)
}

/** A table of the tensors for a name that ends in .csv, else everything as JSON. */
export function writeReport(path: string, recipe: Omit<Recipe, 'recipe'>, report: CompressionReport): Promise<void> {
  if (path.toLowerCase().endsWith('.csv')) return writeText(path, csv(report))
  const whole = { report: 1, version, recipe: JSON.parse(recipeText(recipe)), ...report }
  return writeText(path, `${JSON.stringify(whole, null, 2)}\n`)
}

function csv({ tensors }: CompressionReport): string {
  const header = ['name', 'action', 'rank', 'relativeError', 'bytesBefore', 'bytesAfter', 'reason']
  const rows = tensors.map(({ name, action, rank, relativeError, bytesBefore, bytesAfter, reason }) =>
    [name, action, rank ?? '', relativeError ?? '', bytesBefore, bytesAfter, reason].map(String),
  )
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** RFC 4180; a cell that a spreadsheet would take for a formula is made text. */
function cell(text: string): string {
  const plain = /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
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
