/**
 * The allow-list: the names of Python's, PyTorch's and NumPy's that build data, and what each builds here. Everything a file may name and is
 * not in this list stays a name. Nothing here calls anything but these few functions.
 *
 * Source: torch/_utils.py and torch/serialization.py (rebuild functions and persistent ids), numpy/core/src/multiarray/methods.c
 * (ndarray.__reduce__, __setstate__).
 */

import { quoted } from '../../messages/text.ts'
import type { DType } from '../../tensor.ts'
import { badFile } from '../reading/refusal.ts'
import type { PickleHost } from './pickle.ts'
import {
  type ArrayNode,
  type BytesNode,
  type DictNode,
  type ElementTypeNode,
  type GlobalNode,
  isCount,
  isNode,
  type OpaqueNode,
  type PickleNode,
  type PickleValue,
  type SequenceNode,
  type StorageNode,
  sequenceItems,
  sizesOf,
  type TensorNode,
  type WrapperNode,
} from './pickle-values.ts'

/** Storage classes; null for values that have no dtype here (they are listed as not read). */
const storageTypes: Record<string, DType | null> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  ComplexDoubleStorage: null,
  QInt8Storage: null,
  QUInt8Storage: null,
  QInt32Storage: null,
  QUInt4x2Storage: null,
  QUInt2x4Storage: null,
  UntypedStorage: 'U8',
}

const torchDTypes: Record<string, DType | null> = {
  float64: 'F64',
  double: 'F64',
  float32: 'F32',
  float: 'F32',
  float16: 'F16',
  half: 'F16',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e8m0fnu: 'F8_E8M0',
  int64: 'I64',
  long: 'I64',
  int32: 'I32',
  int: 'I32',
  int16: 'I16',
  short: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  cfloat: 'C64',
  complex128: null,
  qint8: null,
  quint8: null,
  qint32: null,
}

/** Dtypes that are not read, those to come among them: names of numbers, which no function of torch has. */
const laterDType = /^(u?int\d+|q?u?int\d+x\d+|float\d+_\w+|bits\w+|complex\d+|chalf|cdouble|bfloat\d+)$/

type Build = (args: readonly PickleValue[], where: string) => PickleValue

const builders: Record<string, Build> = {
  // Containers. Subclass state and factories do not matter here.
  'collections.OrderedDict': (args, where) => dictOf(args[0], where),
  'collections.Counter': (args, where) => dictOf(args[0], where),
  'collections.defaultdict': (args, where) => dictOf(args[1], where),
  'builtins.dict': (args, where) => dictOf(args[0], where),
  'builtins.set': (args) => sequenceOf('set', args[0]),
  'builtins.frozenset': (args) => sequenceOf('set', args[0]),
  'builtins.list': (args) => sequenceOf('list', args[0]),
  'builtins.tuple': (args) => sequenceOf('tuple', args[0]),
  'builtins.int': (args) => args[0] ?? 0,
  'builtins.float': (args) => args[0] ?? 0,
  'builtins.bool': (args) => args[0] ?? false,
  'builtins.str': (args) => args[0] ?? '',
  'builtins.complex': (args) => ({ kind: 'tuple', items: [...args] }),
  'builtins.bytes': (args) => bytesOf(args[0]),
  'builtins.bytearray': (args) => bytesOf(args[0]),
  '_codecs.encode': (args) => bytesOf(args[0]),
  'torch.Size': (args) => sequenceOf('tuple', args[0]),
  'torch.device': (args) => args[0] ?? null,

  // Protocols 0 and 1 make every object through this; the class, which is named where it stands, makes it opaque.
  'copyreg._reconstructor': ([type]) => opaqueOf(type),

  // Tensors.
  'torch._utils._rebuild_tensor': (args, where) => tensorOf(args, where),
  'torch._utils._rebuild_tensor_v2': (args, where) => tensorOf(args, where),
  'torch._utils._rebuild_tensor_v3': (args, where) => tensorOf(args, where, args[6]),
  'torch._utils._rebuild_parameter': (args) => args[0] ?? null,
  'torch._utils._rebuild_parameter_with_state': (args) => args[0] ?? null,
  'torch.nn.parameter.Parameter': (args) => args[0] ?? null,
  'torch._tensor._rebuild_from_type_v2': rebuildFromType,
  // Its inner tensors come as the state of _rebuild_from_type_v2.
  'torch._utils._rebuild_wrapper_subclass': ([type, , size]) => wrapperOf(type, size),
  'torch._utils._rebuild_meta_tensor_no_storage': ([, size]) => ({
    ...wrapperOf(undefined, size),
    name: 'meta tensor',
  }),
  'torch.serialization._get_layout': (args) => args[0] ?? null,
  'torch._utils._get_layout': (args) => args[0] ?? null,
  'torch.storage._load_from_bytes': (args, where) => {
    const [file] = args
    if (!isNode(file, 'bytes')) throw badFile(`${where}: torch.storage._load_from_bytes`, 'bytes', 'something else')
    return {
      kind: 'storage',
      key: `nested@${file.offset}`,
      dtype: null,
      typeName: 'nested',
      length: 0,
      viewOffset: 0,
      nested: file,
    }
  },
  // TorchScript's typed lists and tags: (value, ...).
  'torch.jit._pickle.build_intlist': (args) => args[0] ?? null,
  'torch.jit._pickle.build_doublelist': (args) => args[0] ?? null,
  'torch.jit._pickle.build_boollist': (args) => args[0] ?? null,
  'torch.jit._pickle.build_tensorlist': (args) => args[0] ?? null,
  'torch.jit._pickle.restore_type_tag': (args) => args[0] ?? null,

  // NumPy.
  'numpy.ndarray': () => ({ kind: 'array', content: null }),
  'numpy.dtype': (args, where) => elementTypeOf(args[0], where),
  'numpy.core.multiarray._reconstruct': () => ({ kind: 'array', content: null }),
  'numpy.core.multiarray.scalar': (args) => scalarOf(args),
  'numpy.core.numeric._frombuffer': (args, where) => bufferArray(args, where),
}

/** Names that stand for themselves, as the type of something that another builder makes. */
const types = new Set([
  ...['torch.Tensor', 'torch.nn.parameter.Buffer', 'torch.strided', 'builtins.object'],
  // What a DTensor says of its place among others.
  ...['DTensor', '_dtensor_spec.DTensorSpec', '_dtensor_spec.TensorMeta'].map(
    (name) => `torch.distributed.tensor.${name}`,
  ),
  ...['Shard', '_StridedShard', 'Replicate', 'Partial'].map(
    (name) => `torch.distributed.tensor.placement_types.${name}`,
  ),
  'torch.distributed.device_mesh.DeviceMesh',
  // The metadata of a distributed checkpoint.
  ...[
    'Metadata',
    'TensorStorageMetadata',
    'BytesStorageMetadata',
    'ChunkStorageMetadata',
    'TensorProperties',
    'MetadataIndex',
    'StorageMeta',
    '_MEM_FORMAT_ENCODING',
  ].map((name) => `torch.distributed.checkpoint.metadata.${name}`),
  'torch.distributed.checkpoint.filesystem._StorageInfo',
  ...['pathlib.PosixPath', 'pathlib.WindowsPath'],
  ...['TensorProperties', 'MEM_FORMAT_ENCODING'].map(
    (name) => `torch.distributed._shard.sharded_tensor.metadata.${name}`,
  ),
])

/** Old and new names of the same thing. */
const aliases: readonly (readonly [RegExp, string])[] = [
  [/^__builtin__\./, 'builtins.'],
  [/^copy_reg\./, 'copyreg.'],
  [/^numpy\._core\./, 'numpy.core.'],
  [/^torch\.Tensor\._rebuild/, 'torch._tensor._rebuild'],
  [/^torch\.distributed\._tensor\.(api\.)?/, 'torch.distributed.tensor.'],
  [/^torch\.distributed\.tensor\._api\./, 'torch.distributed.tensor.'],
  [/^torch\.distributed\._device_mesh\./, 'torch.distributed.device_mesh.'],
]

function findKnown(name: string): GlobalNode | null {
  const plain = aliases.reduce((known, [old, now]) => known.replace(old, now), name)
  if (Object.hasOwn(builders, plain)) return { kind: 'global', name, build: builders[plain]! }
  if (types.has(plain)) return { kind: 'global', name }
  const [module, rest] = [plain.slice(0, plain.lastIndexOf('.')), plain.slice(plain.lastIndexOf('.') + 1)]
  if (module === 'torch' && Object.hasOwn(torchDTypes, rest)) return { kind: 'global', name, dtype: torchDTypes[rest]! }
  if (module === 'torch' && laterDType.test(rest)) return { kind: 'global', name, dtype: null }
  if (
    (module === 'torch' || module === 'torch.storage' || module === 'torch.cuda') &&
    Object.hasOwn(storageTypes, rest)
  )
    return { kind: 'global', name, dtype: storageTypes[rest]! }
  return null
}

export interface TorchHostOptions {
  /** Classes of a TorchScript archive, whose code lies beside the pickle; `true` keeps them out of the list of unknown globals. */
  readonly torchScript: boolean
}

/** The allow-list as the pickle machine asks it. */
export function torchHost({ torchScript }: TorchHostOptions): PickleHost {
  return {
    global: (name) => (torchScript && name.startsWith('__torch__.') ? { kind: 'global', name } : findKnown(name)),
    persistent: storageOf,
    setState: (target, state, where) => {
      if (isNode(target, 'array')) setArrayState(target, state, where)
      else if (isNode(target, 'element-type')) setElementTypeState(target, state)
      else return false
      return true
    },
  }
}

/** ('storage', class, key, location, length[, (view key, offset, length)]); ('module', class, file, source) of old whole-model files. */
function storageOf(id: PickleValue, where: string): PickleValue {
  const items = sequenceItems(id)
  if (items?.[0] === 'module') return items[1] ?? null
  const [tag, type, key, , length, viewed] = items ?? []
  if (tag !== 'storage' || !isNode(type, 'global'))
    throw badFile(where, "a persistent id ('storage', type, key, location, size)", 'another')
  if (typeof key !== 'string' || !isCount(length))
    throw badFile(`${where}: storage`, 'a key and a size', 'something else')
  const [, viewOffset = 0] = sequenceItems(viewed) ?? []
  if (!isCount(viewOffset)) throw badFile(`${where}: storage ${quoted(key)}`, 'a view with an offset', 'something else')
  return {
    kind: 'storage',
    key,
    dtype: type.dtype ?? null,
    typeName: type.name,
    length,
    viewOffset,
  } satisfies StorageNode
}

/** (storage, offset, shape, strides, ...). */
function tensorOf(args: readonly PickleValue[], where: string, dtypeArgument?: PickleValue): TensorNode {
  const [storage, offset, shapeValue, stridesValue] = args
  const shape = sizesOf(shapeValue)
  const strides = sizesOf(stridesValue)
  if (!isNode(storage, 'storage') || !isCount(offset) || !shape || !strides || shape.length !== strides.length)
    throw badFile(
      `${where}: tensor`,
      'a storage, an offset, and as many sizes as strides, none negative',
      'something else',
    )
  const typed = isNode(dtypeArgument, 'global') ? dtypeArgument : null
  return {
    kind: 'tensor',
    storage,
    dtype: typed ? (typed.dtype ?? null) : storage.dtype,
    typeName: typed ? typed.name : storage.typeName,
    offset,
    shape,
    strides,
  }
}

/** (function, class, its arguments, state). A function that is this one again, in whose arguments is this one again, is nobody's. */
function rebuildFromType(args: readonly PickleValue[], where: string): PickleValue {
  const [rebuild, type, rebuildArgs, state] = args
  const items = sequenceItems(rebuildArgs)
  if (!isNode(rebuild, 'global') || !items) return null
  if (!rebuild.build || rebuild.build === rebuildFromType)
    return { ...opaqueOf(rebuild), args: items, state: state ?? null }
  const built = rebuild.build(items, where)
  if (!isNode(built, 'wrapper')) return built
  return { ...built, name: isNode(type, 'global') ? type.name : built.name, state: state ?? null }
}

function wrapperOf(type: PickleValue | undefined, size: PickleValue | undefined): WrapperNode {
  return {
    kind: 'wrapper',
    name: isNode(type, 'global') ? type.name : 'tensor',
    shape: sizesOf(size),
    state: null,
  }
}

function opaqueOf(type: PickleValue | undefined): OpaqueNode {
  const name = isNode(type, 'global') ? type.name : 'object'
  return { kind: 'opaque', name, args: [], state: null, items: [], keys: [], values: [] }
}

/** From nothing, a dict, or a list of pairs. */
function dictOf(value: PickleValue | undefined, where: string): DictNode {
  const keys: PickleValue[] = []
  const values: PickleValue[] = []
  if (isNode(value, 'dict')) {
    for (const key of value.keys) keys.push(key)
    for (const each of value.values) values.push(each)
  } else
    for (const pair of sequenceItems(value) ?? []) {
      const items = sequenceItems(pair)
      if (items?.length !== 2) throw badFile(`${where}: dict`, 'pairs of key and value', 'something else')
      keys.push(items[0]!)
      values.push(items[1]!)
    }
  return { kind: 'dict', keys, values }
}

function sequenceOf(kind: SequenceNode['kind'], value: PickleValue | undefined): PickleNode {
  const items = isNode(value, 'set') ? value.items : (sequenceItems(value) ?? [])
  return { kind, items: items.slice() } as PickleNode
}

/** Python 3 writes bytes for protocols 0 to 2 as latin-1 text with a call of _codecs.encode. */
function bytesOf(value: PickleValue | undefined): BytesNode {
  if (isNode(value, 'bytes')) return value
  const text = typeof value === 'string' ? value : ''
  const inline = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) inline[i] = text.charCodeAt(i)
  return { kind: 'bytes', offset: 0, length: inline.byteLength, inline }
}

function elementTypeOf(value: PickleValue | undefined, where: string): ElementTypeNode {
  const match = typeof value === 'string' ? /^([<>|=]?)(\w{1,16})$/.exec(value) : null
  if (!match) throw badFile(`${where}: numpy.dtype`, 'a type code', 'something else')
  return { kind: 'element-type', code: match[2]!, order: match[1] || '=' }
}

/** (version, byte order, ...). */
function setElementTypeState(target: ElementTypeNode, state: PickleValue): void {
  const order = sequenceItems(state)?.[1]
  if (typeof order === 'string' && /^[<>|=]$/.test(order)) target.order = order
}

/** (data, dtype, shape, order): protocol 5. */
function bufferArray([data, elementType, shape, order]: readonly PickleValue[], where: string): ArrayNode {
  const array: ArrayNode = { kind: 'array', content: null }
  setArrayState(
    array,
    { kind: 'tuple', items: [shape ?? null, elementType ?? null, order === 'F', data ?? null] },
    where,
  )
  return array
}

/** (version, shape, dtype, Fortran order, data). */
function setArrayState(target: ArrayNode, state: PickleValue, where: string): void {
  const items = sequenceItems(state) ?? []
  const [shapeValue, elementType, fortran, data] = items.length === 5 ? items.slice(1) : items
  const shape = sizesOf(shapeValue)
  if (!shape || !isNode(elementType, 'element-type'))
    throw badFile(`${where}: array`, 'a shape and a dtype', 'something else')
  // An array of objects has a list here: there is nothing in it to show as numbers.
  const bytes = typeof data === 'string' ? textAsBytes(data) : data
  if (!isNode(bytes, 'bytes')) return
  target.content = {
    shape,
    fortran: fortran === true || fortran === 1,
    elementType,
    data: bytes,
  }
}

/** Array data of Python 2 that happened to be text. */
function textAsBytes(text: string): BytesNode {
  const inline = new TextEncoder().encode(text)
  return { kind: 'bytes', offset: 0, length: inline.byteLength, inline }
}

/** (dtype, data): a number in an array's clothes. */
function scalarOf(args: readonly PickleValue[]): PickleValue {
  const [elementType, data] = args
  const bytes = typeof data === 'string' ? textAsBytes(data) : data
  if (!isNode(elementType, 'element-type') || !isNode(bytes, 'bytes')) return null
  return { kind: 'array', content: { shape: [], fortran: false, elementType, data: bytes } }
}
