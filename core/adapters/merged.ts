/**
 * A model with an adapter in it, as a file of weights: each tensor that a module belongs to is W + scale x D, computed as it is read, in the dtype
 * it had; all others are those of the base.
 */
import { AppError } from '../errors.ts'
import { decodeFloat64, encode } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { applyScale, readScale } from '../formats/quantized/fp8-scale.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import { type ComputableDType, dtypeBits, elementCount, hasComputableDType, type TensorInfo } from '../tensor.ts'
import { type Adapter, type AdapterModule, matrixOf } from './adapter.ts'
import { type Factors, factorsOf, productOf } from './factors.ts'
import { familyOfTensors, moduleOfTensor, namesOf, type Placed, placeTensor } from './names.ts'
import { bareName } from './pairs.ts'
import { type Heads, isReordered, nativeRows } from './row-order.ts'

/** Rows of a module that are added to rows of a tensor from `at` on. */
interface Addition {
  readonly module: AdapterModule
  readonly at: number
  readonly rows: number
  /** First row of the module's. */
  readonly from: number
  /** Row of the tensor at each row of the module, where its form has another order. */
  readonly order: Int32Array | null
  /** Whether the tensor is the transpose of what the module adds. */
  readonly turned: boolean
}

export interface Merged {
  readonly file: WeightFile
  /** How many tensors change. */
  readonly changed: number
  readonly notices: readonly Message[]
}

export interface MergeChoices {
  readonly scale: number
  readonly heads: Heads | null
  readonly interleaved: boolean
}

/** @throws AppError `bad-request` for an adapter of another model */
export function mergedFile(base: WeightFile, adapter: Adapter, choices: MergeChoices): Merged {
  const additions = matchModules(base, adapter, choices)
  const used = new Set([...additions.values()].flat().map(({ module }) => module.name))
  if (used.size === 0) throw new AppError('bad-request', say('apply.none'))
  const widened = new Set<string>()
  const tensors = base.tensors.map((tensor): TensorInfo => {
    if (tensor.storedAs === undefined || !hasComputableDType(tensor) || tensor.shape.length < 2) return tensor
    widened.add(tensor.name)
    const { storedAs: _, storedBytes: __, ...own } = tensor
    return { ...own, dtype: 'BF16', byteLength: 2 * elementCount(tensor.shape) }
  })
  const originals = new Map(base.tensors.map((tensor) => [tensor.name, tensor]))
  let held: { readonly name: string; readonly delta: Float32Array } | null = null
  const deltaOf = async (tensor: TensorInfo) => {
    if (held?.name !== tensor.name)
      held = {
        name: tensor.name,
        delta: await deltaOfTensor(adapter, tensor, additions.get(tensor.name)!, choices.scale),
      }
    return held.delta
  }
  const read: WeightFile['read'] = async (tensor, start = 0, end = tensor.byteLength) => {
    const own = originals.get(tensor.name)!
    const changes = additions.has(tensor.name)
    if (!changes && !widened.has(tensor.name)) return base.read(own, start, end)
    const to = tensor.dtype as ComputableDType
    const [first, last] = [(8 * start) / dtypeBits[to], (8 * end) / dtypeBits[to]]
    const from = own.dtype as ComputableDType
    const size = dtypeBits[from] / 8
    const values = decodeFloat64(from, await base.read(own, first * size, last * size))
    const grid = own.scale ? await readScale(base, own) : null
    if (grid) applyScale(values, first, grid)
    if (changes) {
      const D = await deltaOf(tensor)
      for (let i = 0; i < values.length; i++) values[i]! += D[first + i]!
    }
    if (grid) applyScale(values, first, grid, true)
    return encode(to, values).bytes
  }
  const unmatched = adapter.modules.filter(({ name }) => !used.has(name))
  const notices = [
    say('apply.applied', { count: additions.size, scale: choices.scale }),
    ...(widened.size > 0 ? [say('apply.widened')] : []),
    ...(unmatched.length > 0
      ? [
          say('apply.unmatched', {
            count: unmatched.length,
            total: adapter.modules.length,
            some: unmatched.slice(0, 3).map(({ name }) => quoted(name)),
          }),
        ]
      : []),
    ...(adapter.magnitudes.size > 0 ? [say('apply.dora')] : []),
  ]
  return { file: { ...base, tensors, read }, changed: additions.size, notices }
}

/** By the names that the form has for the modules of each tensor. */
function matchModules(base: WeightFile, adapter: Adapter, choices: MergeChoices): Map<string, Addition[]> {
  const modules = new Map(adapter.modules.map((module) => [module.name, module]))
  const matrices = base.tensors.filter(({ shape }) => shape.length >= 2)
  const family = familyOfTensors(matrices.map(({ name }) => name))
  const additions = new Map<string, Addition[]>()
  for (const tensor of matrices) {
    if (!hasComputableDType(tensor) || tensor.unfit) continue
    const placed = family && placeTensor(family, tensor.name)
    const found = placed
      ? additionsByTable(tensor, placed, modules, adapter.form, choices)
      : additionsByName(tensor, modules)
    if (found.length > 0) additions.set(tensor.name, found)
  }
  return additions
}

/** In a model of a known family: modules may have some of the tensor's rows, or the tensor some of a module's, and in another order. */
function additionsByTable(
  tensor: TensorInfo,
  placed: Placed,
  modules: ReadonlyMap<string, AdapterModule>,
  form: Adapter['form'],
  choices: MergeChoices,
): Addition[] {
  const { share: ownShare, row, scheme: ownScheme } = placed
  const rows = tensor.shape[0]!
  // Rows of all that lies beside each other under one name in some scheme, and where this tensor's begin.
  const total = (rows / (ownShare.end - ownShare.start)) * ownShare.of
  const own = (total * ownShare.start) / ownShare.of
  const found: Addition[] = []
  for (const { name, share, scheme } of namesOf(placed, form) ?? []) {
    const module = modules.get(name)
    const [start, end] = [(total * share.start) / share.of, (total * share.end) / share.of]
    // Which rows both have.
    const [first, last] = [Math.max(start, own), Math.min(end, own + rows)]
    if (!module || first >= last) continue
    const table = module.kind === 'embedding' || module.kind === 'table'
    const turned = row.transposed === 'conv1d' && ownScheme !== 'gguf' && !table
    const order = orderBetween(row, scheme, ownScheme, total, choices)
    checkFit(module, tensor, turned, end - start)
    found.push({ module, at: first - own, rows: last - first, from: first - start, order, turned })
  }
  return found
}

/** In any other model: the module whose name is made of the tensor's. */
function additionsByName(tensor: TensorInfo, modules: ReadonlyMap<string, AdapterModule>): Addition[] {
  const name = genericNames(tensor.name).find((each) => modules.has(each))
  if (name === undefined) return []
  const module = modules.get(name)!
  const rows = tensor.shape[0]!
  checkFit(module, tensor, false, rows)
  return [{ module, at: 0, rows, from: 0, order: null, turned: false }]
}

function genericNames(tensor: string): string[] {
  const module = moduleOfTensor(tensor)
  if (module === null) return []
  const path = bareName(module)
  return [
    `base_model.model.${module}`,
    module,
    `diffusion_model.${path}`,
    `transformer.${path}`,
    `unet.${path}`,
  ].concat(`lora_unet_${path.replaceAll('.', '_')}`)
}

/** @throws AppError `bad-request` where the module's matrix has not the shape of the tensor's, or of these `rows` of it */
function checkFit(module: AdapterModule, tensor: TensorInfo, turned: boolean, rows: number): void {
  const matrix = matrixOf(module)
  const cols = elementCount(tensor.shape.slice(1))
  const fits = turned
    ? matrix.rows === cols && matrix.cols === tensor.shape[0]
    : matrix.rows === rows && matrix.cols === cols
  if (fits) return
  const shapes = { module_shape: [matrix.rows, matrix.cols], tensor: tensor.shape }
  throw new AppError('bad-request', say('apply.misfit', { module: foreign(module.name), ...shapes }))
}

/** Rows of the tensor's scheme at each row of the adapter's; null where both have the same order. */
function orderBetween(
  row: Parameters<typeof isReordered>[0],
  ofAdapter: Parameters<typeof isReordered>[1],
  ofTensor: Parameters<typeof isReordered>[1],
  total: number,
  { heads, interleaved }: MergeChoices,
): Int32Array | null {
  const reorders = (scheme: typeof ofAdapter) => isReordered(row, scheme) && (scheme !== 'gguf' || interleaved)
  if (ofAdapter === ofTensor || (!reorders(ofAdapter) && !reorders(ofTensor))) return null
  const order = (scheme: typeof ofAdapter) => {
    if (!reorders(scheme)) return null
    const found = scheme === 'gguf' && !heads ? null : nativeRows(row, total, heads ?? { heads: 1, kv: 1 })
    if (!found) throw new AppError('bad-request', say('adapter.heads-unknown'))
    return found
  }
  const [adapter, tensor] = [order(ofAdapter), order(ofTensor)]
  const inverse = tensor && Int32Array.from(tensor)
  if (tensor) for (let i = 0; i < total; i++) inverse![tensor[i]!] = i
  return Int32Array.from({ length: total }, (_, i) => {
    const native = adapter ? adapter[i]! : i
    return inverse ? inverse[native]! : native
  })
}

/** scale x what all modules add to a tensor, as large as it is. */
async function deltaOfTensor(
  { file }: Adapter,
  { shape }: TensorInfo,
  additions: readonly Addition[],
  scale: number,
): Promise<Float32Array> {
  const cols = elementCount(shape.slice(1))
  const D = new Float32Array(elementCount(shape))
  for (const { module, at, rows, from, order, turned } of additions) {
    const factors = await factorsOf(file, module)
    const product = factors ? null : await productOf(file, module)
    const width = matrixOf(module).cols
    for (let r = 0; r < (turned ? matrixOf(module).rows : rows); r++) {
      const line = factors ? rowOf(factors, from + r) : product!.subarray((from + r) * width, (from + r + 1) * width)
      if (turned) for (let c = 0; c < width; c++) D[c * cols + r]! += scale * line[c]!
      else {
        const to = (order ? order[r]! : at + r) * cols
        for (let c = 0; c < cols; c++) D[to + c]! += scale * line[c]!
      }
    }
  }
  return D
}

function rowOf({ cols, rank, B, A }: Factors, row: number): Float64Array {
  const line = new Float64Array(cols)
  for (let k = 0; k < rank; k++) {
    const weight = B[row * rank + k]!
    const start = k * cols
    for (let c = 0; c < cols; c++) line[c]! += weight * A[start + c]!
  }
  return line
}
