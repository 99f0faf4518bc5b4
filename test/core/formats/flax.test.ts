/** MessagePack under attack. What honest files hold is in interop.test.ts (make_checkpoints.py). */
import { describe, expect, it } from 'vitest'
import { sentencesOf } from '../messages/words.ts'
import { concat, openBytes, refusal, text } from './corpus.ts'

const str = (value: string) => concat(Uint8Array.of(0xa0 | value.length), text(value))
const u32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
const map = (...pairs: Uint8Array[]) => concat(Uint8Array.of(0x80 | (pairs.length / 2)), ...pairs)
const ext = (type: number, data: Uint8Array, length = data.byteLength) =>
  concat(Uint8Array.of(0xc9), u32(length), Uint8Array.of(type), data)
const list = (shape: readonly number[], dtype: string, bytes: number, length = bytes) =>
  concat(
    Uint8Array.of(0x93, 0x90 | shape.length, ...shape),
    str(dtype),
    Uint8Array.of(0xc6),
    u32(length),
    new Uint8Array(bytes),
  )
const array = (shape: readonly number[], dtype = 'float32', bytes = 4 * shape.reduce((a, b) => a * b, 1)) =>
  ext(1, list(shape, dtype, bytes))
const open = (bytes: Uint8Array) => openBytes('m.msgpack', bytes)
const sentence = async (bytes: Uint8Array) => (await refusal(() => open(bytes))).message

describe('reading', () => {
  it('leaves out what it does not read, and names it', async () => {
    const file = await open(
      map(str('a'), array([2]), str('b'), array([1], 'complex128', 16), str('c'), ext(9, new Uint8Array(3))),
    )
    expect(file.tensors.map(({ name }) => name)).toEqual(['a'])
    expect(sentencesOf(file.notices)).toEqual([
      'Left out, because their values are not read: "b" ("complex128"), "c" (extension 9).',
    ])
  })
})

describe('hostile', () => {
  it('bytes for another shape, beyond their extension, beyond the file', async () => {
    expect(await sentence(map(str('a'), array([2, 3], 'float32', 20)))).toMatch(
      /expected 24 bytes \(F32 \[2, 3\]\), got 20/,
    )
    expect(await sentence(map(str('a'), ext(1, list([2], 'float32', 8, 80))))).toMatch(/values up to byte/)
    expect(await sentence(map(str('a'), ext(1, list([2], 'float32', 8), 2 ** 31)))).toMatch(
      /values up to byte|more bytes/,
    )
  })
  it('maps in maps without end, a million of them in a row', async () => {
    const deep = concat(...Array.from({ length: 200 }, () => concat(Uint8Array.of(0x81), str('a'))), array([1]))
    expect(await sentence(deep)).toMatch(/at most 64 levels of maps/)
    expect(await sentence(concat(Uint8Array.of(0xdf), u32(0xffff_ffff)))).toMatch(/more bytes at/)
  })
  it.each([
    ['maps as keys of maps', Uint8Array.of(0x81)],
    ['arrays in chunks as the mark of arrays in chunks', concat(Uint8Array.of(0x81), str('__msgpack_chunked_array__'))],
    ['arrays as the sizes of arrays', concat(Uint8Array.of(0xc9), u32(0x7fff_ffff), Uint8Array.of(1, 0x93, 0x91))],
    ['arrays as the dtypes of arrays', concat(Uint8Array.of(0xc9), u32(0x7fff_ffff), Uint8Array.of(1, 0x93, 0x90))],
  ])('%s, which no path grows by', async (_, level) => {
    const bytes = concat(...Array.from({ length: 200 }, () => level), new Uint8Array(64))
    expect(await sentence(map(str('a'), bytes))).toMatch(/at most 64 levels of maps/)
  })
  it('1000 arrays below keys that are longer than all of them', async () => {
    const key = concat(Uint8Array.of(0xda, 4000 >> 8, 4000 & 255), text('k'.repeat(4000)))
    const path = concat(...Array.from({ length: 60 }, () => concat(Uint8Array.of(0x81), key)))
    const arrays = concat(...Array.from({ length: 1000 }, () => array([1])))
    expect(await sentence(concat(path, Uint8Array.of(0xdc, 1000 >> 8, 1000 & 255), arrays))).toMatch(
      /at most 16000 characters in a name/,
    )
  })
  it('more keys than any model has', async () => {
    const pair = (i: number) => concat(str(String(i)), Uint8Array.of(1))
    const many = Buffer.concat(Array.from({ length: 500_001 }, (_, i) => pair(i)))
    expect(await sentence(concat(Uint8Array.of(0xdf), u32(500_001), many))).toMatch(/at most 500000 keys/)
  })
  it('a key twice, a key that is none, text that is not UTF-8', async () => {
    expect(await sentence(map(str('a'), array([1]), str('a'), array([1])))).toMatch(/every key once, got "a" twice/)
    expect(await sentence(map(array([1]), array([1])))).toMatch(/keys that are text/)
    expect(await sentence(map(Uint8Array.of(0xa1, 0xff), array([1])))).toMatch(/UTF-8/)
  })
  it('an array that is none', async () => {
    for (const inner of [
      Uint8Array.of(0x92),
      Uint8Array.of(0x93, 0xa1),
      concat(Uint8Array.of(0x93, 0x91), str('x')),
      Uint8Array.of(0x93, 0x91, 1, 5),
    ])
      expect(await sentence(map(str('a'), ext(1, inner)))).toMatch(/array at byte|more bytes|a list|whole numbers/)
  })
  it('chunks that are not in order, of different dtypes, of no array', async () => {
    const chunks = (...parts: Uint8Array[]) =>
      map(
        str('a'),
        map(
          str('__msgpack_chunked_array__'),
          Uint8Array.of(0xc3),
          str('shape'),
          map(str('0'), Uint8Array.of(4)),
          str('chunks'),
          map(...parts),
        ),
      )
    const mark = (bytes: Uint8Array) => bytes
    // The key is longer than 31 bytes? It has 25: a fixed string.
    expect((await open(mark(chunks(str('0'), array([2]), str('1'), array([2]))))).tensors[0]!.shape).toEqual([4])
    expect(await sentence(chunks(str('1'), array([2]), str('0'), array([2])))).toMatch(/number 0 of chunks/)
    expect(await sentence(chunks(str('0'), array([2]), str('1'), array([2], 'float16', 4)))).toMatch(/none. Left out/)
    expect(await sentence(chunks(str('0'), array([3])))).toMatch(/expected 16 bytes/)
    expect(await sentence(chunks(str('0'), Uint8Array.of(1)))).toMatch(/arrays as its chunks/)
  })
  it('bytes behind the end, nothing at all, a code that is none', async () => {
    expect(await sentence(concat(map(str('a'), array([1])), Uint8Array.of(0)))).toMatch(/the end of its map/)
    expect(await sentence(map())).toMatch(/expected arrays, got none/)
    expect(await sentence(map(str('a'), Uint8Array.of(0xc1)))).toMatch(
      /a value of MessagePack at byte 3, got byte 0xc1/,
    )
  })
})
