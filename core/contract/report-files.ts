/** The report of a compression as files: the same from the command line and from the page. */
import { inEnglish, toEnglish } from '../messages/english.ts'
import { version } from '../version.ts'
import type { CompressionReport } from './jobs/compress.ts'
import { type RecipeInput, recipeText } from './recipe.ts'

/** How a report in JSON begins, by which it is told from any other file. */
export const reportJsonStart = '{\n  "report": 1,'

/** Everything there is to know of a run, its recipe included. */
export function reportJson(recipe: RecipeInput, report: CompressionReport): string {
  const whole = { report: 1, version, recipe: JSON.parse(recipeText(recipe)), ...report }
  return `${JSON.stringify(whole, toEnglish(), 2)}\n`
}

const parts = ['truncation', 'rounding', 'sparseGain'] as const
const columns = [
  'name',
  'action',
  'rank',
  'factorDType',
  'relativeError',
  'weightError',
  ...parts,
  'bytesBefore',
  'bytesAfter',
  'reason',
]

/** How a report as a table begins, those of earlier versions too. */
export const reportCsvStart = `${columns.slice(0, columns.indexOf('weightError')).join(',')},`

/** A table of the tensors. RFC 4180. */
export function reportCsv({ tensors }: CompressionReport): string {
  const rows = tensors.map(
    ({ name, action, rank, factorDType, relativeError, weightError, split, bytesBefore, bytesAfter, reason }) => {
      const errors = [relativeError, weightError, ...parts.map((part) => split?.[part])]
      return [
        name,
        action,
        rank ?? '',
        factorDType ?? '',
        ...errors.map((error) => error ?? ''),
        bytesBefore,
        bytesAfter,
        inEnglish(reason),
      ]
    },
  )
  return [columns, ...rows.map((row) => row.map(String))].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** A cell that a spreadsheet would take for a formula is made text. */
function cell(text: string): string {
  const plain = /^[=+@\t\r\n＝＋－＠-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
