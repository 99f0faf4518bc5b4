import { describe, expect, it } from 'vitest'
import { blockEncodings, decodeBlocks } from '../../../../core/formats/gguf/ggml.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, testContext } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { sentencesOf } from '../../messages/words.ts'
import { le32 } from '../archives/archives.ts'
import { concat, openBytes, openFolder, refusal, text, u64 } from '../corpus.ts'

const string = (value: string | Uint8Array, length?: bigint) => {
  const bytes = typeof value === 'string' ? text(value) : value
  return concat(u64(length ?? BigInt(bytes.byteLength)), bytes)
}

interface TensorSpec {
  name: string
  shape: number[]
  type: number
  offset: number
}
const describeTensor = ({ name, shape, type, offset }: TensorSpec) =>
  concat(
    string(name),
    le32(shape.length),
    ...shape.toReversed().map((size) => u64(BigInt(size))),
    le32(type),
    u64(BigInt(offset)),
  )

interface FileSpec {
  version?: number
  tensorCount?: bigint
  pairCount?: bigint
  pairs?: Uint8Array[]
  tensors?: TensorSpec[]
  dataBytes?: number
  alignment?: number
}
function ggufFile({
  version = 3,
  tensorCount,
  pairCount,
  pairs = [],
  tensors = [],
  dataBytes = 0,
  alignment = 32,
}: FileSpec): Uint8Array {
  const header = concat(
    text('GGUF'),
    le32(version),
    u64(tensorCount ?? BigInt(tensors.length)),
    u64(pairCount ?? BigInt(pairs.length)),
    ...pairs,
    ...tensors.map(describeTensor),
  )
  return concat(
    header,
    new Uint8Array((alignment - (header.byteLength % alignment)) % alignment),
    new Uint8Array(dataBytes).fill(60),
  )
}
const pair = (key: string, type: number, value: Uint8Array) => concat(string(key), le32(type), value)
const t = (change: Partial<TensorSpec> = {}): TensorSpec => ({
  name: 'w',
  shape: [2, 32],
  type: 0,
  offset: 0,
  ...change,
})
const sentence = async (file: FileSpec | Uint8Array) =>
  (await refusal(() => openBytes('x.gguf', file instanceof Uint8Array ? file : ggufFile(file)))).message

describe('reading', () => {
  it('says that a file is quantized, and as what', async () => {
    const file = await openBytes(
      'x',
      ggufFile({ tensors: [t({ type: 8 }), t({ name: 'v', type: 2, offset: 96 })], dataBytes: 200 }),
    )
    expect(file.tensors).toEqual([
      { name: 'w', dtype: 'F32', shape: [2, 32], byteLength: 256, storedAs: 'Q8_0', storedBytes: 68 },
      { name: 'v', dtype: 'F32', shape: [2, 32], byteLength: 256, storedAs: 'Q4_0', storedBytes: 36 },
    ])
    expect(sentencesOf(file.notices)).toEqual([
      'This file is already quantized (Q8_0, Q4_0): the spectra include quantization noise.',
    ])
    expect((await openBytes('x', ggufFile({ tensors: [t()], dataBytes: 256 }))).notices).toEqual([])
  })

  it('counts the bytes of the encoding in a compression, not those of the values', async () => {
    const tensors = [t({ shape: [64, 64], type: 8 }), t({ name: 'v', shape: [96, 64], type: 8, offset: 4352 })]
    const file = await openBytes('x', ggufFile({ tensors, dataBytes: 4352 + 6528 }))
    const target = { folder: memoryFolder('out'), name: 'o' }
    const report = await compressFile({ model: file, target }, compressJob({ rank: 10 }), testContext())
    // 10 (64 + 64) f32 are more than the 4352 bytes of w in Q8_0, 10 (96 + 64) less than the 6528 of v.
    expect(report.tensors).toMatchObject([
      { name: 'w', action: 'kept', bytesBefore: 4352, bytesAfter: 4 * 64 * 64 },
      { name: 'v', action: 'factorized', bytesBefore: 6528, bytesAfter: 6400 },
    ])
  })

  it('opens a split model whose first file has no tensors', async () => {
    const first = ggufFile({ pairs: [pair('split.count', 2, Uint8Array.of(2, 0))] })
    const second = ggufFile({ tensors: [t()], dataBytes: 256 })
    const files = { 'x-00001-of-00002.gguf': first, 'x-00002-of-00002.gguf': second }
    for (const picked of [null, ...Object.keys(files)])
      expect((await openFolder(files, picked)).tensors.map(({ name }) => name)).toEqual(['w'])
  })

  it('keeps metadata as text, cut where it is long', async () => {
    const pairs = [
      pair('a', 8, string('x'.repeat(5000))),
      pair('b', 9, concat(le32(8), u64(2n), string('p'), string('q'))),
      pair('c', 5, le32(-7)),
      pair('d', 7, Uint8Array.of(1)),
      pair('__proto__', 4, le32(1)),
    ]
    const { metadata } = await openBytes('x', ggufFile({ pairs, tensors: [t()], dataBytes: 256 }))
    expect([...metadata].map(([key, value]) => [key, value.length > 20 ? value.length : value])).toEqual([
      ['a', 1024],
      ['b', '2 values'],
      ['c', '-7'],
      ['d', 'true'],
      ['__proto__', '1'],
    ])
  })

  it('names encodings it does not read and shows the rest', async () => {
    const file = await openBytes(
      'x',
      ggufFile({ tensors: [t(), t({ name: 'i', type: 18, offset: 256 })], dataBytes: 512 }),
    )
    expect(file.tensors.map(({ name }) => name)).toEqual(['w'])
    expect(sentencesOf(file.notices)).toEqual(['Left out, because their values are not read: "i" (IQ3_XXS).'])
  })

  it('passes over a tokenizer of 250,000 strings', async () => {
    const one = string('token')
    const many = new Uint8Array(250_000 * one.byteLength)
    for (let i = 0; i < 250_000; i++) many.set(one, i * one.byteLength)
    const tokens = concat(le32(8), u64(250_000n), many)
    const file = await openBytes('x', ggufFile({ pairs: [pair('t', 9, tokens)], tensors: [t()], dataBytes: 256 }))
    expect(file.metadata.get('t')).toBe('250000 values')
  })

  it('a block of zero scale is zero, whatever its bits', () => {
    for (const encoding of blockEncodings.values()) {
      const block = new Uint8Array(encoding.byteLength).fill(0xa5)
      const scales: Record<string, number[]> = { Q2_K: [80, 82], Q3_K: [108], Q6_K: [208] }
      for (const at of scales[encoding.name] ?? [0, 2])
        if (encoding.name !== 'Q4_0' || at === 0) block.fill(0, at, at + 2)
      const values = decodeBlocks(encoding, block)
      expect(values).toHaveLength(encoding.values)
      expect(values.every((value) => value === 0)).toBe(true)
    }
  })
})

describe('hostile', () => {
  it('truncated at every 1/20 of its length', async () => {
    const good = ggufFile({
      pairs: [pair('a', 8, string('value'))],
      tensors: [t(), t({ name: 'v', type: 8, offset: 256 })],
      dataBytes: 324,
    })
    await openBytes('x.gguf', good)
    for (let i = 0; i < 20; i++)
      expect(await sentence(good.subarray(0, Math.floor((good.byteLength * i) / 20)))).toMatch(
        /expected .* got |is cut short|is empty/,
      )
  })
  it('2^60 tensors, 2^60 pairs', async () => {
    expect(await sentence({ tensorCount: 2n ** 60n })).toBe(
      'x.gguf: expected at most 65536 tensors, got 1152921504606846976: no published file comes near it',
    )
    expect(await sentence({ pairCount: 2n ** 60n })).toMatch(/at most 65536 key-value pairs/)
    expect(await sentence({ tensorCount: 60_000n })).toMatch(/more bytes at/)
  })
  it('alignment 0, 1, 12, 2^31, a word', async () => {
    for (const value of [0, 1, 12, 2 ** 31])
      expect(await sentence({ pairs: [pair('general.alignment', 4, le32(value))], tensors: [t()] })).toMatch(
        /a multiple of 8 up to 65536/,
      )
    expect(await sentence({ pairs: [pair('general.alignment', 8, string('x'))], tensors: [t()] })).toMatch(
      /a multiple of 8/,
    )
  })
  it('bad type ids', async () => {
    for (const type of [4, 5, 31, 40, 99])
      expect(await sentence({ tensors: [t({ type })], dataBytes: 256 })).toMatch(/expected tensors, got none. Left out/)
    for (const type of [256, 2 ** 31])
      expect(await sentence({ tensors: [t({ type })], dataBytes: 256 })).toMatch(/a ggml type of at most 255, got type/)
    for (const type of [13, 255]) {
      expect(await sentence({ pairs: [pair('a', type, le32(0))] })).toMatch(/a value type from 0 to 12/)
      expect(await sentence({ pairs: [pair('a', 9, concat(le32(type), u64(1n)))] })).toMatch(
        /an array of a type from 0 to 12/,
      )
    }
  })
  it('versions nobody reads, and big-endian', async () => {
    for (const version of [0, 1, 4])
      expect(await sentence({ version })).toMatch(new RegExp(`GGUF version ${version} is not read`))
    expect(await sentence({ version: 0x0300_0000 })).toMatch(/big-endian/)
  })
  it('strings and arrays longer than the file, or than anything', async () => {
    for (const length of [2n ** 63n, 2n ** 53n, 2n ** 40n]) {
      expect(await sentence({ pairs: [string('a', length)] })).toMatch(/expected a key of at most 4096 bytes/)
      expect(await sentence({ pairs: [pair('a', 8, string('x', length))] })).toMatch(/expected a length of at most/)
      expect(await sentence({ pairs: [pair('a', 9, concat(le32(8), u64(length)))] })).toMatch(
        /expected a length of at most/,
      )
    }
    expect(await sentence({ pairs: [pair('a', 9, concat(le32(12), u64(90_000_000n)))] })).toMatch(
      /720000000 more bytes/,
    )
    expect(await sentence({ pairs: [pair('a', 8, string('x', 50_000_000n))] })).toMatch(/more bytes at/)
  })
  it('arrays in arrays in arrays', async () => {
    const level = concat(le32(9), u64(1n))
    expect(await sentence({ pairs: [pair('a', 9, concat(...Array.from({ length: 100_000 }, () => level)))] })).toMatch(
      /at most 4 levels of arrays/,
    )
    // As many as one may have, in each of two pairs.
    const many = concat(le32(9), u64(4096n), ...Array.from({ length: 4096 }, () => concat(le32(0), u64(0n))))
    expect(await sentence({ pairs: [pair('a', 9, many), pair('b', 9, many)] })).toMatch(/at most 4096 arrays in arrays/)
  })
  it('keys and tensors twice', async () => {
    expect(await sentence({ pairs: [pair('a', 4, le32(1)), pair('a', 4, le32(2))] })).toMatch(
      /every key once, got "a" twice/,
    )
    expect(await sentence({ tensors: [t(), t({ offset: 256 })], dataBytes: 512 })).toMatch(
      /every tensor once, got "w" twice/,
    )
  })
  it('overlapping, unaligned and out-of-range offsets', async () => {
    expect(await sentence({ tensors: [t(), t({ name: 'v', offset: 224 })], dataBytes: 512 })).toMatch(
      /"v": expected data after "w".*they overlap/,
    )
    expect(await sentence({ tensors: [t({ offset: 5 })], dataBytes: 512 })).toMatch(/a multiple of 32, got 5/)
    expect(await sentence({ tensors: [t({ offset: 64 })], dataBytes: 256 })).toMatch(/the file is cut short/)
    expect(await sentence({ tensors: [t({ offset: 2 ** 52 })], dataBytes: 256 })).toMatch(/the file is cut short/)
    expect(await sentence({ tensors: [t({ offset: 2 ** 60 })], dataBytes: 256 })).toMatch(/a multiple of 32/)
  })
  it('dims whose product overflows, dims that are no rows of blocks, too many', async () => {
    expect(await sentence({ tensors: [t({ shape: [2 ** 40, 2 ** 40] })], dataBytes: 256 })).toMatch(/below 2\^50/)
    expect(await sentence({ tensors: [t({ shape: [2 ** 51] })], dataBytes: 256 })).toMatch(/below 2\^50/)
    expect(await sentence({ tensors: [t({ shape: [2, 31], type: 8 })], dataBytes: 256 })).toMatch(
      /rows of a multiple of 32 values \(Q8_0\), got rows of 31/,
    )
    expect(await sentence({ tensors: [t({ shape: [32, 2], type: 8 })], dataBytes: 256 })).toMatch(/rows of 2/)
    expect(await sentence({ tensors: [t({ shape: [1, 1, 1, 1, 1] })], dataBytes: 256 })).toMatch(
      /at most 4 dimensions, got 5/,
    )
  })
  it('names that are not UTF-8', async () => {
    expect(await sentence({ pairs: [string(Uint8Array.of(0xff))] })).toMatch(/a key in UTF-8/)
  })
  it('nothing to read', async () => {
    expect(await sentence({})).toMatch(/expected tensors, got none/)
    expect(await sentence({ tensors: [t({ type: 16 })], dataBytes: 256 })).toMatch(/got none\. Left out/)
  })
})
