/**
 * Just enough of the protobuf wire format to find things: the fields of one message, by number, with where their bytes lie. Messages inside
 * messages are ranges that the caller visits or passes over, so nothing recurses by itself.
 * Source: protobuf.dev, "Encoding".
 */
import type { Cursor } from './cursor.ts'
import { badFile, figure, overLimit } from './refusal.ts'

export interface Field {
  readonly number: number
  /** Of a varint: the value, NaN beyond 2^53. Of a fixed-size field: 0. Of a length-delimited one: its length. */
  readonly value: number
  readonly wire: 'varint' | 'fixed' | 'bytes'
  /** Where its tag begins. */
  readonly at: number
  /** Where its bytes begin: of a varint, its first. */
  readonly start: number
  readonly end: number
}

/** What all visits of one file spend together: fields cost two bytes each in the file and much more here. */
export interface FieldBudget {
  left: number
  readonly limit: number
}

/** What is done at once, and nothing left to wait for; or the wait. Millions of small messages cannot all be waited for. */
export type Wait = Promise<void> | undefined

/** `next`, after `wait`. */
export function after(wait: Wait, next: () => Wait): Wait {
  return wait === undefined ? next() : wait.then(next)
}

/** Of a key and a length, or of a number. */
const longestHead = 20

/**
 * Visits the fields from the cursor to `end`. A visitor may read a field's bytes through the cursor; what it leaves is passed over.
 * @returns undefined where all of it was in the cursor's window and no visitor waited
 * @throws AppError `bad-file`, `over-limit`
 */
export function visitFields(
  cursor: Cursor,
  end: number,
  where: string,
  budget: FieldBudget,
  visit: (field: Field) => Wait,
): Wait {
  const leave = (field: Field) => {
    if (cursor.position > field.end)
      throw badFile(where, `field ${field.number} to end at ${field.end}`, `${cursor.position}`)
    cursor.skip(field.end - cursor.position)
  }
  const rest = async (first: Promise<void>): Promise<void> => {
    await first
    while (cursor.position < end) {
      const head = Math.min(longestHead, end - cursor.position)
      if (!cursor.has(head)) await cursor.need(head)
      const field = nextField(cursor, end, where, budget)
      const wait = visit(field)
      if (wait !== undefined) await wait
      leave(field)
    }
  }
  while (cursor.position < end) {
    const head = Math.min(longestHead, end - cursor.position)
    if (!cursor.has(head)) return rest(cursor.need(head))
    const field = nextField(cursor, end, where, budget)
    const wait = visit(field)
    if (wait !== undefined) return rest(wait.then(() => leave(field)))
    leave(field)
  }
  return undefined
}

export function spendField(budget: FieldBudget, where: string): void {
  if (--budget.left < 0) throw overLimit(where, 'fields', budget.limit, budget.limit + 1, 'no honest model has so many')
}

function nextField(cursor: Cursor, end: number, where: string, budget: FieldBudget): Field {
  spendField(budget, where)
  const at = cursor.position
  const key = varint(cursor, end, where)
  const number = Math.floor(key / 8)
  const wireType = key % 8
  if (!(number >= 1 && number < 2 ** 29)) throw badFile(where, `a field number at byte ${at}`, figure(number))
  const field = readField(cursor, end, where, number, wireType, at)
  if (field.end > end)
    throw badFile(
      where,
      `field ${number} to end by ${end}`,
      `${field.end}: the file is cut short or its lengths are wrong`,
    )
  return field
}

function readField(cursor: Cursor, end: number, where: string, number: number, wireType: number, at: number): Field {
  if (wireType === 0) {
    const start = cursor.position
    const value = varint(cursor, end, where)
    return { number, value, wire: 'varint', at, start, end: cursor.position }
  }
  const length = wireType === 2 ? varint(cursor, end, where) : wireType === 1 ? 8 : wireType === 5 ? 4 : Number.NaN
  if (Number.isNaN(length))
    throw badFile(
      where,
      `wire type 0, 1, 2 or 5 at byte ${at}`,
      wireType === 2 ? 'a length beyond 2^53' : `${wireType}`,
    )
  const start = cursor.position
  return {
    number,
    value: wireType === 2 ? length : 0,
    wire: wireType === 2 ? 'bytes' : 'fixed',
    at,
    start,
    end: start + length,
  }
}

/** At most 10 bytes, which the caller has made available or which lie beyond `end`. NaN beyond 2^53. */
export function varint(cursor: Cursor, end: number, where: string): number {
  let value = 0
  for (let i = 0; i < 10; i++) {
    if (cursor.position >= end) throw badFile(where, 'the end of a number', `the end at ${end}`)
    const byte = cursor.u8()
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
  }
  throw badFile(where, 'a number of at most 10 bytes', 'a longer one')
}
