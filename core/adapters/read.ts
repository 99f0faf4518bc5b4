/**
 * From the tensors of a file to an adapter, whichever tool wrote it. Sources of the spellings and scales: kohya-ss/sd-scripts, LyCORIS, PEFT,
 * diffusers, ComfyUI, llama.cpp.
 */
import { AppError } from '../errors.ts'
import { decodeFloat64 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { badFile, overLimit } from '../formats/reading/refusal.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { fileName, foreign, quoted } from '../messages/text.ts'
import type { AdapterForm } from '../styles.ts'
import { elementCount, hasComputableDType, type TensorInfo } from '../tensor.ts'
import type { Adapter, AdapterKind, AdapterModule, FactorTensor } from './adapter.ts'
import { type DeclaredScales, declaredScales } from './scales.ts'
import { type Role, takeApart } from './tensor-names.ts'

/** A model of experts has 44,544 (DeepSeek V3, every expert); each costs a small read for its scale. */
const maxModules = 65_536
/** The largest vocabularies have 300,000; arrays are made that have a number for each row. */
const maxSize = 16_777_216
/** Sketches and cores are square in it; published adapters end at 1024. */
const maxAdapterRank = 16_384

/** @throws AppError `bad-request` for what is no adapter, `bad-file` for one that contradicts itself, `over-limit` */
export async function readAdapter(file: WeightFile): Promise<Adapter> {
  const found = new Map<string, Map<Role, TensorInfo>>()
  const others: TensorInfo[] = []
  for (const tensor of file.tensors) {
    const named = takeApart(tensor.name)
    if (!named) {
      others.push(tensor)
      continue
    }
    const roles = found.get(named.module) ?? new Map<Role, TensorInfo>()
    const other = roles.get(named.role)
    // Two spellings of one: whichever is taken, the other is left out in silence.
    if (other)
      throw badFile(
        named.module,
        `one tensor for its ${named.role}`,
        `${quoted(other.name)} and ${quoted(tensor.name)}`,
      )
    roles.set(named.role, tensor)
    found.set(named.module, roles)
  }
  const name = file.shards[0]?.fileName ?? ''
  if (found.size > maxModules)
    throw overLimit(name, 'modules', maxModules, found.size, 'no published adapter comes near it')
  const form = formOf(file, [...found.keys()])
  const declared = await declaredScales(file, form)
  const modules: AdapterModule[] = []
  const magnitudes = new Map<string, TensorInfo>()
  for (const [module, roles] of found) {
    const magnitude = roles.get('magnitude')
    if (magnitude) magnitudes.set(module, magnitude)
    const read = await readModule(file, module, roles, declared)
    if (read) modules.push(read)
    else for (const [role, tensor] of roles) if (role !== 'magnitude') others.push(tensor)
  }
  if (modules.length === 0) throw new AppError('bad-request', say('adapter.none', { name: fileName(name) }))
  return { file, form, modules, others, magnitudes, notices: noticesOf(modules, others, magnitudes, declared) }
}

function noticesOf(
  modules: readonly AdapterModule[],
  others: readonly TensorInfo[],
  magnitudes: ReadonlyMap<string, TensorInfo>,
  declared: DeclaredScales,
): Message[] {
  const notices: Message[] = []
  const ranks = new Set(modules.map(({ rank }) => rank))
  const unsaid = modules.filter(({ alpha }) => alpha === null).length
  if (unsaid > 0 && ranks.size > 1 && !declared.says)
    notices.push(say('adapter.no-alpha', { count: unsaid, total: modules.length }))
  if (magnitudes.size > 0) notices.push(say('adapter.dora', { count: magnitudes.size }))
  if (others.length > 0)
    notices.push(
      say('adapter.others', { count: others.length, some: others.slice(0, 3).map(({ name }) => quoted(name)) }),
    )
  return notices
}

/** Whether most matrices of a file are factors of an adapter, by their names. */
export function looksLikeAdapter({ tensors }: Pick<WeightFile, 'tensors'>): boolean {
  const matrices = tensors.filter(({ shape }) => shape.length >= 2)
  const factors = matrices.filter(({ name }) => {
    const found = takeApart(name)
    return found !== null && found.role !== 'alpha' && found.role !== 'magnitude'
  })
  return factors.length > 0 && 2 * factors.length >= matrices.length
}

/** By what its modules are called. */
function formOf({ format }: Pick<WeightFile, 'format'>, modules: readonly string[]): AdapterForm {
  if (format === 'gguf') return 'gguf'
  const count = (expression: RegExp) => modules.filter((name) => expression.test(name)).length
  const counted: readonly [AdapterForm, number][] = [
    ['kohya', count(/^(lora_(unet|te\d?|prior_unet|transformer)_|lycoris_)/)],
    ['comfy', count(/^(diffusion_model|text_encoders)\./)],
    ['diffusers', count(/^(transformer(_2)?|unet|text_encoder(_[23])?)\./)],
    ['peft', count(/^base_model\.model\./)],
  ]
  const [form, most] = counted.toSorted((a, b) => b[1] - a[1])[0]!
  return most > 0 ? form : 'peft'
}

/** null for tensors that are no module, such as an `alpha` of nothing. */
async function readModule(
  file: WeightFile,
  name: string,
  roles: ReadonlyMap<Role, TensorInfo>,
  declared: DeclaredScales,
): Promise<AdapterModule | null> {
  const has = (role: Role) => roles.has(role)
  if (![...roles.keys()].some((role) => role !== 'alpha' && role !== 'magnitude')) return null
  const tensors = new Map<string, FactorTensor>()
  for (const [role, tensor] of roles) {
    if (role === 'alpha' || role === 'magnitude') continue
    if (!hasComputableDType(tensor))
      throw badFile(name, 'values in floating point', `${quoted(tensor.name)} in ${tensor.storedAs ?? tensor.dtype}`)
    if (elementCount(tensor.shape) === 0) throw badFile(name, 'at least one entry', `${quoted(tensor.name)} empty`)
    tensors.set(role, tensor)
  }
  // Experts of GGUF, stacked: copied as they are.
  if (file.format === 'gguf' && tensors.get('down')?.shape.length === 3) return null
  const kind = kindOf(name, has, file.format === 'gguf')
  const { rank, shape, decomposed } = shapes[kind](name, (role) => tensors.get(role))
  const largest = shape.reduce((most, size) => Math.max(most, size), 0)
  if (largest > maxSize) throw overLimit(name, 'rows or columns', maxSize, largest, 'no published model comes near it')
  if (rank < 1 || rank > maxAdapterRank) throw badFile(name, `a rank from 1 to ${maxAdapterRank}`, String(rank))
  const alpha = await alphaOf(file, name, roles.get('alpha'))
  const scale = decomposed ? declared.scaleOf(name, rank, alpha) : 1
  if (!Number.isFinite(scale)) throw badFile(name, 'a scale that is a number', 'none')
  const byteLength = [...roles.values()].reduce((sum, tensor) => sum + tensor.byteLength, 0)
  return { name, kind, tensors, rank, alpha, scale, shape, byteLength }
}

function kindOf(name: string, has: (role: Role) => boolean, inGguf: boolean): AdapterKind {
  if (has('down') || has('up')) return inGguf && name === 'token_embd' ? 'table' : 'lora'
  if (has('embedding-down') || has('embedding-up')) return 'embedding'
  return has('hada_w1_a') ? 'loha' : 'lokr'
}

async function alphaOf(file: WeightFile, name: string, tensor: TensorInfo | undefined): Promise<number | null> {
  if (!tensor) return null
  if (elementCount(tensor.shape) !== 1) throw badFile(name, 'one alpha', `[${tensor.shape.join(', ')}]`)
  const bytes = await file.read(tensor)
  const value = hasComputableDType(tensor) ? decodeFloat64(tensor.dtype, bytes)[0]! : wholeNumber(tensor, bytes)
  if (value === null || !Number.isFinite(value))
    throw badFile(name, 'an alpha that is a number', value === null ? tensor.dtype : 'none')
  return value
}

/** Some trainers keep it as an integer. */
function wholeNumber({ dtype }: TensorInfo, bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (dtype === 'I64') return Number(view.getBigInt64(0, true))
  if (dtype === 'I32') return view.getInt32(0, true)
  return null
}

type Get = (role: Role) => FactorTensor | undefined

interface Shape {
  readonly rank: number
  /** [out, in, ...kernel] */
  readonly shape: readonly number[]
  /** Whether alpha over the rank is its scale: not that of a Kronecker product of whole factors. */
  readonly decomposed: boolean
}

const shapes: Readonly<Record<AdapterKind, (name: string, get: Get) => Shape>> = {
  lora: (name, get) => {
    const [down, up, mid] = [needed(name, get, 'down'), needed(name, get, 'up'), get('mid')]
    const [rank = 0, ...inputs] = down.shape
    const [rows = 0, columns = 0, ...ones] = up.shape
    const fits = inputs.length > 0 && up.shape.length >= 2 && columns === rank && ones.every((size) => size === 1)
    if (!fits) throw misfit(name, down, up)
    if (!mid) return { rank, shape: [rows, ...inputs], decomposed: true }
    const [left, right, ...kernel] = mid.shape
    if (left !== rank || right !== rank || inputs.slice(1).some((size) => size !== 1)) throw misfit(name, down, mid)
    return { rank, shape: [rows, inputs[0]!, ...kernel], decomposed: true }
  },
  embedding: (name, get) => {
    const [down, up] = [needed(name, get, 'embedding-down'), needed(name, get, 'embedding-up')]
    const [rank = 0, entries = 0, ...more] = down.shape
    if (more.length > 0 || up.shape.length !== 2 || up.shape[1] !== rank) throw misfit(name, down, up)
    return { rank, shape: [entries, up.shape[0]!], decomposed: true }
  },
  table: (name, get) => {
    const [down, up] = [needed(name, get, 'down'), needed(name, get, 'up')]
    const [entries = 0, rank = 0, ...more] = down.shape
    if (more.length > 0 || up.shape.length !== 2 || up.shape[1] !== rank) throw misfit(name, down, up)
    return { rank, shape: [entries, up.shape[0]!], decomposed: true }
  },
  loha: (name, get) => {
    const roles = ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'] as const
    const [a1, b1, a2, b2] = roles.map((role) => needed(name, get, role)) as [
      FactorTensor,
      FactorTensor,
      FactorTensor,
      FactorTensor,
    ]
    if (get('hada_t1') || get('hada_t2')) throw unread(name)
    for (const [a, b] of [
      [a1, b1],
      [a2, b2],
    ] as const)
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0]) throw misfit(name, b, a)
    if (a1.shape[0] !== a2.shape[0] || b1.shape[1] !== b2.shape[1]) throw misfit(name, b2, a1)
    const [rows, cols] = [a1.shape[0]!, b1.shape[1]!]
    return { rank: b1.shape[0]!, shape: [rows, cols], decomposed: true }
  },
  lokr: (name, get) => {
    if (get('lokr_t2')) throw unread(name)
    const first = kroneckerSide(name, get, 'w1')
    const second = kroneckerSide(name, get, 'w2')
    if (first.shape.length !== 2) throw unread(name)
    const [p, q] = first.shape as [number, number]
    const [m = 0, n = 0, ...kernel] = second.shape
    const rank = first.rank ?? second.rank
    const whole = Math.min(p, q) * Math.min(m, n * elementCount(kernel))
    return {
      rank: rank ?? Math.min(whole, maxAdapterRank),
      shape: [p * m, q * n, ...kernel],
      decomposed: rank !== null,
    }
  },
}

function kroneckerSide(
  name: string,
  get: Get,
  side: 'w1' | 'w2',
): { readonly shape: readonly number[]; readonly rank: number | null } {
  const whole = get(`lokr_${side}`)
  if (whole) {
    if (whole.shape.length < 2) throw badFile(name, 'matrices', `${quoted(whole.name)} [${whole.shape.join(', ')}]`)
    return { shape: whole.shape, rank: null }
  }
  const [a, b] = [needed(name, get, `lokr_${side}_a`), needed(name, get, `lokr_${side}_b`)]
  if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0]) throw misfit(name, b, a)
  return { shape: [a.shape[0]!, b.shape[1]!], rank: b.shape[0]! }
}

function needed(name: string, get: Get, role: Role): FactorTensor {
  const tensor = get(role)
  if (!tensor) throw badFile(name, `a tensor for ${role.replaceAll('_', ' ')}`, 'none')
  return tensor
}

function misfit(name: string, a: FactorTensor, b: FactorTensor): AppError {
  const of = ({ shape }: FactorTensor) => `[${shape.join(', ')}]`
  return badFile(name, 'factors that fit together', `${of(b)} and ${of(a)}`)
}

function unread(name: string): AppError {
  return new AppError('unsupported', say('adapter.tucker', { name: foreign(name) }))
}
