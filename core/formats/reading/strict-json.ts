/**
 * A JSON reader for hostile input, straight from bytes. JSON.parse hides duplicate keys (the last wins: two readers of one file can see two
 * files), lets `__proto__` touch a prototype, and builds whatever it is told to. This one refuses duplicates, returns Maps, decodes UTF-8
 * strictly and stops at named limits.
 */

import { quoted } from '../../messages/text.ts'
import { refuseLongName } from './name-meter.ts'
import { badFile, overLimit } from './refusal.ts'

export type Json = string | number | boolean | null | Json[] | JsonObject
export type JsonObject = Map<string, Json>

export interface JsonLimits {
  /** Nesting; the parser recurses, so this bounds the stack. */
  readonly maxDepth: number
  /** Elements in one array: `[0,0,0,...]` costs 2 bytes in the file and 8 in memory. */
  readonly maxArrayLength: number
  /** Elements of all arrays together: one that nests in another is as long again. */
  readonly maxElements: number
  /** Keys in all objects together: `"":0,` costs 5 bytes in the file and about 100 in memory. */
  readonly maxKeys: number
  /** Bytes of all strings together, keys included, once unescaped: a letter beyond ASCII makes a text cost two bytes for each of its characters. */
  readonly maxTextBytes: number
  /** Objects at the top whose entries are visited in place of them, so that they are nowhere whole. */
  readonly opened?: readonly string[]
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('latin1')
/** The byte behind a backslash -> the byte it stands for; 0 for what is no escape of one letter. */
const plainEscapes = new Uint8Array(256)
for (const [letter, byte] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 }))
  plainEscapes[letter.charCodeAt(0)] = byte
const numberBytes = new Set([...'+-.eE0123456789'].map((character) => character.charCodeAt(0)))
const numberShape = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/**
 * Visits the entries of the one object that `bytes` hold, in their order; white space may surround it. Nothing of an entry is kept once
 * `visit` has returned, so a header of 150,000 tensors costs what its visitor keeps.
 * @param visit is told the key of the object that was opened around an entry, null at the top
 * @param where names the file and the part of it, for the sentence
 * @throws AppError `bad-file` with the byte offset, `over-limit`
 */
export function visitStrictJson(
  bytes: Uint8Array,
  where: string,
  limits: JsonLimits,
  visit: (key: string, value: Json, inside: string | null) => void,
): void {
  let at = 0
  let keys = 0
  let elements = 0
  let textBytes = 0

  const fail = (expected: string): Error => {
    const byte = bytes[at]
    const got =
      byte === undefined
        ? 'the end'
        : byte > 32 && byte < 127
          ? `"${String.fromCharCode(byte)}"`
          : `byte 0x${byte.toString(16).padStart(2, '0')}`
    return badFile(where, expected, `${got} at byte ${at}`, { offset: at })
  }
  const skipSpace = () => {
    for (let c = bytes[at]; c === 32 || c === 10 || c === 13 || c === 9; c = bytes[at]) at++
  }
  const literal = (text: string, value: Json): Json => {
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) throw fail(`"${text}"`)
    at += text.length
    return value
  }

  const value = (depth: number): Json => {
    skipSpace()
    switch (bytes[at]) {
      case 123:
        return object(depth + 1)
      case 91:
        return array(depth + 1)
      case 34:
        return string()
      case 116:
        return literal('true', true)
      case 102:
        return literal('false', false)
      case 110:
        return literal('null', null)
      default:
        return number()
    }
  }
  const enter = (depth: number) => {
    if (depth > limits.maxDepth)
      throw overLimit(where, 'levels of nesting', limits.maxDepth, depth, 'deeper nesting would exhaust the stack')
  }

  const object = (depth: number): Json => {
    const entries: JsonObject = new Map()
    visitObject(depth, entries, (key) => void entries.set(key, value(depth)))
    return entries
  }

  /** The entries of one object, visited one by one; their keys are remembered. */
  const visitEach = (depth: number, inside: string | null) => {
    const seen = new Set<string>()
    visitObject(depth, seen, (key) => {
      seen.add(key)
      if (depth === 1 && limits.opened?.includes(key)) {
        skipSpace()
        if (bytes[at] === 123) return visitEach(depth + 1, key)
      }
      visit(key, value(depth), inside)
    })
  }

  const visitObject = (
    depth: number,
    seen: { has(key: string): boolean },
    /** Reads the value behind the key. */
    each: (key: string) => void,
  ): void => {
    enter(depth)
    at++
    skipSpace()
    if (bytes[at] === 125) {
      at++
      return
    }
    for (;;) {
      skipSpace()
      if (bytes[at] !== 34) throw fail('a quoted key')
      const start = at
      const key = string()
      refuseLongName(where, key.length)
      if (seen.has(key))
        throw badFile(where, 'every key once', `${quoted(key)} a second time at byte ${start}`, { offset: start })
      if (++keys > limits.maxKeys)
        throw overLimit(where, 'keys', limits.maxKeys, keys, 'more would cost memory out of proportion to the file')
      skipSpace()
      if (bytes[at] !== 58) throw fail('":" after a key')
      at++
      each(key)
      skipSpace()
      if (bytes[at] === 125) break
      if (bytes[at] !== 44) throw fail('"," or "}"')
      at++
    }
    at++
  }

  const array = (depth: number): Json => {
    enter(depth)
    const items: Json[] = []
    at++
    skipSpace()
    if (bytes[at] === 93) {
      at++
      return items
    }
    for (;;) {
      if (items.length === limits.maxArrayLength)
        throw overLimit(
          where,
          'elements in one array',
          limits.maxArrayLength,
          items.length + 1,
          'more would cost memory out of proportion to the file',
        )
      if (++elements > limits.maxElements)
        throw overLimit(
          where,
          'elements in all arrays',
          limits.maxElements,
          elements,
          'more would cost memory out of proportion to the file',
        )
      items.push(value(depth))
      skipSpace()
      if (bytes[at] === 93) break
      if (bytes[at] !== 44) throw fail('"," or "]"')
      at++
    }
    at++
    return items
  }

  const number = (): number => {
    const start = at
    // The numbers of a header are lengths: up to 15 digits are read as they stand, exactly.
    let whole = 0
    for (let c = bytes[at]!; c >= 48 && c <= 57; c = bytes[at]!) {
      whole = whole * 10 + (c - 48)
      at++
    }
    const digits = at - start
    if (digits > 0 && digits <= 15 && (digits === 1 || bytes[start] !== 48) && !numberBytes.has(bytes[at]!))
      return whole
    // The longest honest number has 24 characters; a longer run of digits is not worth converting.
    while (at - start < 32 && numberBytes.has(bytes[at]!)) at++
    const text = latin1.decode(bytes.subarray(start, at))
    if (!numberShape.test(text)) {
      at = start
      throw fail('a JSON value')
    }
    return Number(text)
  }

  const string = (): string => {
    const start = ++at
    let ascii = true
    for (;;) {
      const c = bytes[at]
      if (c === undefined) throw fail('a closing quote')
      if (c === 34) break
      if (c === 92) return escapedString(start)
      if (c < 32) throw fail('no control character inside a string')
      if (c > 127) ascii = false
      at++
    }
    spend(at - start)
    const part = bytes.subarray(start, at)
    // A decoder's call costs more than 24 characters by hand.
    const text = ascii && at - start <= 24 ? String.fromCharCode.apply(null, part as never) : decodeUtf8(part, start)
    at++
    return text
  }

  const spend = (byteLength: number) => {
    textBytes += byteLength
    if (textBytes > limits.maxTextBytes)
      throw overLimit(
        where,
        'bytes of text',
        limits.maxTextBytes,
        textBytes,
        'more would cost memory out of proportion to the file',
      )
  }

  const decodeUtf8 = (part: Uint8Array, start: number): string => {
    try {
      return utf8.decode(part)
    } catch {
      throw badFile(where, 'UTF-8 text', `bytes that are not UTF-8 in the string at byte ${start}`, { offset: start })
    }
  }

  /**
   * A string with a backslash in it, from its first byte. It is unescaped byte for byte into a buffer that is as long as it can become, and
   * decoded once: escapes are the cheapest way to make a reader work, so none of them may cost more than a few instructions.
   */
  const escapedString = (start: number): string => {
    let end = start
    let longest = 0
    for (let c = bytes[end]; c !== 34; c = bytes[end]) {
      if (c === undefined) {
        at = end
        throw fail('a closing quote')
      }
      end += c === 92 ? 2 : 1
      longest++
    }
    // What follows a u is four digits, and three bytes at most.
    spend(longest)
    const out = new Uint8Array(longest)
    let length = 0
    for (at = start; at < end; ) {
      const c = bytes[at]!
      if (c < 32) throw fail('no control character inside a string')
      at++
      if (c !== 92) {
        out[length++] = c
        continue
      }
      const plain = plainEscapes[bytes[at]!]!
      if (plain !== 0) {
        out[length++] = plain
        at++
      } else if (bytes[at] === 117) length = encode(escapedCodePoint(start), out, length)
      else throw fail('an escape')
    }
    const text = decodeUtf8(out.subarray(0, length), start)
    at++
    return text
  }

  /** Behind `\u`: four digits, or eight in two escapes where the first is half of a pair. */
  const escapedCodePoint = (start: number): number => {
    const first = fourDigits()
    if (first < 0xd800 || first > 0xdfff) return first
    const paired = first < 0xdc00 && bytes[at] === 92 && bytes[at + 1] === 117
    if (paired) at++
    const second = paired ? fourDigits() : 0
    if (second < 0xdc00 || second > 0xdfff)
      throw badFile(where, 'whole characters', `half a surrogate pair at byte ${start}`, { offset: start })
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
  }

  const fourDigits = (): number => {
    let unit = 0
    for (let i = 1; i <= 4; i++) {
      const digit = hexDigit(bytes[at + i] ?? 0)
      if (digit < 0) throw fail('four hexadecimal digits')
      unit = unit * 16 + digit
    }
    at += 5
    return unit
  }

  skipSpace()
  if (bytes[at] !== 123) throw fail('"{"')
  visitEach(1, null)
  skipSpace()
  if (at < bytes.byteLength) throw fail('nothing after the object')
}

/** @returns -1 for what is no hexadecimal digit */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** Writes a code point that is no surrogate as UTF-8. @returns where the next byte goes */
function encode(codePoint: number, out: Uint8Array, at: number): number {
  if (codePoint < 0x80) {
    out[at] = codePoint
    return at + 1
  }
  let next = at
  if (codePoint < 0x800) out[next++] = 0xc0 | (codePoint >> 6)
  else {
    if (codePoint < 0x10000) out[next++] = 0xe0 | (codePoint >> 12)
    else {
      out[next++] = 0xf0 | (codePoint >> 18)
      out[next++] = 0x80 | ((codePoint >> 12) & 63)
    }
    out[next++] = 0x80 | ((codePoint >> 6) & 63)
  }
  out[next++] = 0x80 | (codePoint & 63)
  return next
}
