/** .aguf: every attack in one sentence. What an honest file holds is in interop.test.ts (make_aguf.py). */
import { describe, expect, it } from 'vitest'
import { maxDimension } from '../../../core/formats/aguf.ts'
import { say } from '../../../core/messages/english.ts'
import { sentencesOf } from '../messages/words.ts'
import { concat, openBytes, refusal, text } from './corpus.ts'

const u16 = (value: number) => Uint8Array.of(value, value >> 8)
const u32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
const f32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

interface MatrixSpec {
  name?: Uint8Array
  rank?: number
  rows?: number
  cols?: number
  int8?: number
  scale?: number
  sparse?: number
  places?: [number, number][]
}

/** All ones. */
function matrix({
  name = text('w'),
  rank = 1,
  rows = 2,
  cols = 3,
  int8 = 1,
  scale = 1,
  sparse,
  places,
}: MatrixSpec = {}) {
  const padded = new Uint8Array(8)
  padded.set(name.subarray(0, 8))
  const factor = (size: number) => (int8 ? new Uint8Array(size * rank).fill(1) : f32(...Array(size * rank).fill(1)))
  const list = places ?? []
  return concat(
    padded,
    u16(rank),
    u32(rows),
    u32(cols),
    Uint8Array.of(int8),
    factor(rows),
    f32(scale),
    f32(...Array(rank).fill(1)),
    factor(cols),
    f32(scale),
    Uint8Array.of(sparse ?? (places ? 1 : 0)),
    ...(places
      ? [u32(list.length), ...list.map(([i, j]) => concat(u32(i), u32(j))), ...list.map(() => u16(0x3c00))]
      : []),
  )
}

function file(layers: readonly [number, readonly Uint8Array[]][], config = '{}', version = 2): Uint8Array {
  return concat(
    text('AGUF'),
    u32(version),
    u32(text(config).byteLength),
    text(config),
    u32(layers.length),
    ...layers.map(([index, matrices]) => concat(u32(index), u32(matrices.length), ...matrices)),
  )
}
const one = (spec: MatrixSpec = {}) => file([[0, [matrix(spec)]]])
const open = (bytes: Uint8Array) => openBytes('x.aguf', bytes)
const sentence = async (bytes: Uint8Array) => (await refusal(() => open(bytes))).message

describe('reading', () => {
  it('says what it is: factors, their rank, names that were cut', async () => {
    const bytes = file(
      [[3, [matrix(), matrix(), matrix({ name: text('abcdefg重') })]]],
      '{"model":"m","n":2,"deep":{}}',
    )
    const opened = await open(bytes)
    expect(opened.tensors.map(({ name }) => name)).toEqual(['layers.3.w', 'layers.3.w~2', 'layers.3.abcdefg'])
    expect(opened.tensors[0]).toMatchObject({
      dtype: 'F32',
      shape: [2, 3],
      remark: say('formats.stored-factors', { rank: 1, dtype: 'INT8' }),
    })
    expect(opened.tensors[0]!.storedBytes).toBeLessThan(30)
    expect([...opened.metadata]).toEqual([
      ['model', 'm'],
      ['n', '2'],
    ])
    expect(sentencesOf(opened.notices)).toEqual([
      'Its matrices are stored as factors of rank 1 (INT8) and multiplied out as they are read.',
      'Names are cut to 8 bytes in this format; 1 that became equal to another of their layer got a number, such as "layers.3.w~2".',
    ])
  })

  it('adds the sparse part, a place twice counts twice', async () => {
    const opened = await open(
      one({
        places: [
          [1, 2],
          [0, 0],
          [1, 2],
        ],
      }),
    )
    expect([...new Float32Array((await opened.read(opened.tensors[0]!)).buffer)]).toEqual([2, 1, 1, 1, 1, 3])
  })
})

describe('hostile', () => {
  // Counting from 2 for each of them took minutes.
  it('40,000 matrices of one name', async () => {
    const same = matrix({ rows: 1, cols: 1 })
    const whole = new Uint8Array(same.byteLength * 40_000)
    for (let i = 0; i < 40_000; i++) whole.set(same, i * same.byteLength)
    const head = file([[0, []]])
    new DataView(head.buffer).setUint32(head.byteLength - 4, 40_000, true)
    const { tensors } = await openBytes('x.aguf', concat(head, whole))
    expect([tensors[1]!.name, tensors.at(-1)!.name]).toEqual(['layers.0.w~2', 'layers.0.w~40000'])
  })

  it('cut at every byte', async () => {
    const whole = file([[0, [matrix({ places: [[0, 0]] }), matrix({ int8: 0 })]]])
    for (let length = 4; length < whole.byteLength; length++) await refusal(() => open(whole.slice(0, length)))
  })
  it('bytes behind the end', async () => {
    expect(await sentence(concat(one(), Uint8Array.of(0)))).toMatch(/the end of its last matrix/)
  })
  it('rank 0, above the smaller dimension, beyond the file', async () => {
    expect(await sentence(one({ rank: 0 }))).toMatch(/a rank from 1 to 2 \(2 x 3\), got 0/)
    expect(await sentence(one({ rank: 3 }))).toMatch(/a rank from 1 to 2 \(2 x 3\), got 3/)
    const bytes = one()
    new DataView(bytes.buffer).setUint16(34, 65_535, true)
    expect(await sentence(bytes)).toMatch(/a rank from 1 to 2/)
  })
  it('dimensions of nothing, and of everything', async () => {
    const with32 = (at: number, value: number) => {
      const bytes = one({ rank: 1 })
      new DataView(bytes.buffer).setUint32(at, value, true)
      return bytes
    }
    expect(await sentence(with32(36, 0))).toMatch(/a rank from 1 to 0/)
    expect(await sentence(with32(36, 4_000_000))).toMatch(/more bytes at/)
    expect(await sentence(with32(40, maxDimension + 1))).toMatch(/at most 4194304 columns/)
  })
  it('more layers or matrices than the file has bytes', async () => {
    const bytes = one()
    new DataView(bytes.buffer).setUint32(14, 2, true)
    expect(await sentence(bytes)).toMatch(/more bytes at/)
    // Of a file with a hole all of them are there.
    new DataView(bytes.buffer).setUint32(14, 0xffff_ffff, true)
    expect(await sentence(bytes)).toMatch(/at most 150000 layers/)
    const many = one()
    new DataView(many.buffer).setUint32(22, 0xffff_ffff, true)
    expect(await sentence(many)).toMatch(/at most 150000 matrices/)
  })
  it('sparse entries outside, or more than the file holds', async () => {
    for (const place of [
      [2, 0],
      [0, 3],
      [-1, 0],
      [0, -2147483648],
    ] as [number, number][])
      expect(await sentence(one({ places: [place] }))).toMatch(/sparse entries inside 2 x 3, got one at row/)
    const bytes = concat(one({ sparse: 1 }), u32(0xffff_ffff))
    expect(await sentence(bytes)).toMatch(/more bytes at/)
  })
  it('flags that are neither, scales that are no numbers', async () => {
    expect(await sentence(one({ int8: 2 }))).toMatch(/0 or 1 as kind of factors, got 2/)
    expect(await sentence(one({ sparse: 7 }))).toMatch(/0 or 1 as mark of a sparse part, got 7/)
    for (const scale of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(await sentence(one({ scale }))).toBe('x.aguf: "layers.0.w": expected a finite scale, got one that is not')
  })
  it('another version, no matrices, a configuration that is none', async () => {
    expect(await sentence(file([[0, [matrix()]]], '{}', 3))).toMatch(/AGUF version 3 is not read; 2 is/)
    expect(await sentence(file([]))).toMatch(/expected matrices, got none/)
    expect(await sentence(file([[0, [matrix()]]], '['))).toMatch(/configuration/)
    const bytes = one()
    new DataView(bytes.buffer).setUint32(8, 0xffff_ffff, true)
    expect(await sentence(bytes)).toMatch(/bytes of configuration/)
  })
})
