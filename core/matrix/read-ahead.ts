/**
 * Reading continues while this thread computes: the host reads in the background, also while the driver is blocked by the team. So whatever
 * is needed next is asked for before the work on the present one begins.
 */
import type { WeightFile } from '../formats/format.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { type FactorizedTensor, isFactorized, type TensorPlan } from '../plan/plan.ts'
import { dtypeBits, type TensorInfo } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { READ_BYTES, residentLimit, rowPanels, storedRows } from './load.ts'

/**
 * `begin` of each item in order, the next one under way while the caller is busy with what it got. Where the caller leaves early, nothing
 * waits for that one, and its rejection is ignored.
 */
export async function* oneAhead<Item, Result>(
  items: Iterable<Item>,
  begin: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const rest = items[Symbol.iterator]()
  const beginNext = () => {
    const item = rest.next()
    return item.done ? null : forgettable(begin(item.value))
  }
  for (let next = beginNext(); next !== null; ) {
    const present = next
    next = beginNext()
    yield await present
  }
}

/** A tensor's bytes in pieces, the next one under way while the caller is busy with what it got and may discard. */
export function piecesOf(
  file: WeightFile,
  tensor: TensorInfo,
  context: Pick<JobContext, 'checkCancelled'>,
): AsyncGenerator<Uint8Array> {
  return inPieces(tensor, file.read, context)
}

/** The same by whatever `read` makes of bytes [start, end). */
export async function* inPieces<Piece>(
  tensor: TensorInfo,
  read: Read<Piece>,
  { checkCancelled }: Pick<JobContext, 'checkCancelled'>,
): AsyncGenerator<Piece> {
  const readFrom = (start: number) => read(tensor, start, Math.min(tensor.byteLength, start + READ_BYTES))
  for await (const piece of oneAhead(pieceStarts(tensor), readFrom)) {
    checkCancelled()
    yield piece
  }
}

type Read<Piece> = (tensor: TensorInfo, start?: number, end?: number) => Promise<Piece>

function* pieceStarts({ byteLength }: TensorInfo): Generator<number> {
  for (let start = 0; start < byteLength; start += READ_BYTES) yield start
}

/** A source of matrices that are loaded in a known order: at most one of them waits in memory beside the present one. */
export interface ReadAhead {
  /** The source; what was read ahead is handed over. */
  readonly file: WeightFile
  /** Those to be factorized among these plans will be loaded in this order. */
  follow(plans: readonly TensorPlan[]): void
  /** Matrix `index` of the tensor lies in the kernels' memory: the one after it may come, if both fit within the memory limit. */
  loaded(info: TensorInfo, index: number): void
}

/** Nothing is read before `follow` and `loaded` say what comes; reads of anything else go to the source as they are. It does not close the source. */
export function readAhead(source: WeightFile, kernels: Pick<Kernels, 'memory'>): ReadAhead {
  let matrices: { readonly plan: FactorizedTensor; readonly index: number }[] = []
  const firstOf = new Map<string, number>()
  const bytes = begunReads(source.read)
  const sides = source.readSides && begunReads(source.readSides)

  return {
    file: { ...source, read: bytes.read, ...(sides && { readSides: sides.read }) },
    follow: (plans) => {
      matrices = []
      firstOf.clear()
      for (const plan of plans.filter(isFactorized)) {
        firstOf.set(plan.info.name, matrices.length)
        for (let index = 0; index < plan.view.count; index++) matrices.push({ plan, index })
      }
    },
    loaded: (info, index) => {
      // What was not claimed belongs to an abandoned matrix.
      bytes.clear()
      sides?.clear()
      const at = (firstOf.get(info.name) ?? matrices.length) + index
      const [present, next] = [matrices[at], matrices[at + 1]]
      if (!present || !next) return
      if (bytesOf(present.plan) + bytesOf(next.plan) > residentLimit(kernels, next.plan.sketch.memoryLimit)) return
      const { info: tensor, view } = next.plan
      // As load.ts will ask for them.
      for (const panel of rowPanels(view))
        (sides ?? bytes).begin(tensor, ...storedRows(tensor, view, next.index, panel))
    },
  }
}

/** Reads that are begun before anybody asks for their results, each handed over once. */
function begunReads<Piece>(read: Read<Piece>) {
  const coming = new Map<string, Promise<Piece>>()
  const keyOf = ({ name }: TensorInfo, start?: number, end?: number) => `${start} ${end} ${name}`
  return {
    begin: (tensor: TensorInfo, start: number, end: number) => {
      coming.set(keyOf(tensor, start, end), forgettable(read(tensor, start, end)))
    },
    read: (tensor: TensorInfo, start?: number, end?: number) => {
      const key = keyOf(tensor, start, end)
      const found = coming.get(key)
      coming.delete(key)
      return found ?? read(tensor, start, end)
    },
    clear: () => coming.clear(),
  }
}

function bytesOf({ info, view }: FactorizedTensor): number {
  return (view.rows * view.cols * dtypeBits[info.dtype]) / 8
}

/** The same promise; if it is never awaited, its rejection is ignored. */
function forgettable<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
