/**
 * Strided views read as C order: NumPy's Fortran order and PyTorch's transposed or sliced tensors are the same thing, a storage with a
 * stride for each axis. A range of the C-order elements is cut into boxes; a box whose elements lie within one window of the storage is
 * read at once and picked from memory, a wider one is halved along the axis that spreads it most. Memory: the output and one window.
 */

/** Elements, not bytes, throughout. */
export interface StridedView {
  readonly itemBytes: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** Of the first element. */
  readonly offset: number
}

/** Reads bytes [start, end) of the storage. */
export type ReadStorage = (start: number, end: number) => Promise<Uint8Array>

/** What is read at once; larger windows save reads on transposed matrices, smaller ones save memory. */
const defaultWindowBytes = 16 * 1024 * 1024

export function cOrderStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step
    step *= shape[axis]!
  }
  return strides
}

export function fortranStrides(shape: readonly number[]): number[] {
  return cOrderStrides([...shape].reverse()).reverse()
}

/** Whether C order is the order of the storage; the stride of an axis of length 1 does not matter. */
function isContiguous(view: StridedView): boolean {
  const packed = cOrderStrides(view.shape)
  return view.shape.every((size, axis) => size === 1 || view.strides[axis] === packed[axis])
}

/** Elements of storage from the first the view touches to one past the last; strides are >= 0. 0 for an empty view. */
export function extent(view: StridedView): number {
  if (view.shape.includes(0)) return 0
  return view.shape.reduce((sum, size, axis) => sum + (size - 1) * view.strides[axis]!, 1)
}

/** Elements [start, end) of the view in C order, tightly packed. */
export async function readStrided(
  view: StridedView,
  start: number,
  end: number,
  readStorage: ReadStorage,
  windowBytes = defaultWindowBytes,
): Promise<Uint8Array> {
  const { itemBytes } = view
  if (start >= end) return new Uint8Array(0)
  if (isContiguous(view)) return readStorage((view.offset + start) * itemBytes, (view.offset + end) * itemBytes)
  const out = new Uint8Array((end - start) * itemBytes)
  const packed = cOrderStrides(view.shape)

  /** The box at `origin` (storage) of `sizes`, to `target` (element of out). */
  const copyBox = async (origin: number, sizes: number[], target: number): Promise<void> => {
    let span = 1
    let widest = 0
    for (const [axis, size] of sizes.entries()) {
      const spread = (size - 1) * view.strides[axis]!
      span += spread
      if (spread > (sizes[widest]! - 1) * view.strides[widest]!) widest = axis
    }
    if (span * itemBytes <= windowBytes || span === 1) {
      const window = await readStorage(origin * itemBytes, (origin + span) * itemBytes)
      pick(window, sizes, view.strides, packed, itemBytes, out, target)
      return
    }
    const half = sizes[widest]! >>> 1
    const upper = [...sizes]
    upper[widest] = sizes[widest]! - half
    const lower = [...sizes]
    lower[widest] = half
    await copyBox(origin, lower, target)
    await copyBox(origin + half * view.strides[widest]!, upper, target + half * packed[widest]!)
  }

  for (const box of boxesOf(view.shape, packed, start, end)) {
    const origin = box.index.reduce((sum, index, axis) => sum + index * view.strides[axis]!, view.offset)
    await copyBox(origin, box.sizes, box.start - start)
  }
  return out
}

interface Box {
  readonly index: number[]
  readonly sizes: number[]
  /** C-order element number of its first element. */
  readonly start: number
}

/** Cuts [start, end) into boxes, each a run of one axis with all later axes whole: at most 2 an axis. */
function* boxesOf(shape: readonly number[], packed: readonly number[], start: number, end: number): Generator<Box> {
  let at = start
  while (at < end) {
    // The outermost axis whose step `at` is aligned to and that fits in what is left.
    let axis = packed.findIndex((step) => at % step === 0 && at + step <= end)
    if (axis < 0) axis = packed.length - 1
    const step = packed[axis]!
    const index = packed.map((each, i) => Math.floor(at / each) % shape[i]!)
    const count = Math.min(Math.floor((end - at) / step), shape[axis]! - index[axis]!)
    yield { index, sizes: shape.map((size, i) => (i < axis ? 1 : i === axis ? count : size)), start: at }
    at += count * step
  }
}

/** Picks a box's elements out of its window into their C-order places. */
function pick(
  window: Uint8Array,
  sizes: readonly number[],
  strides: readonly number[],
  packed: readonly number[],
  itemBytes: number,
  out: Uint8Array,
  target: number,
): void {
  const last = sizes.length - 1
  const lastSize = sizes[last]!
  const lastStride = strides[last]! * itemBytes
  const walk = (axis: number, from: number, to: number): void => {
    if (axis < last) {
      for (let i = 0; i < sizes[axis]!; i++)
        walk(axis + 1, from + i * strides[axis]! * itemBytes, to + i * packed[axis]! * itemBytes)
      return
    }
    if (lastStride === itemBytes) out.set(window.subarray(from, from + lastSize * itemBytes), to)
    else
      for (let i = 0; i < lastSize; i++)
        for (let b = 0; b < itemBytes; b++) out[to + i * itemBytes + b] = window[from + i * lastStride + b]!
  }
  walk(0, 0, target * itemBytes)
}
