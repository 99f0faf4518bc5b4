/**
 * What is added to a model, as a file of weights: the differences of a pair of models, or all that an adapter adds. Whatever analyzes, plans or draws a
 * model does the same with it, since it sees matrices with names and values; which module of an adapter each matrix is, is said beside them.
 */
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { type AdapterForm, adapterForms } from '../styles.ts'
import { type ComputableDType, elementCount, hasComputableDType, type TensorInfo } from '../tensor.ts'
import { type Adapter, type AdapterKind, type AdapterModule, matrixOf } from './adapter.ts'
import { differenceFile } from './difference.ts'
import { effectiveFactors, wholeMatrix } from './effective.ts'
import type { Factors } from './factors.ts'
import type { Family, Row } from './family.ts'
import { type ModelFacts, modelFacts } from './model-facts.ts'
import { familyOfTensors } from './names.ts'
import type { Pair } from './pair.ts'
import { hasPlace, pairTensors } from './pairs.ts'
import { readAdapter } from './read.ts'
import { type TargetModule, translate } from './translate.ts'

/** In which dtype factors are stored where none is asked for. */
type OwnDType = 'F32' | 'F16' | 'BF16'

/** What a screen is told of it (contract/files.ts). */
interface DifferenceReport {
  readonly of: 'pair' | 'adapter'
  names: string[]
  readonly relativeTo: string | null
  readonly form: AdapterForm
  forms: { form: AdapterForm; modules: number }[]
  readonly family: string | null
  readonly dtype: OwnDType
  readonly convolutions: boolean
  readonly adapter: {
    readonly form: AdapterForm
    readonly modules: number
    kinds: AdapterKind[]
    ranks: [number, number]
    scales: [number, number]
    readonly alphas: number
  } | null
}

interface Places {
  readonly form: AdapterForm
  readonly family: Family | null
  /** The module of each matrix that has one. */
  readonly modules: ReadonlyMap<string, { readonly name: string; readonly transposed?: Row['transposed'] | undefined }>
  /** As llama.cpp calls it; null where no file says. */
  readonly architecture: string | null
  readonly dtype: OwnDType
  readonly convolutions: boolean
  readonly report: DifferenceReport
}
export interface PairModel extends Places {
  readonly of: 'pair'
  readonly base: WeightFile
  readonly tuned: WeightFile
  readonly pairs: readonly Pair[]
  readonly onlyBase: readonly TensorInfo[]
  readonly onlyTuned: readonly TensorInfo[]
  /** Tells these matrices from those of the same two models cut for other loaders: names alone do not, where rows are in another order. */
  readonly cut: string
}
export interface AdapterModel extends Places {
  readonly of: 'adapter'
  readonly adapter: Adapter
  readonly targets: readonly TargetModule[]
  readonly facts: ModelFacts
  /** The model it belongs to, where it is at hand. */
  readonly base: WeightFile | undefined
  readonly notices: readonly Message[]
}

export interface DifferenceFile<Model = PairModel | AdapterModel> extends WeightFile {
  readonly difference: Model
}

export function isDifferenceFile(file: WeightFile): file is DifferenceFile {
  return 'difference' in file
}

/** @throws AppError `bad-request` for anything but two models */
export function pairOf(file: WeightFile): DifferenceFile<PairModel> {
  if (isDifferenceFile(file) && file.difference.of === 'pair') return file as DifferenceFile<PairModel>
  throw new AppError('bad-request', say('extract.not-a-pair'))
}

/** @param form null: the one that most loaders of the family take */
export async function pairModel(
  base: WeightFile,
  tuned: WeightFile,
  asked: AdapterForm | null,
  convolutions: boolean,
): Promise<DifferenceFile<PairModel>> {
  const facts = await factsOfEither(base, tuned)
  const family = familyOfTensors(matrixNames(tuned)) ?? familyOfTensors(matrixNames(base))
  const matrices = tuned.tensors.filter(({ shape }) => shape.length >= 2)
  const forms = adapterForms.map((form) => ({
    form,
    modules: matrices.filter((tensor) => hasPlace(tensor, family, form)).length,
  }))
  const form = asked ?? usualForm(forms, family)
  const choices = { family, form, heads: facts.heads, interleaved: facts.interleaved ?? false }
  const { pairs, onlyBase, onlyTuned } = pairTensors(base.tensors, tuned.tensors, choices)
  if (pairs.length === 0) throw new AppError('bad-request', say('extract.no-pairs'))
  const file = differenceFile(base, tuned, pairs)
  const dtype = factorsOwnDType(tuned)
  const modules = new Map(
    pairs.flatMap(({ name, module, transposed }) => (module === null ? [] : [[name, { name: module, transposed }]])),
  )
  const report: DifferenceReport = {
    of: 'pair',
    names: [nameOf(base), nameOf(tuned)],
    relativeTo: null,
    form,
    forms: forms.filter(({ modules }) => modules > 0),
    family: family?.label ?? null,
    dtype,
    convolutions,
    adapter: null,
  }
  const places = { form, family, modules, architecture: facts.architecture, dtype, convolutions, report }
  const notices = family === null ? [say('adapter.family-unknown', { form })] : []
  return {
    ...file,
    notices,
    difference: { of: 'pair', ...places, base, tuned, pairs, onlyBase, onlyTuned, cut: cutOf(pairs) },
  }
}

/** The same with a reason for each pair that is no matrix to factorize, where it is known from its values. */
export function withUnfit(
  { difference, ...file }: DifferenceFile<PairModel>,
  unfit: (pair: Pair) => Message | null,
): DifferenceFile<PairModel> {
  const marked = differenceFile(difference.base, difference.tuned, difference.pairs, unfit)
  return { ...file, ...marked, notices: file.notices, difference }
}

/** The same with these tensors, none of them a matrix, as the tuned model has them. */
export function withTuned(
  file: DifferenceFile<PairModel>,
  names: ReadonlyMap<string, unknown>,
): DifferenceFile<PairModel> {
  const { tuned, pairs } = file.difference
  const own = new Map(pairs.flatMap(({ name, tuned: [run] }) => (run && names.has(name) ? [[name, run.tensor]] : [])))
  const tensors = file.tensors.map((tensor): TensorInfo => {
    const { dtype, byteLength } = own.get(tensor.name) ?? tensor
    return { ...tensor, dtype, byteLength }
  })
  const read: WeightFile['read'] = (tensor, start, end) => {
    const found = own.get(tensor.name)
    return found ? tuned.read(found, start, end) : file.read(tensor, start, end)
  }
  return { ...file, tensors, read }
}

function cutOf(pairs: readonly Pair[]): string {
  // FNV-1a over the rows of each.
  let hash = 0x811c9dc5
  const mix = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193)
  }
  for (const { name, base, tuned } of pairs) {
    for (let i = 0; i < name.length; i++) mix(name.charCodeAt(i))
    for (const { start, rows } of [...base, ...tuned]) {
      mix(start)
      mix(rows)
    }
  }
  return `${pairs.length}:${(hash >>> 0).toString(16)}`
}

/** @throws AppError as readAdapter; `bad-request` where no module has a place in the form */
export async function adapterModel(
  file: WeightFile,
  asked: AdapterForm | null,
  base?: WeightFile | undefined,
): Promise<DifferenceFile<AdapterModel>> {
  const adapter = await readAdapter(file)
  const form = asked ?? adapter.form
  const facts = await modelFacts(base)
  const translated = (to: AdapterForm) => translate(adapter, { form: to === adapter.form ? null : to, ...facts })
  const { modules: targets, family, notices } = translated(form)
  if (targets.length === 0) throw new AppError('bad-request', [...notices, say('adapter.empty')])
  const forms = adapterForms.map((to) => ({
    form: to,
    modules: to === form ? targets.length : translated(to).modules.length,
  }))
  const dtype = factorsOwnDType({ tensors: adapter.modules.flatMap(({ tensors }) => [...tensors.values()]) })
  const ranks = adapter.modules.map(({ rank }) => rank)
  const scales = adapter.modules.map(({ scale }) => scale)
  const report: DifferenceReport = {
    of: 'adapter',
    names: [nameOf(file)],
    relativeTo: base ? nameOf(base) : null,
    form,
    forms: forms.filter(({ modules }) => modules > 0),
    family: family?.label ?? null,
    dtype,
    convolutions: true,
    adapter: {
      form: adapter.form,
      modules: adapter.modules.length,
      kinds: [...new Set(adapter.modules.map(({ kind }) => kind))],
      ranks: [least(ranks), most(ranks)],
      scales: [least(scales), most(scales)],
      alphas: adapter.modules.filter(({ alpha }) => alpha !== null).length,
    },
  }
  const architecture =
    facts.architecture ?? (adapter.form === 'gguf' ? (file.metadata.get('general.architecture') ?? null) : null)
  const tensors = targets.map(
    (target): TensorInfo => ({
      name: target.name,
      dtype: 'F32',
      shape: target.shape,
      byteLength: 4 * elementCount(target.shape),
      // As large as its factors: what another rank is held against.
      ...storedAs(target),
      storedBytes: target.sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
    }),
  )
  const modules = new Map(targets.map(({ name, transposed }) => [name, { name, transposed }]))
  const places = { form, family, modules, architecture, dtype, convolutions: true, report }
  return {
    ...file,
    tensors,
    notices: [...adapter.notices, ...notices],
    shards: [{ fileName: nameOf(file), tensorNames: tensors.map(({ name }) => name) }],
    read: rowsReader(file, targets),
    difference: { of: 'adapter', ...places, adapter, targets, facts, base, notices: [...adapter.notices, ...notices] },
  }
}

/** Bytes of D in F32, rows at a time: the factors of the module that was read last are held. */
function rowsReader(file: WeightFile, targets: readonly TargetModule[]): WeightFile['read'] {
  const byName = new Map(targets.map((target) => [target.name, target]))
  let held: { readonly name: string; readonly whole: Promise<Factors | Float32Array> } | null = null
  return async ({ name, byteLength }, start = 0, end = byteLength) => {
    const target = byName.get(name)
    if (!target) throw new Error(`${name} is no module`)
    if (held?.name !== name) held = { name, whole: wholeOf(file, target) }
    const whole = await held.whole
    const [from, to] = [start / 4, end / 4]
    const { cols } = matrixOf(target)
    const values = whole instanceof Float32Array ? whole.slice(from, to) : productValues(whole, cols, from, to)
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  }
}

async function wholeOf(file: WeightFile, target: TargetModule): Promise<Factors | Float32Array> {
  return (await effectiveFactors(file, target)) ?? wholeMatrix(file, target)
}

/** Values [from, to) of B A, row-major. */
function productValues({ rank, B, A }: Factors, cols: number, from: number, to: number): Float32Array {
  const values = new Float32Array(to - from)
  for (let row = Math.floor(from / cols); row * cols < to; row++) {
    const [first, last] = [Math.max(from, row * cols), Math.min(to, (row + 1) * cols)]
    const line = new Float64Array(last - first)
    const shift = first - row * cols
    for (let k = 0; k < rank; k++) {
      const weight = B[row * rank + k]!
      if (weight === 0) continue
      const at = k * cols + shift
      for (let c = 0; c < line.length; c++) line[c]! += weight * A[at + c]!
    }
    values.set(line, first - from)
  }
  return values
}

/** Its dtype and rank, or the kind of product that it is. */
function storedAs({ sources }: TargetModule): Pick<TensorInfo, 'storedAs' | 'storedRank' | 'remark'> {
  const [first] = sources as [AdapterModule]
  const { dtype } = first.tensors.values().next().value!
  const rank = sources.reduce((sum, each) => sum + each.rank, 0)
  return first.kind === 'loha' || first.kind === 'lokr'
    ? { storedAs: `${dtype}, ${first.kind}`, remark: say('adapter.multiplied-out', { kind: first.kind, dtype }) }
    : { storedAs: dtype, storedRank: rank }
}

function matrixNames({ tensors }: WeightFile): string[] {
  return tensors.filter(({ shape }) => shape.length >= 2).map(({ name }) => name)
}

async function factsOfEither(base: WeightFile, tuned: WeightFile): Promise<ModelFacts> {
  const [one, other] = [await modelFacts(base), await modelFacts(tuned)]
  return {
    architecture: one.architecture ?? other.architecture,
    heads: one.heads ?? other.heads,
    interleaved: one.interleaved ?? other.interleaved,
  }
}

/** Image models are loaded by everything that reads kohya's names, language models by PEFT and all that read its folders. */
function usualForm(
  forms: readonly { readonly form: AdapterForm; readonly modules: number }[],
  family: Family | null,
): AdapterForm {
  const ofImages = family?.parts.some(({ id }) => id === 'unet')
  const wanted: AdapterForm = ofImages ? 'kohya' : 'peft'
  return forms.some(({ form, modules }) => form === wanted && modules > 0)
    ? wanted
    : (forms.toSorted((a, b) => b.modules - a.modules)[0]?.form ?? 'comfy')
}

/** That of most values. */
function factorsOwnDType({ tensors }: Pick<WeightFile, 'tensors'>): OwnDType {
  const dtypes = new Map<ComputableDType, number>()
  for (const tensor of tensors)
    if (hasComputableDType(tensor) && tensor.shape.length > 1) {
      const dtype = tensor.storedAs === undefined ? tensor.dtype : 'BF16'
      dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + tensor.byteLength)
    }
  const [first] = [...dtypes].sort((a, b) => b[1] - a[1])
  if (!first) return 'BF16'
  const [dtype] = first
  if (dtype === 'F16') return 'F16'
  return dtype === 'F32' || dtype === 'F64' ? 'F32' : 'BF16'
}

function nameOf({ shards }: WeightFile): string {
  return shards[0]?.fileName ?? ''
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
