/** What people type and paste for a number: in their own way of writing, and nothing else turned into one. */

/** A single key that stands for the decimal point: a comma, and what an input method for Chinese has on that key. */
const decimalKeys = ['.', ',', '，', '。', '．']

export interface TakenAs {
  readonly decimal: boolean
  readonly negative: boolean
  /** May follow the number. */
  readonly unit: string
}

/**
 * A text as the digits which a field takes, "4,5 %" as "4.5"; null for one that is no number there. A part of a number is one too, as it may
 * go into the middle of what stands there.
 */
export function takenAs(text: string, { decimal, negative, unit }: TakenAs): string | null {
  // Digits and signs of full width, and every space, in their plain form.
  const plain = text
    .normalize('NFKC')
    .replace(/\s/g, '')
    .replace(/[\u2212\u2010-\u2013]/g, '-')
  if (decimal && decimalKeys.includes(plain)) return '.'
  const value = unit !== '' && plain.endsWith(unit) ? plain.slice(0, -unit.length) : plain
  if (value.startsWith('-') && !negative) return null
  const written = decimalPoint(value)
  if (/^-?\d+\.?\d*e[+-]?\d{1,3}$/i.test(written)) return inDigits(Number(written), decimal)
  const fits = decimal ? /^-?\d*\.?\d*$/ : /^-?\d*$/
  return fits.test(written) ? written : null
}

/** "1,000" is a thousand in every language of the page; any other single comma stands for the point. */
const decimalPoint = (value: string) =>
  /^-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(value)
    ? value.replaceAll(',', '')
    : value.replace(/^(-?\d*),(\d*)$/, '$1.$2')

/** 1e-3 is 0.001, and 1e400 is nothing that could be written. */
function inDigits(value: number, decimal: boolean): string | null {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) return null
  return decimal || Number.isInteger(value) ? value.toFixed(12).replace(/\.?0+$/, '') : null
}
