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

const backslash = 92
/** The code behind a backslash -> the code it stands for; 0 for what is no escape of one letter. */
const simpleEscapes = new Uint8Array(256)
for (const [letter, code] of Object.entries({
  '\\': 92,
  "'": 39,
  '"': 34,
  n: 10,
  r: 13,
  t: 9,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
}))
  simpleEscapes[letter.charCodeAt(0)] = code

/** The number that so many digits at `at` are; -1 where they are none of the base. */
function digitsAt(text: string, at: number, count: number, base: 8 | 16): number {
  let value = 0
  for (let i = at; i < at + count; i++) {
    const code = text.charCodeAt(i)
    const letter = code | 32
    const digit = code >= 48 && code <= 57 ? code - 48 : letter >= 97 && letter <= 102 ? letter - 87 : base
    if (!(digit < base)) return -1
    value = value * base + digit
  }
  return value
}

/** Python's repr of a byte string, in quotes: text where it is ASCII, else bytes. */
export function reprString(repr: string, fail: Fail): PickleValue {
  const body = /^(['"])([\s\S]*)\1\s*$/.exec(repr)?.[2]
  if (body === undefined) throw fail('a quoted string', 'something else')
  // Escapes are the cheapest way to make a reader work: none of them makes a string of its own.
  const bytes = new Uint8Array(body.length)
  let [length, ascii] = [0, true]
  for (let i = 0; i < body.length; ) {
    const code = body.charCodeAt(i++)
    const [value, taken] = code === backslash ? escapeAt(body, i) : [code, 0]
    if (value > 127) ascii = false
    bytes[length++] = value
    i += taken
  }
  if (ascii && length <= longestByteText) return latin1(bytes.subarray(0, length))
  return { kind: 'bytes', offset: 0, length, inline: bytes.slice(0, length) }
}

/** The byte that an escape stands for and what it takes behind its backslash; the backslash itself where it is none. */
function escapeAt(body: string, at: number): readonly [value: number, taken: number] {
  const code = body.charCodeAt(at)
  const simple = simpleEscapes[code] ?? 0
  if (simple !== 0) return [simple, 1]
  if (code === 120) {
    const value = digitsAt(body, at + 1, 2, 16)
    return value < 0 ? [backslash, 0] : [value, 3]
  }
  for (const count of [3, 2, 1]) {
    const value = digitsAt(body, at, count, 8)
    if (value >= 0) return [value & 255, count]
  }
  return [backslash, 0]
}

/** Python's raw-unicode-escape. */
export function rawUnicode(escaped: string): string {
  let text = ''
  const units = new Uint16Array(8192)
  let length = 0
  const put = (unit: number) => {
    if (length === units.length) flush()
    units[length++] = unit
  }
  const flush = () => {
    text += String.fromCharCode(...units.subarray(0, length))
    length = 0
  }
  if (!escaped.includes('\\')) return escaped
  for (let i = 0; i < escaped.length; i++) {
    const code = escaped.charCodeAt(i)
    const kind = code === backslash ? escaped.charCodeAt(i + 1) : 0
    const digits = kind === 117 ? 4 : kind === 85 ? 8 : 0
    const point = digits === 0 ? -1 : digitsAt(escaped, i + 2, digits, 16)
    if (point < 0 || point > 0x10ffff) put(code)
    else {
      i += 1 + digits
      if (point > 0xffff) {
        put(0xd800 + ((point - 0x10000) >> 10))
        put(0xdc00 + ((point - 0x10000) & 1023))
      } else put(point)
    }
  }
  flush()
  return text
}
