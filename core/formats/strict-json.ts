/**
 * A JSON reader for hostile input, straight from bytes. JSON.parse hides duplicate keys (the last wins: two readers of one file can see two
 * files), lets `__proto__` touch a prototype, and builds whatever it is told to. This one refuses duplicates, returns Maps, decodes UTF-8
 * strictly and stops at named limits.
 */
import { badFile, overLimit, quoted } from './refusal.ts'

export type Json = string | number | boolean | null | Json[] | JsonObject
export type JsonObject = Map<string, Json>

export interface JsonLimits {
  /** Nesting; the parser recurses, so this bounds the stack. */
  readonly maxDepth: number
  /** Elements in one array: `[0,0,0,...]` costs 2 bytes in the file and 8 in memory. */
  readonly maxArrayLength: number
  /** Keys in all objects together: `"":0,` costs 5 bytes in the file and about 100 in memory. */
  readonly maxKeys: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('latin1')
const escapes: Record<number, string> = {
  34: '"',
  92: '\\',
  47: '/',
  98: '\b',
  102: '\f',
  110: '\n',
  114: '\r',
  116: '\t',
}
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const numberBytes = new Set([...'+-.eE0123456789'].map((character) => character.charCodeAt(0)))
const numberShape = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/**
 * Visits the entries of the one object that `bytes` hold, in their order; white space may surround it. Nothing of an entry is kept once
 * `visit` has returned, so a header of 150,000 tensors costs what its visitor keeps.
 * @param where names the file and the part of it, for the sentence
 * @throws AppError `bad-file` with the byte offset, `over-limit`
 */
export function visitStrictJson(
  bytes: Uint8Array,
  where: string,
  limits: JsonLimits,
  visit: (key: string, value: Json) => void,
): void {
  let at = 0
  let keys = 0

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
    visitObject(depth, entries, (key, value) => void entries.set(key, value))
    return entries
  }

  const visitObject = (
    depth: number,
    seen: { has(key: string): boolean },
    each: (key: string, value: Json) => void,
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
      if (seen.has(key))
        throw badFile(where, 'every key once', `${quoted(key)} a second time at byte ${start}`, { offset: start })
      if (++keys > limits.maxKeys)
        throw overLimit(where, 'keys', limits.maxKeys, keys, 'more would cost memory out of proportion to the file')
      skipSpace()
      if (bytes[at] !== 58) throw fail('":" after a key')
      at++
      each(key, value(depth))
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
    const text = decode(start, at, ascii)
    at++
    return text
  }

  const decode = (start: number, end: number, ascii: boolean): string => {
    const part = bytes.subarray(start, end)
    // A decoder's call costs more than 24 characters by hand.
    if (ascii) return part.byteLength <= 24 ? String.fromCharCode(...part) : latin1.decode(part)
    try {
      return utf8.decode(part)
    } catch {
      throw badFile(where, 'UTF-8 text', `bytes that are not UTF-8 in the string at byte ${start}`, { offset: start })
    }
  }

  /** The slow path: a string with a backslash in it. `at` stands on the first one. */
  const escapedString = (start: number): string => {
    const parts: string[] = []
    let from = start
    for (;;) {
      const c = bytes[at]
      if (c === undefined) throw fail('a closing quote')
      if (c < 32) throw fail('no control character inside a string')
      if (c !== 34 && c !== 92) {
        at++
        continue
      }
      parts.push(decode(from, at, false))
      if (c === 34) break
      at++
      const plain = escapes[bytes[at] ?? 0]
      if (plain !== undefined) {
        parts.push(plain)
        at++
      } else if (bytes[at] === 117) {
        const digits = latin1.decode(bytes.subarray(at + 1, at + 5))
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw fail('four hexadecimal digits')
        parts.push(String.fromCharCode(Number.parseInt(digits, 16)))
        at += 5
      } else throw fail('an escape')
      from = at
    }
    const text = parts.join('')
    if (loneSurrogate.test(text)) throw badFile(where, 'whole characters', `half a surrogate pair at byte ${start}`)
    at++
    return text
  }

  skipSpace()
  if (bytes[at] !== 123) throw fail('"{"')
  const seen = new Set<string>()
  visitObject(1, seen, (key, value) => {
    seen.add(key)
    visit(key, value)
  })
  skipSpace()
  if (at < bytes.byteLength) throw fail('nothing after the object')
}
