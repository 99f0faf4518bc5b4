/** How reports look on a terminal. Under `--json` they are printed as they are, what they say in English. */
import { inEnglish, terminalNumbers, toEnglish } from '../../core/messages/english.ts'
import { escaped } from '../../core/messages/text.ts'
import { type PhaseTimes, phaseWords, timesOf } from '../../core/phases.ts'

/** Names come from files: control characters could rewrite the terminal. */
export { escaped as safe } from '../../core/messages/text.ts'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The same JSON to whoever reads it: JSON itself escapes no more than the first 32 control characters of names, and a terminal acts on more. */
function json(value: unknown): string {
  return JSON.stringify(value, toEnglish()).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}

export function printJson(value: unknown): void {
  print(json(value))
}

/** Numbers as sentences have them. */
export const { bytes: formatBytes, percent, increase, duration, countdown, count } = terminalNumbers

/** Where the time went: "reading 12 ms, sketching 40 ms". */
export function phases(phasesMs: PhaseTimes): string {
  return timesOf(phasesMs)
    .map(([phase, ms]) => `${inEnglish(phaseWords(phase))} ${duration(ms)}`)
    .join(', ')
}

/** Rows in columns two spaces apart; those whose index is in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** After a model error: the same weighted by norms, where it is known. */
export function absolute(error: number | null): string {
  return error === null ? '' : ` (absolute: ${percent(error)})`
}

/** "revectorized 6x16, 4 threads, products by NVIDIA H200, 550.54" */
export function computedBy(report: {
  readonly kernel: string
  readonly threads: number
  readonly device?: string | undefined
}): string {
  const { kernel, threads, device } = report
  return `${kernel}, ${threads} threads${device === undefined ? '' : `, products by ${escaped(device)}`}`
}

/** The columns of a table of tensors: of outputs, with what the weights themselves lose beside it. */
export function errorHeader(weighted: boolean, ...others: readonly string[]): string[] {
  return ['tensor', '', 'rank', 'dtype', ...(weighted ? ['output error', 'weight error'] : ['error']), ...others]
}

/** After a model error that is of outputs: that of the weights. */
export function beside(statistics: { readonly weightError: number | null } | undefined): string {
  if (!statistics) return ''
  return ` in outputs${statistics.weightError === null ? '' : `, ${percent(statistics.weightError)} in weights`}`
}
