/**
 * Programs of torch.export (.pt2): a zip archive with the graph, which is passed over, and its weights. Since 2.8 each weight is a member of
 * raw values and a JSON says which is whose; before, weights and constants are checkpoints in the archive, as torch.save writes them.
 * Source: torch/export/pt2_archive, torch/_export/serde/schema.py.
 */

import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import { type DType, dtypeBits } from '../../tensor.ts'
import { looksLikeZip, openZip, type ZipArchive, type ZipMember } from '../archives/zip.ts'
import type { Format, WeightFile } from '../format.ts'
import { readRange } from '../reading/range.ts'
import { badFile, type LeftOut, leftOut, overLimit } from '../reading/refusal.ts'
import { type Json, type JsonLimits, type JsonObject, visitStrictJson } from '../reading/strict-json.ts'
import { combine } from '../shards/sharded.ts'
import { checkpointFile } from './pytorch.ts'
import { type LocatedTensor, tensorReaders } from './torch-tensors.ts'

/** 50,000 weights with 20 keys in 450 bytes each, ten times as many as any program has; read into memory whole. */
const maxConfigBytes = 24_000_000
const maxTensors = 50_000
const limits: JsonLimits = {
  maxDepth: 16,
  maxArrayLength: 1000,
  maxElements: 1_000_000,
  maxKeys: 1_000_000,
  maxTextBytes: maxConfigBytes,
  opened: ['config'],
}

/** ScalarType of the schema. */
const dtypes: ReadonlyMap<number, DType> = new Map([
  [1, 'U8'],
  [2, 'I8'],
  [3, 'I16'],
  [4, 'I32'],
  [5, 'I64'],
  [6, 'F16'],
  [7, 'F32'],
  [8, 'F64'],
  [10, 'C64'],
  [12, 'BOOL'],
  [13, 'BF16'],
  [28, 'U16'],
  [29, 'F8_E4M3'],
  [30, 'F8_E5M2'],
])

export const torchExport: Format = {
  id: 'torch-export',
  sniff: (head, source) => looksLikeZip(head) && (source.name.toLowerCase().endsWith('.pt2') || isProgram(head)),
  open: async (source) => {
    const archive = await openZip(source)
    const names = [...archive.members.keys()]
    const configs = names.filter((name) =>
      /(^|\/)data\/(weights|constants)\/[^/]+_(weights|constants)_config\.json$/.test(name),
    )
    const checkpoints = names.filter((name) =>
      /(^|\/)(serialized_(state_dict|constants)|data\/(weights|constants)\/[^/]+)\.pt$/.test(name),
    )
    const parts: WeightFile[] = []
    for (const name of configs) for (const part of await rawWeights(source, archive, name)) parts.push(part)
    for (const name of checkpoints)
      for (const part of await checkpoint(archive, archive.members.get(name)!)) parts.push(part)
    if (parts.length === 0)
      throw badFile(
        source.name,
        'weights of an exported program',
        `none among ${names.length} members${names[0] ? ` such as ${quoted(names[0])}` : ''}`,
      )
    const file = combine(parts, async () => {
      for (const part of parts) await part.close()
      await source.close()
    })
    const tensorNames = file.tensors.map(({ name }) => name)
    return {
      ...file,
      format: 'torch-export',
      safety: 'code-passed-over',
      totalBytes: source.byteLength,
      shards: [{ fileName: source.name, tensorNames }],
    }
  },
}

/** By the name of the first member. */
function isProgram(head: Uint8Array): boolean {
  const length = (head[26] ?? 0) | ((head[27] ?? 0) << 8)
  const name = new TextDecoder('latin1').decode(head.subarray(30, 30 + length))
  return /^serialized_exported_program\.json$|\/(archive_format|models\/[^/]+\.json)$/.test(name)
}

/** A checkpoint in the archive; none for one without tensors, such as the constants of most programs. */
async function checkpoint(archive: ZipArchive, member: ZipMember): Promise<WeightFile[]> {
  const file = await checkpointFile(await archive.open(member))
  return file.tensors.length > 0 ? [file] : []
}

interface Weight {
  readonly name: string
  readonly member: string
  readonly pickled: boolean
  readonly meta: JsonObject | null
}

async function rawWeights(source: ByteSource, archive: ZipArchive, configName: string): Promise<WeightFile[]> {
  const where = `${source.name}: ${configName}`
  const folder = configName.slice(0, configName.lastIndexOf('/') + 1)
  const found: LocatedTensor[] = []
  const left: LeftOut[] = []
  for (const { name, member: path, pickled, meta } of await weightsOf(archive, configName, where)) {
    const member = archive.members.get(folder + path)
    const label = `${where}: ${quoted(name)}`
    if (!member) throw badFile(label, `its values in the member ${quoted(folder + path)}`, 'no such member')
    if (pickled || !meta) {
      left.push({ name, why: say('left-out.own-pickle') })
      continue
    }
    const code = meta.get('dtype')
    const dtype = typeof code === 'number' ? dtypes.get(code) : undefined
    if (!dtype) {
      left.push({ name, why: `dtype ${String(code)}` })
      continue
    }
    const [shape, strides] = [counts(meta.get('sizes')), counts(meta.get('strides'))]
    const offset = count(meta.get('storage_offset'))
    if (!shape || !strides || offset === null || shape.length !== strides.length)
      throw badFile(label, 'sizes, strides and an offset', 'something else')
    const length = Math.floor(member.byteLength / (dtypeBits[dtype] / 8))
    const storage = { kind: 'storage', key: member.name, dtype, typeName: dtype, length, viewOffset: 0 } as const
    const values = { id: member.name, open: () => archive.open(member) }
    found.push({
      name,
      pickle: values,
      node: { kind: 'tensor', storage, dtype, typeName: dtype, offset, shape, strides },
      locate: async () => ({ ...values, byteLength: member.byteLength }),
    })
  }
  const { tensors, read, left: unread, close } = await tensorReaders(source, found)
  const all = [...left, ...unread]
  const notices = all.length > 0 ? [leftOut(all)] : []
  return [
    {
      format: 'torch-export',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors,
      metadata: new Map(),
      notices,
      shards: [{ fileName: source.name, tensorNames: tensors.map(({ name }) => name) }],
      read,
      close,
    },
  ]
}

/** `config`: which member has which weight. */
async function weightsOf(archive: ZipArchive, configName: string, where: string): Promise<Weight[]> {
  const member = archive.members.get(configName)!
  if (member.byteLength > maxConfigBytes)
    throw overLimit(where, 'bytes', maxConfigBytes, member.byteLength, 'it is read into memory whole')
  const config = await archive.open(member)
  const weights: Weight[] = []
  const bytes = await readRange(config, 0, config.byteLength, 'weights')
  await config.close()
  visitStrictJson(bytes, where, limits, (name, entry, inside) => {
    if (inside === null) {
      if (name === 'config') throw badFile(`${where}: config`, 'an object', 'something else')
      return
    }
    const path = entry instanceof Map ? entry.get('path_name') : undefined
    if (!(entry instanceof Map) || typeof path !== 'string')
      throw badFile(`${where}: ${quoted(name)}`, 'the name of a member', 'something else')
    if (weights.length === maxTensors)
      throw overLimit(where, 'weights', maxTensors, maxTensors + 1, 'no published model comes near it')
    const meta = entry.get('tensor_meta')
    weights.push({
      name,
      member: path,
      pickled: entry.get('use_pickle') === true,
      meta: meta instanceof Map ? meta : null,
    })
  })
  return weights
}

/** `{"as_int": 4}`; numbers by name (dynamic sizes) have no place among weights. */
function count(value: Json | undefined): number | null {
  const number = value instanceof Map ? value.get('as_int') : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}

function counts(value: Json | undefined): readonly number[] | null {
  if (!Array.isArray(value)) return null
  const numbers = value.map(count)
  return numbers.every((each) => each !== null) ? numbers : null
}
