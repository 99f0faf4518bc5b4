/** Hostile files in which a little is referred to, or stands below, very often: what a reader makes of each reference would be gigabytes. */
import { le32, pickle, str } from '../core/formats/archives/archives.ts'
import { concat, text } from '../core/formats/corpus.ts'
import * as onnx from '../core/formats/onnx/onnx-model.ts'
import type { Hostile } from './hostile-named.ts'

type Part = string | number | Uint8Array

const pickled = (...parts: Part[]) => pickle(0x80, 2, ...parts, '.')
const times = (count: number, part: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(count * part.byteLength)
  for (let i = 0; i < count; i++) whole.set(part, i * part.byteLength)
  return whole
}
const long = (letters: number) => pickle('X', le32(letters), 'k'.repeat(letters))
/** A function in memo 0 and an argument in memo 1, then a list of so many calls of it. */
const calls = (
  name: string,
  argument: Uint8Array,
  count: number,
  call: Uint8Array = pickle('h', 0, 'h', 1, 0x85, 'R'),
) => pickled(`c${name}\nq`, 0, argument, 'q', 1, '(', times(count, call), 'l')
const many = (count: number) => pickle('(', 'N'.repeat(count), 't')
/** Sizes, in memo 2 beside a storage in memo 1, of so many tensors. */
const sizes = (count: number, tensors: number) =>
  pickled(
    'ctorch._utils\n_rebuild_tensor_v2\nq\x00(',
    ...[str('storage'), 'ctorch\nFloatStorage\n', str('0'), str('cpu'), 'K', 1, 'tQq', 1, '('],
    ...['K\x01'.repeat(count), 'tq', 2, '('],
    times(tensors, pickle('h', 0, '(h', 1, 'K', 0, 'h', 2, 'h', 2, 0x89, 'Nt', 'R')),
    'l',
  )
const wrapper = pickle('ctorch._tensor\n_rebuild_from_type_v2\nq', 0)
/** So many tensors of a class of its own with one state, of as many keys. */
const wrapped = (count: number, keys: number) =>
  pickled(
    ...[wrapper, 'ctorch._utils\n_rebuild_wrapper_subclass\nq', 1, 'ca\nb\nq', 2, '}('],
    Uint8Array.from(Buffer.concat(Array.from({ length: keys }, (_, i) => pickle('J', le32(i), 'N')))),
    ...['uq', 3, '('],
    times(count, pickle('h', 0, '(h', 1, 'h', 2, 'h', 2, 0x85, 'h', 3, 'tR')),
    'l',
  )
const levels = (count: number, of: Uint8Array) => times(count, of)

/** Graphs in graphs, by nodes of names so long, and in the innermost so many constants. */
function deepConstants(depth: number, letters: number, count: number): Uint8Array {
  const constant = onnx.node('Constant', [], ['c'], onnx.attribute('value_float', onnx.number(2, 0)))
  let inner = times(count, constant)
  for (let i = 0; i < depth; i++)
    inner = onnx.bytes(
      1,
      concat(
        onnx.bytes(3, 'n'.repeat(letters)),
        onnx.bytes(4, 'If'),
        onnx.bytes(5, concat(onnx.bytes(1, 'a'), onnx.bytes(6, inner))),
      ),
    )
  return onnx.model(inner)
}

/** Maps in maps, by keys so long, and in the innermost so many arrays without values. */
function deepArrays(depth: number, letters: number, count: number): Uint8Array {
  const u16 = (value: number) => Uint8Array.of(value >> 8, value)
  const array = concat(Uint8Array.of(0x93, 0x91, 0, 0xa7), text('float32'), Uint8Array.of(0xc4, 0))
  const step = concat(Uint8Array.of(0x81, 0xda), u16(letters), text('k'.repeat(letters)))
  const entry = concat(Uint8Array.of(0xc7, array.byteLength, 1), array)
  const list = Uint8Array.of(0xdd, count >>> 24, count >>> 16, count >>> 8, count)
  return concat(times(depth, step), list, times(count, entry))
}

/** Weights that are joined, and the joined value as so many inputs of one node with so many attributes. */
function manyInputs(opType: string, inputs: number, attributes: number): Uint8Array {
  const weights = Array.from({ length: 60 }, (_, i) => onnx.tensor({ name: `w${i}`, dims: [1, 2, 3] }))
  const joined = onnx.node(
    'Concat',
    Array.from({ length: 60 }, (_, i) => `w${i}`),
    ['m'],
  )
  const many = (name: string) => times(inputs, onnx.bytes(1, name))
  const taking = (name: string) =>
    onnx.bytes(
      1,
      concat(
        many(name),
        onnx.bytes(2, 'y'),
        onnx.bytes(4, opType),
        times(attributes, onnx.bytes(5, onnx.bytes(1, 'x'))),
      ),
    )
  return onnx.model(...weights, joined, taking('m'), taking('w0'))
}

/** A group whose tree is one node that names itself 65,535 times. */
function treeOfItself(): Uint8Array {
  const [header, heap, tree] = [200, 400, 1024]
  const bytes = new Uint8Array(tree + 24 + 16 * 65_536)
  const view = new DataView(bytes.buffer)
  const put = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setBigUint64(at + 8 * i, BigInt(value), true)
  }
  bytes.set([0x89, 72, 68, 70, 13, 10, 26, 10, 0, 0, 0, 0, 0, 8, 8])
  put(64, header)
  bytes.set([1, 0, 1, 0, 1, 0, 0, 0, 24], header)
  bytes.set([0x11, 0, 16], header + 16)
  put(header + 24, tree, heap)
  bytes.set(text('HEAP'), heap)
  put(heap + 8, 64, 0, heap + 64)
  bytes.set(text('TREE'), tree)
  bytes.set([0, 1, 255, 255], tree + 4)
  for (let i = 0; i < 65_535; i++) put(tree + 24 + 16 * i + 8, tree)
  return bytes
}

export const hostileShared: Record<string, Hostile> = {
  'keras: a node of a tree that is each of its 65,535 children': () => ['x.h5', treeOfItself()],
  'msgpack: 3,900,000 maps as keys of maps': () => ['x.msgpack', times(3.9e6, Uint8Array.of(0x81))],
  'msgpack: 1e6 arrays as sizes of arrays': () => [
    'x.msgpack',
    concat(Uint8Array.of(0x81, 0xa1, 97), times(1e6, Uint8Array.of(0xc9, 0x7f, 255, 255, 255, 1, 0x93, 0x91))),
  ],
  'gguf: 2000 arrays of 4096 arrays': () => {
    const arrays = concat(le32(9), le32(4096), le32(0), times(4096, new Uint8Array(12)))
    const pair = (i: number) => concat(le32(8), le32(0), text(String(i).padStart(8)), le32(9), arrays)
    const pairs = Array.from({ length: 2000 }, (_, i) => pair(i))
    return ['x.gguf', concat(text('GGUF'), le32(3), le32(0), le32(0), le32(2000), le32(0), ...pairs)]
  },
  'aguf: 10,000,000 layers without matrices': () => [
    'x.aguf',
    concat(text('AGUF'), le32(2), le32(2), text('{}'), le32(1e7), new Uint8Array(8e7)),
  ],
  'pickle: 100,000 levels of tensors of a class that is made by the maker of classes': () => [
    'x.pkl',
    pickled(
      ...[wrapper, 'ctorch\nTensor\nq', 1, '(]tq', 2, '0'],
      levels(1e5, pickle('(h', 0, 'h', 1, 'h', 2, 'Ntq', 2, '0')),
      ...['h', 0, 'h', 2, 'R'],
    ),
  ],
  'onnx: 60 joined weights, 300,000 times in a Concat': () => ['x.onnx', manyInputs('Concat', 3e5, 0)],
  'onnx: 60 joined weights, 300,000 times in an LSTM': () => ['x.onnx', manyInputs('LSTM', 3e5, 0)],
  'onnx: a weight 300,000 times in a Conv of 100,000 attributes': () => ['x.onnx', manyInputs('Conv', 3e5, 1e5)],
  'pickle: a tuple of two of itself, 40 times, as a key': () => [
    'x.pkl',
    pickled('})', ...Array.from({ length: 40 }, (_, i) => pickle('q', i, 'h', i, 0x86)), 'Ns'),
  ],
  'pickle: 900,000 levels of tuples as a key': () => ['x.pkl', pickled('})', levels(9e5, Uint8Array.of(0x85)), 'Ns')],
  'pickle: a path of 200 keys of 4e6 letters': () => [
    'x.pkl',
    pickled(
      long(4e6),
      'q',
      1,
      '}',
      'h\x01}'.repeat(200),
      'h\x01',
      'cnumpy.core.multiarray\n_reconstruct\n)R',
      's'.repeat(201),
    ),
  ],
  'pickle: 3000 copies of a list of 900,000': () => ['x.pkl', calls('builtins\nlist', many(9e5), 3000)],
  'pickle: 3000 texts of 15e6 as bytes': () => ['x.pkl', calls('_codecs\nencode', long(15e6), 3000)],
  'pickle: 300,000 objects of the same 900,000 arguments': () => [
    'x.pkl',
    calls('a\nb', many(9e5), 2e5, pickle('h', 0, 'h', 1, 'R')),
  ],
  'pickle: 100,000 tensors of the same 900,000 sizes': () => ['x.pkl', sizes(9e5, 1e5)],
  'pickle: 100,000 tensors of a class with the same 100,000 keys': () => ['x.pkl', wrapped(1e5, 1e5)],
  'onnx: 65,000 constants of one name': () => ['x.onnx', deepConstants(0, 0, 65_000)],
  'onnx: 65,000 constants, 30 graphs of names of 4000 letters deep': () => ['x.onnx', deepConstants(30, 4000, 65_000)],
  'msgpack: 140,000 arrays, 60 maps of keys of 4000 letters deep': () => ['x.msgpack', deepArrays(60, 4000, 140_000)],
}
