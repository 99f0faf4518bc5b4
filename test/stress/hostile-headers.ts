/**
 * Hostile weight files, as hostile as their formats allow: as many of the smallest things as fit below each limit of its reader, and one more.
 * What each costs is measured in headers.ts.
 */
import { int, le32, pickle, str, zip } from '../core/formats/archives/archives.ts'
import { concat, safetensorsFile, text, u64 } from '../core/formats/corpus.ts'
import * as onnx from '../core/formats/onnx/onnx-model.ts'
import { type Hostile, hostileNamed } from './hostile-named.ts'
import { hostileShared } from './hostile-shared.ts'

const repeated = (piece: Uint8Array, count: number): Uint8Array => {
  const whole = new Uint8Array(piece.byteLength * count)
  for (let i = 0; i < count; i++) whole.set(piece, i * piece.byteLength)
  return whole
}
/** More pieces than can be arguments. */
const joined = (count: number, piece: (i: number) => Uint8Array): Uint8Array =>
  Uint8Array.from(Buffer.concat(Array.from({ length: count }, (_, i) => piece(i))))
const entries = (count: number, entry: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => entry(i)).join(',')
const empty = (i: number, base = '') => `"${base}${i.toString(36)}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`
/** A pickle of protocol 2. */
const pickled = (...parts: (string | number | Uint8Array)[]) => pickle(0x80, 2, ...parts, '.')

/** A header of 512 bytes without values. */
function tarMember(name: string, type = '0', data: Uint8Array = new Uint8Array()): Uint8Array {
  const header = new Uint8Array(512)
  header.set(text(name))
  header.set(text(data.byteLength.toString(8).padStart(11, '0')), 124)
  header.set(text(type), 156)
  header.set(text('ustar\x0000'), 257)
  header.fill(32, 148, 156)
  let sum = 0
  for (const byte of header) sum += byte
  header.set(text(sum.toString(8).padStart(6, '0')), 148)
  return concat(header, data, new Uint8Array((512 - (data.byteLength % 512)) % 512))
}

function tarPax(pair: string): Uint8Array {
  return tarMember('pax', 'x', text(`${pair.length + 4} ${pair}\n`))
}

/** A file of groups by links in headers of version 1, `count` in the root, each with these messages and none of its own. */
function hdf5(count: number, messages: (i: number) => Uint8Array[]): Uint8Array {
  const message = (type: number, data: Uint8Array) =>
    concat(Uint8Array.of(type, 0, data.byteLength, data.byteLength >> 8, 0, 0, 0, 0), data)
  const header = (body: Uint8Array) =>
    concat(Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0), le32(body.byteLength), le32(0), body)
  /** Link info without a heap: links are in the header. */
  const info = message(2, concat(Uint8Array.of(0, 0), new Uint8Array(16).fill(255)))
  const first = 96
  const groups: Uint8Array[] = []
  const links: Uint8Array[] = []
  let at = first
  for (let i = 0; i < count; i++) {
    const group = header(concat(info, ...messages(i)))
    groups.push(group)
    const name = text(i.toString(36).padStart(4, '0'))
    links.push(message(6, concat(Uint8Array.of(1, 0, name.byteLength), name, u64(BigInt(at)))))
    at += group.byteLength
  }
  const superblock = new Uint8Array(first)
  superblock.set([0x89, 72, 68, 70, 13, 10, 26, 10, 0, 0, 0, 0, 0, 8, 8])
  const view = new DataView(superblock.buffer)
  view.setBigUint64(40, 2n ** 64n - 1n, true)
  view.setBigUint64(64, BigInt(at), true)
  return Uint8Array.from(
    Buffer.concat([superblock, ...groups, header(Uint8Array.from(Buffer.concat([info, ...links])))]),
  )
}

/** A table of one block: a header, and entries of no elements. */
function tensorflowIndex(count: number): Uint8Array {
  const varint = (value: number): number[] => (value < 128 ? [value] : [128 | (value & 127), ...varint(value >> 7)])
  const entry = (key: string, value: Uint8Array) =>
    concat(Uint8Array.of(0, ...varint(key.length), ...varint(value.byteLength)), text(key), value)
  const value = concat(onnx.number(1, 1), onnx.bytes(2, onnx.bytes(2, onnx.number(1, 0))))
  const block = (body: Uint8Array) => concat(body, le32(0), le32(1))
  const data = block(
    concat(
      entry('', onnx.number(1, 1)),
      joined(count, (i) => entry(String(i).padStart(7, '0'), value)),
    ),
  )
  const handle = (offset: number, size: number) => Uint8Array.from([...varint(offset), ...varint(size)])
  const meta = block(new Uint8Array())
  const index = block(entry('~', handle(0, data.byteLength)))
  const trailer = new Uint8Array(5)
  const metaAt = data.byteLength + 5
  const indexAt = metaAt + meta.byteLength + 5
  const footer = new Uint8Array(48)
  footer.set(concat(handle(metaAt, meta.byteLength), handle(indexAt, index.byteLength)))
  footer.set([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb], 40)
  return concat(data, trailer, meta, trailer, index, trailer, footer)
}

export const hostile: Record<string, Hostile> = {
  'safetensors: 150,000 empty tensors': () => ['x.safetensors', safetensorsFile(`{${entries(150_000, empty)}}`, 0)],
  'safetensors: 1e6 empty tensors': () => ['x.safetensors', safetensorsFile(`{${entries(1e6, empty)}}`, 0)],
  'safetensors: 3e6 metadata keys': () => [
    'x.safetensors',
    safetensorsFile(`{"__metadata__":{${entries(3e6, (i) => `"${i.toString(36)}":""`)}}}`, 0),
  ],
  'safetensors: 1e6 metadata keys of 80 bytes': () => [
    'x.safetensors',
    safetensorsFile(`{"__metadata__":{${entries(1e6, (i) => `"${String(i).padStart(80, 'k')}":""`)}}}`, 0),
  ],
  'safetensors: 45e6 escapes': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\n'.repeat(45e6)}"}`, 0)],
  'safetensors: 39e6 escapes': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\n'.repeat(39e6)}"}`, 0)],
  'safetensors: 16e6 \\u escapes': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\u0041'.repeat(16e6)}"}`, 0)],
  'safetensors: 16e6 lone surrogates': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\ud800'.repeat(16e6)}"}`, 0)],
  'safetensors: 99e6 brackets': () => ['x.safetensors', safetensorsFile(`{"a":${'['.repeat(99e6)}`, 0)],
  'safetensors: a shape of 45e6 sizes': () => [
    'x.safetensors',
    safetensorsFile(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(45e6)}1],"data_offsets":[0,4]}}`, 4),
  ],
  'safetensors: 99e6 spaces': () => ['x.safetensors', safetensorsFile(`{${' '.repeat(99e6)}}`, 0)],
  'index: 900,000 entries': () => [
    'x.safetensors.index.json',
    text(`{"metadata":{},"weight_map":{${entries(9e5, (i) => `"${i}":"a.safetensors"`)}}}`),
  ],
  'gguf: 65,536 pairs': () => {
    const pair = (i: number) => concat(u64(8n), text(String(i).padStart(8)), le32(0), Uint8Array.of(1))
    return [
      'x.gguf',
      concat(text('GGUF'), le32(3), u64(0n), u64(65_536n), ...Array.from({ length: 65_536 }, (_, i) => pair(i))),
    ]
  },
  'gguf: 65,536 empty tensors': () => {
    const tensor = (i: number) => concat(u64(8n), text(String(i).padStart(8)), le32(1), u64(0n), le32(0), u64(0n))
    return [
      'x.gguf',
      concat(
        text('GGUF'),
        le32(3),
        u64(65_536n),
        u64(0n),
        ...Array.from({ length: 65_536 }, (_, i) => tensor(i)),
        new Uint8Array(64),
      ),
    ]
  },
  'gguf: a list of 90e6 bytes, of texts': () => {
    const list = concat(u64(1n), text('a'), le32(9), le32(8), u64(11_000_000n), new Uint8Array(88e6))
    return ['x.gguf', concat(text('GGUF'), le32(3), u64(0n), u64(1n), list)]
  },
  'pickle: 5e6 TUPLE1': () => ['x.pkl', pickled('N', repeated(Uint8Array.of(0x85), 5e6))],
  'pickle: 9e6 pushes and pops': () => ['x.pkl', pickled(repeated(text('N0'), 4.5e6), 'N')],
  'pickle: a list of 4e6': () => ['x.pkl', pickled(']', '(', repeated(text('N'), 9e5), 'e')],
  'pickle: 1e6 empty dicts': () => ['x.pkl', pickled('](', repeated(text('}'), 9e5), 'e')],
  'pickle: 1e6 texts': () => ['x.pkl', pickled('](', repeated(concat(text('X'), le32(8), text('abcdefgh')), 9e5), 'e')],
  'pickle: 1e6 memo entries': () => [
    'x.pkl',
    pickled(
      joined(5e5, (i) => concat(text('Nr'), le32(i), text('0'))),
      'N',
    ),
  ],
  'pickle: nested 900 deep, 1e6 times': () => [
    'x.pkl',
    pickled(']', repeated(text(']'), 9e5), repeated(text('a'), 9e5)),
  ],
  'pickle: a text of 47e6': () => ['x.pkl', pickled('X', le32(15e6), 'x'.repeat(15e6))],
  'pickle: integers of 255 bytes': () => [
    'x.pkl',
    pickled('](', repeated(concat(Uint8Array.of(0x8a, 255), new Uint8Array(255).fill(1)), 2e5), 'e'),
  ],
  'pytorch: 150,000 members': () => [
    'x.pt',
    zip(
      Array.from({ length: 150_000 }, (_, i) => ({ name: `a/data/${i}`, data: new Uint8Array() })),
      { zip64: true },
    ),
  ],
  'onnx: 50,000 initializers': () => [
    'x.onnx',
    onnx.model(
      joined(50_000, (i) => onnx.bytes(5, concat(onnx.number(1, 0), onnx.number(2, 1), onnx.bytes(8, `${i}`)))),
    ),
  ],
  'onnx: 500,000 initializers': () => ['x.onnx', onnx.model(joined(5e5, (i) => onnx.bytes(5, onnx.bytes(8, `${i}`))))],
  'onnx: 4e6 node fields': () => ['x.onnx', onnx.model(repeated(onnx.bytes(1, onnx.bytes(4, 'x')), 2e6))],
  'onnx: 20e6 unknown fields': () => ['x.onnx', onnx.model(repeated(onnx.number(15, 1), 20e6))],
  'msgpack: 4e6 values': () => [
    'x.msgpack',
    concat(Uint8Array.of(0x81, 0xa1, 0x61, 0xdd, 0, 0x3d, 9, 0), new Uint8Array(4e6)),
  ],
  'msgpack: 1e6 keys': () => [
    'x.msgpack',
    concat(
      Uint8Array.of(0xdf, 0, 0xf, 0x42, 0x40),
      joined(1e6, (i) => concat(Uint8Array.of(0xa7), text(String(i).padStart(7)), Uint8Array.of(1))),
    ),
  ],
  'npy: a header of 64 kB of brackets': () => [
    'x.npy',
    concat(Uint8Array.of(0x93), text('NUMPY\x01\x00'), Uint8Array.of(0xff, 0xff), text('{'.repeat(65_535))),
  ],
  'pickle: 200,000 ints as tensors': () => [
    'x.pkl',
    pickled('](', repeated(concat(text('J'), int(0).slice(1)), 2e5), 'e'),
  ],
  'safetensors: 45e6 numbers in arrays in arrays': () => {
    const inner = `[${'1,'.repeat(63)}1]`
    const middle = `[${`${inner},`.repeat(63)}${inner}]`
    return ['x.safetensors', safetensorsFile(`{"a":{${entries(5400, (i) => `"${i}":${middle}`)}}}`, 0)]
  },
  'safetensors: a text of 99e6 with one letter beyond ASCII': () => [
    'x.safetensors',
    safetensorsFile(`{"__metadata__":{"a":"${'a'.repeat(99e6)}é"}}`, 0),
  ],
  'safetensors: 150,000 names of 600 bytes': () => [
    'x.safetensors',
    safetensorsFile(`{${entries(150_000, (i) => empty(i, 'n'.repeat(590)))}}`, 0),
  ],
  'safetensors: 150,000 dtypes of 500 bytes': () => [
    'x.safetensors',
    safetensorsFile(
      `{${entries(150_000, (i) => `"${i}":{"dtype":"${'D'.repeat(500)}","shape":[0],"data_offsets":[0,0]}`)}}`,
      0,
    ),
  ],
  'safetensors: 150,000 shapes of 64 ones': () => [
    'x.safetensors',
    safetensorsFile(
      `{${entries(150_000, (i) => `"${i}":{"dtype":"F32","shape":[0${',1'.repeat(63)}],"data_offsets":[0,0]}`)}}`,
      0,
    ),
  ],
  'safetensors: a set of 3 files of 50,000 tensors each': () => {
    const name = (i: number) => `m-0000${i + 1}-of-00003.safetensors`
    const files = Array.from({ length: 3 }, (_, file) =>
      safetensorsFile(`{${entries(50_000, (i) => empty(i, `${file}.`))}}`, 0),
    )
    return [name(0), files[0]!, Object.fromEntries(files.slice(1).map((bytes, i) => [name(i + 1), bytes]))]
  },
  'gguf: 60,000 texts of 1500 bytes': () => {
    const value = text('v'.repeat(1500))
    const pair = (i: number) => concat(u64(8n), text(String(i).padStart(8)), le32(8), u64(1500n), value)
    return ['x.gguf', concat(text('GGUF'), le32(3), u64(0n), u64(60_000n), joined(60_000, pair))]
  },
  'gguf: a text of 90e6': () => [
    'x.gguf',
    concat(
      text('GGUF'),
      le32(3),
      u64(0n),
      u64(1n),
      u64(1n),
      text('a'),
      le32(8),
      u64(90_000_000n),
      new Uint8Array(90e6).fill(97),
    ),
  ],
  'gguf: 30e6 texts of 4096 lists': () => {
    const list = concat(le32(8), u64(2_500n), new Uint8Array(8 * 2_500))
    const outer = concat(u64(1n), text('a'), le32(9), le32(9), u64(4_000n), repeated(list, 4_000))
    return ['x.gguf', concat(text('GGUF'), le32(3), u64(0n), u64(1n), outer)]
  },
  'torch export: a configuration of 48e6 bytes of keys': () => {
    const config = text(`{"config":{${entries(4_300_000, (i) => `"${i.toString(36)}":0`)}}}`)
    return ['x.pt2', zip([{ name: 'a/data/weights/model_weights_config.json', data: config }])]
  },
  'torch export: a configuration of 20e6 numbers': () => {
    const config = text(`{"config":{${entries(20_000, (i) => `"${i}":[${'1,'.repeat(999)}1]`)}}}`)
    return ['x.pt2', zip([{ name: 'a/data/weights/model_weights_config.json', data: config }])]
  },
  'nemo: 200,000 members': () => ['x.nemo', joined(200_000, (i) => tarMember(`./${i}`))],
  'nemo: 199,000 folders': () => ['x.nemo', joined(199_000, (i) => tarMember(`./${i}/`, '5'))],
  'nemo: a member of less than nothing, for ever': () => [
    'x.nemo',
    concat(tarPax('size=-1024'), tarMember('./a', '5')),
  ],
  'keras: 60,000 groups in one': () => ['x.h5', hdf5(60_000, () => [])],
  'keras: 19,000 groups in one': () => ['x.h5', hdf5(19_000, () => [])],
  'keras: 19,000 groups with 100 messages each': () => {
    const nothing = repeated(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0), 100)
    return ['x.h5', hdf5(19_000, () => [nothing])]
  },
  'pytorch: a state of 150,000 tensors of one storage': () => {
    const storage = str('0')
    const one = (i: number) =>
      pickle(
        str(`w${i}`),
        'ctorch._utils\n_rebuild_tensor_v2\n((',
        str('storage'),
        'ctorch\nFloatStorage\n',
        storage,
        str('cpu'),
        int(1),
        'tQ',
        int(0),
        '(',
        int(1),
        't(',
        int(1),
        't',
        0x89,
        'ccollections\nOrderedDict\n)RtR',
      )
    const data = pickle(0x80, 2, '}(', joined(150_000, one), 'u.')
    return [
      'x.pt',
      zip([
        { name: 'a/data.pkl', data, deflate: true },
        { name: 'a/data/0', data: new Uint8Array(4) },
      ]),
    ]
  },
  'pytorch: a pickle of 64e6 zeros, deflated': () => [
    'x.pt',
    zip([{ name: 'a/data.pkl', data: pickle(0x80, 2, repeated(text('N0'), 30e6)), deflate: true }]),
  ],
  'pickle: 1e6 integers in decimal': () => [
    'x.pkl',
    pickled('](', repeated(text('L123456789012345678901234567890L\n'), 5e5), 'e'),
  ],
  'pickle: a decimal of 16e6 digits': () => ['x.pkl', pickled('L', '9'.repeat(15e6), 'L\n')],
  'pickle: a text of 15e6 escapes': () => ['x.pkl', pickled('V', '\\u0041'.repeat(2.5e6), '\n')],
  'pickle: a repr of 15e6 escapes': () => ['x.pkl', pickled("S'", '\\x41'.repeat(3.7e6), "'\n")],
  'pickle: a shared list, doubled 40 times': () => [
    'x.pkl',
    pickled(']q\x00', ...Array.from({ length: 40 }, (_, i) => pickle(']', 0x71, i + 1, '(', 'h', i, 'h', i, 'e'))),
  ],
  'onnx: 15,000 initializers of 64 dims': () => [
    'x.onnx',
    onnx.model(
      joined(15_000, (i) =>
        onnx.bytes(
          5,
          concat(onnx.bytes(8, `${i}`), onnx.number(2, 1), ...Array.from({ length: 64 }, () => onnx.number(1, 0))),
        ),
      ),
    ),
  ],
  'onnx: 1e6 nodes with a name': () => ['x.onnx', onnx.model(repeated(onnx.bytes(1, onnx.bytes(3, 'x')), 1e6))],
  'onnx: 1e6 attributes': () => [
    'x.onnx',
    onnx.model(onnx.bytes(1, repeated(onnx.bytes(5, onnx.bytes(1, 'x')), 1.9e6))),
  ],
  'onnx: 90e6 packed numbers of one attribute': () => [
    'x.onnx',
    onnx.model(onnx.bytes(1, onnx.bytes(5, onnx.bytes(8, new Uint8Array(90e6))))),
  ],
  'msgpack: 150,000 arrays': () => {
    const array = concat(Uint8Array.of(0x93, 0x91, 0, 0xa7), text('float32'), Uint8Array.of(0xc4, 0))
    return [
      'x.msgpack',
      concat(
        Uint8Array.of(0xdf, 0, 2, 0x49, 0xf0),
        joined(150_000, (i) =>
          concat(Uint8Array.of(0xa7), text(String(i).padStart(7)), Uint8Array.of(0xc7, array.byteLength, 1), array),
        ),
      ),
    ]
  },
  'msgpack: 4e6 keys of one number each, in maps in maps': () => [
    'x.msgpack',
    concat(Uint8Array.of(0x81, 0xa1, 97, 0xdd, 0, 0xf, 0x42, 0x40), repeated(Uint8Array.of(0x81, 0xa1, 97, 0), 1e6)),
  ],
  'aguf: a configuration of 16e6 bytes of keys': () => {
    const config = text(`{${entries(1_700_000, (i) => `"${i.toString(36)}":0`)}}`)
    return ['x.aguf', concat(text('AGUF'), le32(2), le32(config.byteLength), config, le32(0))]
  },
  'config.json: 8e6 bytes of keys beside a model': () => [
    'x.safetensors',
    safetensorsFile(
      `{"a.weight":{"dtype":"F8_E4M3","shape":[4,4],"data_offsets":[0,16]},"a.weight_scale_inv":{"dtype":"F32","shape":[1,1],"data_offsets":[16,20]}}`,
      20,
    ),
    { 'config.json': text(`{"quantization_config":{${entries(900_000, (i) => `"${i.toString(36)}":0`)}}}`) },
  ],
  'tensorflow: 40,000 entries': () => [
    'x.ckpt.index',
    tensorflowIndex(40_000),
    { 'x.ckpt.data-00000-of-00001': new Uint8Array(8) },
  ],
  ...hostileNamed,
  ...hostileShared,
}
