/** How values of MessagePack begin. Source: the MessagePack specification, "Formats". */
import type { Cursor } from './cursor.ts'

export function startsMap(code: number): boolean {
  return (code & 0xf0) === 0x80 || code === 0xde || code === 0xdf
}

export function startsList(code: number): boolean {
  return (code & 0xf0) === 0x90 || code === 0xdc || code === 0xdd
}

/** Pairs of the map, or items of the list, that begins with `code`. */
export function sizeOf(cursor: Cursor, code: number): number | Promise<number> {
  return code < 0xa0 ? code & 15 : length(cursor, code % 2 === 0 ? 2 : 4)
}

/** A number of `bytes` bytes, big-endian. */
export async function length(cursor: Cursor, bytes: number): Promise<number> {
  await cursor.need(bytes)
  let value = 0
  for (let i = 0; i < bytes; i++) value = value * 256 + cursor.u8()
  return value
}
