/** How reports look on a terminal. Under `--json` they are printed as they are, what they say in English. */
import { inEnglish, toEnglish } from '../../core/messages/english.ts'
import { type PhaseTimes, phaseWords, timesOf } from '../../core/phases.ts'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, toEnglish))
}

export function percent(ratio: number): string {
  const value = 100 * ratio
  return `${value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(2) : value.toFixed(value < 10 ? 3 : 2)} %`
}

export function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** Where the time went: "reading 12 ms, sketching 40 ms". */
export function phases(phasesMs: PhaseTimes): string {
  return timesOf(phasesMs)
    .map(([phase, ms]) => `${inEnglish(phaseWords(phase))} ${milliseconds(ms)}`)
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

/** Names come from files: control characters could rewrite the terminal. */
export function safe(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

/** After a model error: the same weighted by norms, where it is known. */
export function absolute(error: number | null): string {
  return error === null ? '' : ` (absolute: ${percent(error)})`
}
