/** Numbers and strings as pickle opcodes spell them: decimals, latin-1, integers of many bytes. */
import { maxIntegerBytes } from './pickle-limits.ts'
import type { PickleValue } from './pickle-values.ts'

/** Byte strings up to this length that are text become text (dict keys of Python 2); longer ones are array data. */
export const longestByteText = 65_536

export type Fail = (expected: string, got: string) => Error

/** A character for each byte. TextDecoder's latin1 is Windows-1252 and turns 0x80 to 0x9f into others. */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.byteLength; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return text
}

/** A number where it is exact, else the bigint. */
export function shortened(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** INT: `00` and `01` are the booleans of protocol 1. */
export function decimalOrBoolean(digits: string, fail: Fail): PickleValue {
  return digits === '00' || digits === '01' ? digits === '01' : decimal(digits, fail)
}

/** LONG, with or without Python 2's L. */
export function decimal(digits: string, fail: Fail): PickleValue {
  const plain = digits.endsWith('L') ? digits.slice(0, -1) : digits
  if (!/^[-+]?\d+$/.test(plain) || plain.length > 2 * maxIntegerBytes) throw fail('an integer', 'something else')
  return shortened(BigInt(plain))
}

export function float(digits: string, fail: Fail): number {
  if (digits.length > 400 || !/^[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+|inf|nan)$/i.test(digits))
    throw fail('a number', 'something else')
  if (/inf/i.test(digits)) return digits.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return Number(digits)
}

export function memoNumber(digits: string, fail: Fail): number {
  if (!/^\d{1,10}$/.test(digits)) throw fail('a memo number', 'something else')
  return Number(digits)
}

const simpleEscapes: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** Python's repr of a byte string, in quotes: text where it is ASCII, else bytes. */
export function reprString(repr: string, fail: Fail): PickleValue {
  const body = /^(['"])([\s\S]*)\1\s*$/.exec(repr)?.[2]
  if (body === undefined) throw fail('a quoted string', 'something else')
  const plain = body.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g, (whole, hex, octal, single) =>
    hex !== undefined
      ? String.fromCharCode(Number.parseInt(hex, 16))
      : octal !== undefined
        ? String.fromCharCode(Number.parseInt(octal, 8) & 255)
        : (simpleEscapes[single] ?? whole),
  )
  let ascii = true
  const inline = new Uint8Array(plain.length)
  for (let i = 0; i < plain.length; i++) {
    inline[i] = plain.charCodeAt(i)
    if (inline[i]! > 127) ascii = false
  }
  const isText = ascii && plain.length <= longestByteText
  return isText ? plain : { kind: 'bytes', offset: 0, length: inline.byteLength, inline }
}

/** Python's raw-unicode-escape. */
export function rawUnicode(escaped: string): string {
  return escaped.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short, long) => {
    const code = Number.parseInt(short ?? long, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
