import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { maxHeaderBytes, safetensorsHeader } from '../../../core/formats/safetensors.ts'
import { type DType, dtypeBits } from '../../../core/tensor.ts'
import { memoryFolder } from '../memory-folder.ts'
import { sentencesOf } from '../messages/words.ts'
import { concat, entry, openBytes, refusal, safetensorsFile, text, u64 } from './corpus.ts'

const open = (header: string | Uint8Array, dataBytes: number, length?: bigint) => () =>
  openBytes('f.safetensors', safetensorsFile(header, dataBytes, length))
const sentence = async (header: string | Uint8Array, dataBytes: number, length?: bigint) =>
  (await refusal(open(header, dataBytes, length))).message

describe('reading', () => {
  it('lists tensors in the order of the data, whatever the order of the header', async () => {
    const file = await open(
      `{"b":${entry('U8', [3], 4, 7)},"__metadata__":{"a":"1","é":"ü"},"a":${entry('F32', [1], 0, 4)}}  `,
      7,
    )()
    expect(file.tensors.map((t) => [t.name, t.dtype, t.shape, t.byteLength])).toEqual([
      ['a', 'F32', [1], 4],
      ['b', 'U8', [3], 3],
    ])
    expect([...file.metadata]).toEqual([
      ['a', '1'],
      ['é', 'ü'],
    ])
    expect([...(await file.read(file.tensors[1]!))]).toEqual([4, 5, 6])
    expect([...(await file.read(file.tensors[1]!, 1, 2))]).toEqual([5])
    expect(file.shards).toEqual([{ fileName: 'f.safetensors', tensorNames: ['a', 'b'] }])
  })

  it('takes every dtype of the specification', async () => {
    for (const dtype of Object.keys(dtypeBits) as DType[]) {
      const file = await open(`{"t":${entry(dtype, [8], 0, dtypeBits[dtype])}}`, dtypeBits[dtype])()
      expect(file.tensors[0]!.dtype).toBe(dtype)
    }
  })

  it('takes scalars, empty tensors, no tensors, and any string as a name', async () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      '',
      'a/b\\c',
      '../x',
      '\u0000',
      '\u202e',
      '重み',
      '😀',
      'hasOwnProperty',
    ]
    const header = names.map((name, i) => `${JSON.stringify(name)}:${entry('F32', [], 4 * i, 4 * i + 4)}`).join(',')
    const file = await open(`{${header},"none":${entry('F32', [0, 5], 44, 44)}}`, 44)()
    expect(file.tensors.map((t) => t.name)).toEqual([...names, 'none'])
    expect((await file.read(file.tensors[0]!)).byteLength).toBe(4)
    expect('dtype' in {}).toBe(false)
    expect((await open('{}', 0)()).tensors).toEqual([])
  })

  it('reads back what the header writer wrote', async () => {
    const tensors = [
      { name: 'w"\\\n', dtype: 'BF16', shape: [2, 3] },
      { name: '__proto__', dtype: 'F64', shape: [] },
      { name: 'packed', dtype: 'F4', shape: [4, 2] },
    ] as const
    const header = safetensorsHeader(tensors, new Map([['format', 'pt']]))
    expect(header.byteLength % 8).toBe(0)
    const file = await openBytes('f', concat(header, new Uint8Array(12 + 8 + 4)))
    expect(file.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(tensors)
    expect(file.metadata.get('format')).toBe('pt')
  })

  it('refuses to write a name twice or half a byte', () => {
    const t = { name: 't', dtype: 'F32', shape: [1] } as const
    expect(() => safetensorsHeader([t, t])).toThrow(/second/)
    expect(() => safetensorsHeader([{ ...t, name: '__metadata__' }])).toThrow(/second/)
    expect(() => safetensorsHeader([{ name: 'x', dtype: 'F4', shape: [3] }])).toThrow(/whole number of bytes/)
  })
})

describe('hostile', () => {
  const good = safetensorsFile(`{"a":${entry('F32', [4], 0, 16)},"b":${entry('I8', [2, 2], 16, 20)}}`, 20)

  it('truncated at every 1/20 of its length', async () => {
    for (let i = 0; i < 20; i++) {
      const cut = good.subarray(0, Math.floor((good.byteLength * i) / 20))
      expect((await refusal(() => openBytes('f.safetensors', cut))).message).toMatch(
        /expected .* got |is cut short|is empty/,
      )
    }
  })
  it('empty file', async () => {
    expect((await refusal(() => openBytes('f.safetensors', new Uint8Array(0)))).message).toBe(
      'f.safetensors is empty. Download or copy it again.',
    )
  })
  it('bytes after the last tensor', async () => {
    expect(await sentence(`{"a":${entry('U8', [1], 0, 1)}}`, 3)).toMatch(/2 belong to no tensor/)
  })
  it.each([
    ['longer than the file', 1000n],
    ['2^53', 2n ** 53n],
    ['2^63', 2n ** 63n],
    ['negative', -1n],
  ])('header length %s', async (_, length) => {
    expect(await sentence('{}', 0, length)).toMatch(/announces a header of [\d,]+ bytes, and the file has 10\./)
  })
  it('header over the named cap', async () => {
    const source = {
      name: 'f.safetensors',
      byteLength: 2 ** 37,
      slice: async (start: number, end: number) =>
        start === 0
          ? concat(u64(BigInt(maxHeaderBytes + 1)), text('{'.padEnd(4096))).slice(0, end)
          : Promise.reject(new Error('read the header')),
      close: async () => {},
    }
    const folder = { name: '', list: async () => [], open: async () => source, inside: () => memoryFolder('none') }
    const error = await refusal(() => openWeightFile({ folder, entry: 'f.safetensors' }))
    expect(error.code).toBe('over-limit')
    expect(error.message).toMatch(/100000000 bytes of header, got 100000001/)
  })
  it('a header of nothing but tensors of nothing', async () => {
    const header = `{${Array.from({ length: 150_001 }, (_, i) => `"${i}":${entry('F32', [0], 0, 0)}`).join(',')}}`
    expect(await sentence(header, 0)).toMatch(/at most 150000 tensors, got 150001/)
  })
  it('non-UTF-8', async () => {
    expect(
      await sentence(concat(text('{"'), Uint8Array.of(0xff, 0xfe), text(`":${entry('U8', [1], 0, 1)}}`)), 1),
    ).toMatch(/expected UTF-8/)
    expect(await sentence(Uint8Array.of(0x7b, 0xff, 0xff, 0x7d), 1)).toMatch(/got byte 0xff at byte 1/)
  })
  it('duplicate keys', async () => {
    const t = entry('U8', [1], 0, 1)
    expect(await sentence(`{"a":${t},"a":${t}}`, 1)).toMatch(/every key once, got "a" a second time/)
    expect(await sentence(`{"a":${t},"\\u0061":${t}}`, 1)).toMatch(/every key once/)
    expect(await sentence(`{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1)).toMatch(
      /"dtype" a second time/,
    )
    expect(await sentence(`{"__metadata__":{"a":"1","a":"2"}}`, 0)).toMatch(/every key once/)
    for (const number of ['88888888888888888888888888', '1e999', '0.5'])
      expect(await sentence(`{"a":${number}}`, 0)).toMatch(/data_offsets, got a number$/)
    const offsets = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1e300]}}`
    expect(await sentence(offsets, 1)).toMatch(/got \[0, no integer\]$/)
    expect(await sentence(`{"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}}`, 0)).toMatch(/every key once/)
    const many = Array.from({ length: 100_001 }, (_, i) => `"${i}":""`).join()
    expect(await sentence(`{"__metadata__":{${many}}}`, 0)).toMatch(/at most 100000 keys of metadata/)
  })
  it('overlapping offsets', async () => {
    expect(await sentence(`{"a":${entry('U8', [4], 0, 4)},"b":${entry('U8', [4], 2, 6)}}`, 6)).toMatch(
      /begins where "a" ends, at 4, got 2: they overlap/,
    )
    expect(await sentence(`{"a":${entry('U8', [4], 0, 4)},"b":${entry('U8', [4], 0, 4)}}`, 4)).toMatch(/overlap/)
  })
  it('unsorted offsets', async () => {
    expect(await sentence(`{"a":${entry('U8', [4], 4, 0)}}`, 4)).toMatch(/begin <= end/)
  })
  it('a hole between tensors', async () => {
    expect(await sentence(`{"a":${entry('U8', [1], 0, 1)},"b":${entry('U8', [1], 2, 3)}}`, 3)).toMatch(
      /1 bytes belong to no tensor/,
    )
  })
  it('out-of-range offsets', async () => {
    expect(await sentence(`{"a":${entry('U8', [9], 0, 9)}}`, 8)).toMatch(
      /"a" ends at byte 9 of the data, and 8 bytes are there/,
    )
    expect(
      await sentence(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[9007199254740992,9007199254740993]}}`, 8),
    ).toMatch(/below 2\^53/)
    expect(await sentence(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}`, 8)).toMatch(/data_offsets/)
    expect(await sentence(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0.5,1.5]}}`, 8)).toMatch(/data_offsets/)
  })
  it('dims whose product overflows', async () => {
    for (const shape of [[2 ** 32, 2 ** 32], [2 ** 53], [2 ** 50, 2 ** 50, 0], [2 ** 51]])
      expect(await sentence(`{"a":${entry('F64', shape, 0, 8)}}`, 8)).toMatch(/below 2\^53/)
    expect(await sentence(`{"a":${entry('F64', Array(64).fill(2 ** 52), 0, 8)}}`, 8)).toMatch(/below 2\^53/)
    expect(await sentence(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,8]}}`, 8)).toMatch(/whole numbers/)
    expect(await sentence(`{"a":{"dtype":"U8","shape":[1e400],"data_offsets":[0,8]}}`, 8)).toMatch(/whole numbers/)
  })
  it('more dimensions than anybody has', async () => {
    expect(await sentence(`{"a":${entry('U8', Array(65).fill(1), 0, 1)}}`, 1)).toMatch(
      /at most 64 elements in one array/,
    )
  })
  it('dtype x shape != range', async () => {
    expect(await sentence(`{"a":${entry('F32', [2, 3], 0, 20)}}`, 20)).toBe(
      'f.safetensors: tensor "a": expected 24 bytes (F32 [2, 3]), got 20 bytes (data_offsets [0, 20])',
    )
    expect(await sentence(`{"a":${entry('F4', [3], 0, 1)}}`, 1)).toMatch(/whole number of bytes/)
  })
  it('unknown dtype, refused by its name', async () => {
    const error = await refusal(open(`{"a":${entry('F128', [1], 0, 16)}}`, 16))
    expect(error.code).toBe('unsupported')
    expect(error.message).toMatch(/"F128"/)
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect((await refusal(open(`{"a":${entry(name, [1], 0, 16)}}`, 16))).code).toBe('unsupported')
  })
  it('a tensor of a dtype that came later is left out where its bytes have a place', async () => {
    const header = `{"a":${entry('F32', [2], 0, 8)},"q":${entry('F8_E4M3FNUZ', [8, 8], 8, 72)},"b":${entry('F32', [1], 72, 76)}}`
    const file = await open(header, 76)()
    expect(file.tensors.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(sentencesOf(file.notices)).toEqual([
      'Left out, because their values are not read: "q" (dtype "F8_E4M3FNUZ").',
    ])
    expect(await sentence(header.replace('[8,72]', '[9,72]'), 76)).toMatch(/1 bytes belong to no tensor/)
    expect(await sentence(header.replace('[8,72]', '[4,72]'), 76)).toMatch(/they overlap/)
  })
  it('an entry that is no entry', async () => {
    for (const bad of [
      '1',
      '"x"',
      'null',
      '[]',
      '{}',
      '{"dtype":"U8"}',
      '{"dtype":"U8","shape":[1]}',
      '{"dtype":1,"shape":[1],"data_offsets":[0,1]}',
      '{"dtype":"U8","shape":1,"data_offsets":[0,1]}',
      '{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}',
      '{"dtype":"U8","shape":[1],"data_offsets":[0]}',
    ])
      expect(await sentence(`{"a":${bad}}`, 1)).toMatch(/expected .* got |is cut short|is empty/)
    for (const bad of ['1', '[]', '{"a":1}', '{"a":{}}'])
      expect(await sentence(`{"__metadata__":${bad}}`, 0)).toMatch(/string/)
  })
  it('a header that is no JSON object', async () => {
    for (const bad of [
      '',
      ' ',
      '[]',
      '1',
      '{',
      '{"a"',
      '{"a":}',
      '{}x',
      '{,}',
      '{"a":01}',
      '{"a":+1}',
      '{"a":NaN}',
      '{"\t":1}',
      '{"\\x":1}',
      '{"\\ud800":1}',
      `{"a":"${'x'.repeat(100)}`,
    ])
      expect((await refusal(open(bad, 0))).code).toBe('bad-file')
  })
  it('nested 100,000 deep', async () => {
    expect(await sentence(`{"a":${'['.repeat(100_000)}`, 0)).toMatch(/8 levels of nesting/)
    expect(await sentence('{"a":'.repeat(100_000), 0)).toMatch(/8 levels of nesting/)
  })
  it('a sentence is never made of the file: long and strange names are cut and escaped', async () => {
    const message = await sentence(`{"${'\\u001b[31m\\u202e'.repeat(1000)}":1}`, 0)
    expect(message.length).toBeLessThan(1000)
    for (const bad of ['\u001b', '\u202e']) expect(message).not.toContain(bad)
  })
})
