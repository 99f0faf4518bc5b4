import { describe, expect, it } from 'vitest'
import { inEnglish } from '../../../../core/messages/english.ts'
import { concat, openFolder, refusal } from '../corpus.ts'
import { attribute, bytes, external, model, node, number, tensor, varint } from './onnx-model.ts'

const open = (file: Uint8Array, files: Record<string, Uint8Array> = {}) =>
  openFolder({ 'm.onnx': file, ...files }, 'm.onnx')
const sentence = async (file: Uint8Array, files: Record<string, Uint8Array> = {}) =>
  (await refusal(() => open(file, files))).message

describe('reading', () => {
  it('takes packed dims, scalars and any name', async () => {
    const packed = bytes(
      5,
      concat(
        bytes(1, concat(varint(2), varint(300))),
        number(2, 3),
        bytes(8, '__proto__'),
        bytes(9, new Uint8Array(600)),
      ),
    )
    const file = await open(model(packed, tensor({ name: '', dims: [], fields: [bytes(9, new Uint8Array(4))] })))
    expect(file.tensors).toEqual([
      { name: '__proto__', dtype: 'I8', shape: [2, 300], byteLength: 600 },
      { name: '', dtype: 'F32', shape: [], byteLength: 4 },
    ])
    expect([...file.metadata]).toEqual([
      ['ir_version', '8'],
      ['producer', 'test'],
    ])
  })

  it('turns numbers of varying length back, negative and 64-bit ones too', async () => {
    const values = [-1n, 0n, 2n ** 62n, -(2n ** 63n), 127n, 128n, 2n ** 31n, -(2n ** 31n)]
    const longs = tensor({ dims: [8], type: 7, fields: [bytes(7, concat(...values.map(varint)))] })
    const halves = tensor({
      name: 'h',
      dims: [2],
      type: 10,
      fields: [bytes(5, concat(varint(0x3c00), varint(0xfc00)))],
    })
    const file = await open(model(longs, halves))
    expect([...new BigInt64Array((await file.read(file.tensors[0]!)).buffer)]).toEqual(values)
    expect([...(await file.read(file.tensors[1]!))]).toEqual([0, 0x3c, 0, 0xfc])
    expect([...(await file.read(file.tensors[1]!, 1, 4))]).toEqual([0x3c, 0, 0xfc])
  })

  it('reads values that have a field each, or several packed ones', async () => {
    const floats = [1, 2, 3, 4, 5, 6]
    const each = floats.map((value) => concat(varint(4 * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)))
    const halves = [floats.slice(0, 2), floats.slice(2)].map((some) =>
      bytes(4, new Uint8Array(Float32Array.from(some).buffer)),
    )
    const longs = [number(7, -3n), bytes(7, concat(varint(5), varint(2n ** 62n)))]
    const file = await open(
      model(
        tensor({ name: 'a', fields: each }),
        tensor({ name: 'b', fields: halves }),
        tensor({ name: 'c', dims: [3], type: 7, fields: longs }),
      ),
    )
    const [a, b, c] = await Promise.all(file.tensors.map((info) => file.read(info)))
    expect([...new Float32Array(a!.buffer)]).toEqual(floats)
    expect([...new Float32Array(b!.buffer)]).toEqual(floats)
    expect([...new BigInt64Array(c!.buffer)]).toEqual([-3n, 5n, 2n ** 62n])
  })

  it('reads external data at its offset, and without one', async () => {
    const data = Uint8Array.from({ length: 64 }, (_, i) => i)
    const file = await open(
      model(
        tensor({ fields: external({ location: 'w.bin', offset: '8', length: '24' }) }),
        tensor({ name: 'v', dims: [2], fields: external({ location: 'w.bin' }) }),
      ),
      { 'w.bin': data },
    )
    expect(await file.read(file.tensors[0]!)).toEqual(data.slice(8, 32))
    expect(await file.read(file.tensors[1]!, 1, 3)).toEqual(data.slice(1, 3))
    expect(file.totalBytes).toBeGreaterThan(64)
    await file.close()
  })

  it('names data types it does not read, and sparse initializers', async () => {
    const file = await open(model(tensor(), tensor({ name: 'i4', type: 22 }), bytes(15, new Uint8Array(3))))
    expect(file.tensors).toHaveLength(1)
    expect(inEnglish(file.notices[0]!)).toMatch(/"sparse initializer 1" \(sparse\), "i4" \(INT4\)/)
  })
})

describe('hostile', () => {
  // Counting from 2 for each of them took minutes.
  it('20,000 constants of one name', async () => {
    const constant = node('Constant', [], ['c'], attribute('value_float', number(2, 0)))
    const { tensors } = await open(model(Uint8Array.from(Buffer.concat(Array(20_000).fill(constant)))))
    expect([tensors[1]!.name, tensors.at(-1)!.name]).toEqual(['c~2', 'c~20000'])
  })
  it('truncated at every 1/20 of its length', async () => {
    const good = model(tensor(), tensor({ name: 'v' }))
    for (let i = 0; i < 20; i++)
      expect(await sentence(good.subarray(0, Math.floor((good.byteLength * i) / 20)))).toMatch(
        /expected .* got |is cut short|is empty/,
      )
  })
  it('recursive messages: subgraphs nested 100,000 deep are passed over', async () => {
    let nested: Uint8Array = new Uint8Array(0)
    const parts: Uint8Array[] = []
    let length = 0
    for (let i = 0; i < 100_000; i++) {
      const head = concat(varint(1 * 8 + 2), varint(length))
      parts.push(head)
      length += head.byteLength
    }
    nested = concat(...parts.reverse())
    const file = await open(model(bytes(1, bytes(6, nested)), tensor()))
    expect(file.tensors).toHaveLength(1)
    expect(await sentence(model(bytes(5, nested)))).toMatch(/expected .* got |is cut short|is empty/)
  })
  it('groups, unknown wire types, field 0', async () => {
    for (const wire of [3, 4, 6, 7])
      expect(await sentence(concat(number(1, 8), Uint8Array.of(8 * 9 + wire)))).toMatch(/wire type 0, 1, 2 or 5/)
    expect(await sentence(concat(number(1, 8), Uint8Array.of(2, 0)))).toMatch(/a field number/)
  })
  it('lengths and numbers without end', async () => {
    expect(await sentence(concat(number(1, 8), Uint8Array.of(0x3a), varint(2n ** 40n)))).toMatch(/cut short/)
    expect(await sentence(concat(number(1, 8), Uint8Array.of(0x3a), varint(2n ** 63n)))).toMatch(
      /a length beyond 2\^53/,
    )
    expect(await sentence(concat(number(1, 8), new Uint8Array(20).fill(255)))).toMatch(/at most 10 bytes/)
  })
  it('more fields than memory', async () => {
    const many = new Uint8Array(2_400_000)
    for (let i = 0; i < many.length; i += 2) many.set([0x40, 1], i)
    expect(await sentence(model(many, tensor()))).toMatch(/at most 1000000 fields/)
  })
  it('a list of numbers of an attribute that is longer than any other list of fields may be', async () => {
    const numbers = bytes(1, bytes(5, bytes(8, new Uint8Array(2_000_000))))
    expect(await sentence(model(numbers, tensor()))).toMatch(/at most 2000000 fields/)
  })
  it('a message that leaves its parent', async () => {
    const inner = concat(varint(5 * 8 + 2), varint(1000))
    expect(await sentence(concat(number(1, 8), bytes(7, inner), new Uint8Array(2000)))).toMatch(/to end by/)
  })
  it('external data outside the folder', async () => {
    for (const location of ['../../etc/passwd', '/etc/passwd', '..', 'a/../../b', '..\\x', 'C:x', '', 'a\u0000'])
      expect(await sentence(model(tensor({ fields: external({ location }) })))).toMatch(
        /a model cannot point outside its folder/,
      )
    expect(await sentence(model(tensor({ fields: external({ location: 'sub/w.bin' }) })))).toMatch(
      /"sub\/w\.bin" is not in this folder/,
    )
    expect(await sentence(model(tensor({ fields: external({ location: `${'a/'.repeat(9)}w.bin` }) })))).toMatch(
      /at most 8 folders in folders/,
    )
    expect(await sentence(model(tensor({ fields: external({ location: 'gone.bin' }) })))).toMatch(
      /"gone\.bin" is not in this folder/,
    )
  })
  it('external data beyond its file, or of another length', async () => {
    const files = { 'w.bin': new Uint8Array(30) }
    for (const pairs of [{ offset: '8' }, { offset: '9007199254740992' }, { length: '31' }])
      expect(await sentence(model(tensor({ fields: external({ location: 'w.bin', ...pairs }) })), files)).toMatch(
        /external data inside the 30 bytes/,
      )
    expect(await sentence(model(tensor({ fields: external({ location: 'w.bin', length: '20' }) })), files)).toMatch(
      /expected 24 bytes .* got 20/,
    )
    for (const offset of ['-1', '1e3', '0x10', '1'.repeat(20)])
      expect(await sentence(model(tensor({ fields: external({ location: 'w.bin', offset }) })), files)).toMatch(
        /a whole number/,
      )
  })
  it('dims whose product overflows, negative dims, too many', async () => {
    for (const dims of [[2 ** 40, 2 ** 40], [-1], [2n ** 63n], [2 ** 53 - 1]])
      expect(await sentence(model(tensor({ dims })))).toMatch(/below 2\^53/)
    expect(await sentence(model(tensor({ dims: Array(65).fill(1) })))).toMatch(/at most 64 dimensions/)
    expect(await sentence(model(bytes(5, bytes(1, new Uint8Array(641)))))).toMatch(/at most 64 dimensions/)
  })
  it('dtype x dims != bytes', async () => {
    expect(await sentence(model(tensor({ dims: [2, 4] })))).toBe(
      'm.onnx: tensor "w": expected 32 bytes (F32 [2, 4]), got 24 bytes',
    )
    expect(await sentence(model(tensor({ fields: [] })))).toMatch(/expected 24 bytes of values, got none/)
    expect(await sentence(model(tensor({ type: 7, dims: [3], fields: [bytes(7, Uint8Array.of(1, 1))] })))).toMatch(
      /too few/,
    )
    expect(await sentence(model(tensor({ type: 7, dims: [2], fields: [bytes(7, Uint8Array.of(1, 129))] })))).toMatch(
      /expected 2 values, got 1/,
    )
    expect(await sentence(model(tensor({ type: 7, dims: [2], fields: [bytes(7, Uint8Array.of(1, 1, 1))] })))).toMatch(
      /expected 2 values, got more/,
    )
  })
  it('values in two places, in the wrong field, in single fields', async () => {
    const raw = bytes(9, new Uint8Array(24))
    expect(await sentence(model(tensor({ fields: [raw, bytes(4, new Uint8Array(24))] })))).toMatch(
      /in one place, got them in several/,
    )
    expect(await sentence(model(tensor({ fields: [bytes(10, new Uint8Array(24))] })))).toMatch(/values in field 10/)
    expect(await sentence(model(tensor({ fields: [concat(varint(4 * 8 + 5), new Uint8Array(4))] })))).toMatch(
      /expected 6 values, got fewer/,
    )
    const seven = Array.from({ length: 7 }, () => concat(varint(4 * 8 + 5), new Uint8Array(4)))
    expect(await sentence(model(tensor({ fields: seven })))).toMatch(/expected 6 values, got more/)
  })
  it('graphs in graphs without end', async () => {
    const inside = (graph: Uint8Array) =>
      bytes(1, concat(bytes(4, 'If'), bytes(5, concat(bytes(1, 'g'), bytes(6, graph)))))
    let graph: Uint8Array = tensor()
    for (let depth = 0; depth < 40; depth++) graph = inside(graph)
    expect(await sentence(model(graph))).toMatch(/at most 32 graphs in graphs/)
  })
  it('types nobody knows, names twice or not UTF-8, two graphs, none', async () => {
    expect(await sentence(model(tensor({ type: 99 })))).toMatch(/none. Left out.*data type 99, which is newer/)
    expect(await sentence(model(tensor({ type: 256 })))).toMatch(/a data type of at most 255, got 256/)
    expect(await sentence(model(tensor(), tensor()))).toMatch(/every initializer once, got "w" twice/)
    expect(await sentence(model(bytes(5, bytes(8, Uint8Array.of(0xff)))))).toMatch(/UTF-8/)
    expect(await sentence(concat(model(tensor()), model(tensor({ name: 'v' }))))).toMatch(/one graph, got a second one/)
    expect(await sentence(number(1, 8))).toMatch(/a model with a graph|with a graph, got none/)
    expect(await sentence(model())).toMatch(/expected initializers or constants, got none/)
    expect(await sentence(model(bytes(5, bytes(8, 'x'.repeat(5000)))))).toMatch(/text of at most 4096 bytes/)
  })
})
