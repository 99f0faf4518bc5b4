/** Pickles and zip archives put together byte by byte, honest or not. */
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../../../core/formats/archives/crc32.ts'
import { concat, text } from '../corpus.ts'

/** Strings become their bytes, numbers bytes: `pickle('cposix\nsystem\n', 0x85, 'R.')`. */
export function pickle(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return concat(
    ...parts.map((part) =>
      typeof part === 'string' ? text(part) : typeof part === 'number' ? Uint8Array.of(part) : part,
    ),
  )
}

export function le32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}

/** SHORT_BINUNICODE. */
export function str(value: string): Uint8Array {
  const bytes = text(value)
  return concat(Uint8Array.of(0x8c, bytes.byteLength), bytes)
}

/** BININT. */
export function int(value: number): Uint8Array {
  return concat(Uint8Array.of(0x4a), le32(value))
}

export interface TensorSpec {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset?: number
  readonly key?: string
  readonly length: number
  readonly type?: string
}

/** A tensor as torch.save writes it, with whatever numbers. Protocol 4. */
export function tensor({
  shape,
  strides,
  offset = 0,
  key = '0',
  length,
  type = 'FloatStorage',
}: TensorSpec): Uint8Array {
  const tuple = (values: readonly number[]) => concat(text('('), ...values.map(int), text('t'))
  return pickle(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    '(',
    str('storage'),
    `ctorch\n${type}\n`,
    str(key),
    str('cpu'),
    int(length),
    't',
    'Q',
    int(offset),
    tuple(shape),
    tuple(strides),
    0x89,
    'ccollections\nOrderedDict\n)R',
    'tR',
  )
}

/** {name: tensor, ...} */
export function stateDict(tensors: Record<string, Uint8Array>): Uint8Array {
  return pickle(0x80, 2, '}(', ...Object.entries(tensors).flatMap(([name, value]) => [str(name), value]), 'u.')
}

export interface MemberSpec {
  readonly name: string
  readonly data: Uint8Array
  readonly deflate?: boolean
  /** Lies, put into both headers. */
  readonly claim?: Partial<{
    byteLength: number
    packedLength: number
    crc: number
    method: number
    flags: number
    localName: string
    offset: number
  }>
}

export function zip(
  members: readonly MemberSpec[],
  options: { zip64?: boolean; comment?: string; count?: number; prefix?: Uint8Array } = {},
): Uint8Array {
  const parts: Uint8Array[] = [options.prefix ?? new Uint8Array(0)]
  const directory: Uint8Array[] = []
  let at = parts[0]!.byteLength
  for (const { name, data, deflate = false, claim = {} } of members) {
    const packed = deflate ? new Uint8Array(deflateRawSync(data)) : data
    const nameBytes = text(name)
    const localName = text(claim.localName ?? name)
    const byteLength = claim.byteLength ?? data.byteLength
    const packedLength = claim.packedLength ?? packed.byteLength
    const common = new Uint8Array(26)
    const view = new DataView(common.buffer)
    view.setUint16(0, options.zip64 ? 45 : 20, true)
    view.setUint16(2, claim.flags ?? 0, true)
    view.setUint16(4, claim.method ?? (deflate ? 8 : 0), true)
    view.setUint32(10, claim.crc ?? crc32(data), true)
    const wide = options.zip64 === true
    view.setUint32(14, wide ? 0xffff_ffff : packedLength, true)
    view.setUint32(18, wide ? 0xffff_ffff : byteLength, true)
    const sizes = new DataView(new ArrayBuffer(28))
    sizes.setUint16(0, 1, true)
    sizes.setUint16(2, 24, true)
    sizes.setBigUint64(4, BigInt(byteLength), true)
    sizes.setBigUint64(12, BigInt(packedLength), true)
    sizes.setBigUint64(20, BigInt(claim.offset ?? at), true)
    const extra = wide ? new Uint8Array(sizes.buffer) : new Uint8Array(0)
    const local = common.slice()
    new DataView(local.buffer).setUint16(22, localName.byteLength, true)
    parts.push(text('PK\x03\x04'), local, localName, packed)
    const central = common.slice()
    new DataView(central.buffer).setUint16(22, nameBytes.byteLength, true)
    new DataView(central.buffer).setUint16(24, extra.byteLength, true)
    const rest = new DataView(new ArrayBuffer(14))
    rest.setUint32(10, wide ? 0xffff_ffff : (claim.offset ?? at), true)
    directory.push(text('PK\x01\x02'), Uint8Array.of(20, 0), central, new Uint8Array(rest.buffer), nameBytes, extra)
    at += 30 + localName.byteLength + packed.byteLength
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.byteLength, 0)
  const count = options.count ?? members.length
  const tail: Uint8Array[] = []
  if (options.zip64) {
    const record = new DataView(new ArrayBuffer(76))
    record.setUint32(0, 0x06064b50, true)
    record.setBigUint64(4, 44n, true)
    record.setBigUint64(24, BigInt(count), true)
    record.setBigUint64(32, BigInt(count), true)
    record.setBigUint64(40, BigInt(directoryBytes), true)
    record.setBigUint64(48, BigInt(at), true)
    record.setUint32(56, 0x07064b50, true)
    record.setBigUint64(64, BigInt(at + directoryBytes), true)
    record.setUint32(72, 1, true)
    tail.push(new Uint8Array(record.buffer))
  }
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(8, options.zip64 ? 0xffff : count, true)
  end.setUint16(10, options.zip64 ? 0xffff : count, true)
  end.setUint32(12, options.zip64 ? 0xffff_ffff : directoryBytes, true)
  end.setUint32(16, options.zip64 ? 0xffff_ffff : at, true)
  const comment = text(options.comment ?? '')
  end.setUint16(20, comment.byteLength, true)
  // As a list: more members than can be arguments.
  return new Uint8Array(Buffer.concat([...parts, ...directory, ...tail, new Uint8Array(end.buffer), comment]))
}

/** A checkpoint in the zip form: this pickle, these storages. */
export function checkpoint(dataPickle: Uint8Array, storages: Record<string, Uint8Array> = {}): MemberSpec[] {
  return [
    { name: 'archive/data.pkl', data: dataPickle },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
  ]
}

/** A program with a GGUF model in it, as llamafile writes it. */
export function llamafile(model: Uint8Array, others: readonly MemberSpec[] = []): Uint8Array {
  const program = concat(text("MZqFpD='\n"), new Uint8Array(500).fill(7))
  return zip([{ name: 'model.gguf', data: model }, ...others, { name: '.args', data: text('-m\nmodel.gguf\n') }], {
    prefix: program,
  })
}
